#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "semfield/geometry/types.h"
#include "semfield/image/image.h"
#include "semfield/objects/object_finder.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// A click as a person made it.
struct SelectionClick {
  int view = 0;  // into Capture::views
  double x = 0;  // pixels of the view's original image
  double y = 0;
  bool positive = true;
};

// A box as a person drew it.
struct SelectionBox {
  int view = 0;   // into Capture::views
  PromptBox box;  // pixels of the view's original image
};

// What a thing is called, by those who know the words of a vocabulary (objects/thing_namer.h).
struct GivenNames {
  std::vector<float> weights;  // [words] how well each names it, 0 to 1; all 0: no photo shows it
  std::string vocabulary;      // whose words these are (ThingNamer::VocabularyName)
  std::vector<int> views;      // that said so, into Capture::views
  std::vector<float> vector;   // what a model of kind "clip" saw, of length 1; empty: it was another model
};

// A thing of the scene: how much of each piece of its surface belongs to it.
struct Selection {
  std::string name;
  std::array<uint8_t, 3> color = {230, 40, 60};
  std::vector<SelectionClick> clicks;
  std::optional<SelectionBox> box;
  Nesting nesting = Nesting::kObject;  // what was asked for
  std::string answered_by;    // "photos": the teacher on them; "features": imitated ones; "": from others
  std::vector<float> weight;  // [num_cells] in [0, 1]; above 1/2: it belongs to the thing
  std::vector<float>
      looked;        // [num_cells] views that voted; empty: it is not known, as of sets of selections
  std::string text;  // the words that it was found by; empty: by none
  std::optional<GivenNames> names;  // nothing: nobody was asked

  bool Has(int32_t cell) const { return weight[cell] > 0.5f; }
  int NumCells() const;  // that it has
};

// What was found, as a selection keeps it: the share of the views' votes, 0 where nobody looked. And back.
// What it was called before is forgotten.
void TakeFound(const FoundObject& found, Selection* selection);
FoundObject FoundOf(const Selection& selection);

// Paints over the cells that a view shows under a brush: those of which more than half of the pixels are in
// `painted` (the size of the view's depth, nonzero inside) become the thing's, or with add = false not its.
void Paint(const SurfaceView& view, const ImageU8& painted, bool add, Selection* selection);

// Both must be of one map. A changed selection has no names.
Selection Union(const Selection& a, const Selection& b);
Selection Intersect(const Selection& a, const Selection& b);
Selection Subtract(const Selection& a, const Selection& b);
// Adds, or with steps < 0 takes away, so many layers of cells at the border.
Selection Grown(const SurfaceMap& map, const Selection& selection, int steps);
// The part that hangs together with its largest, by cells that touch.
Selection LargestPart(const SurfaceMap& map, const Selection& selection);

// The box around what it has, in the axes and units of `to` (a similarity; Capture::capture_from_world); all
// zero if it has nothing. The outermost 1 % of its cells on either side of each axis do not count: single
// cells lie anywhere.
Box3 ExtentOf(const SurfaceMap& map, const Selection& selection,
              const Mat4& to_from_world = Mat4::Identity());

// What a view shows of it, width x height pixels, 255 inside; empty of it: all 0.
ImageU8 MaskOf(const Selection& selection, const SurfaceView& view, int width, int height);

}  // namespace semfield
