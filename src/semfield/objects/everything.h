#pragma once

#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/objects/view_answers.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

struct EverythingOptions {
  int views = 20;               // that are looked at, spread over the scene
  int across = 12;              // prompts in each: a grid, so many along the longer side
  double min_score = 0.7;       // the decoder's own, of masks that count
  double min_stability = 0.85;  // IoU of a mask with itself at logits of -1 and +1
  double same_in_view = 0.8;    // IoU of masks of one view that are one
  double same_in_space = 0.5;   // IoU over common cells of masks of two views that are one thing
  double same_thing = 0.7;      // IoU of things that are one
  int fewest_cells = 12;        // of a thing
  int rounds = 1;               // in which a thing prompts further views, as one that was clicked does
};

// A thing that nobody clicked on.
struct FoundThing {
  std::vector<float> weight;  // [num_cells], as Selection::weight
  std::vector<float> looked;  // [num_cells], as Selection::looked
  double agreement = 0;       // of the views, 0..1
  std::vector<int> voters;    // views of the map that showed it, before it prompted others
};

// The things of a scene without a click: a grid of prompts in several views; masks of different views that
// are one on the surface vote together, and what they found prompts further views. By falling agreement;
// things may overlap (a drawer and its dresser).
std::vector<FoundThing> FindEverything(const SurfaceMap& map, ViewAnswers& answers,
                                       const EverythingOptions& options, const JobControl& control);

// Each cell belongs to the one thing that has the most of it (equal: the first), so that every point has one
// name. Things that keep fewer than fewest_cells are left out.
std::vector<FoundThing> LabelOnce(std::vector<FoundThing> things, int fewest_cells);

// Views that together show most of the surface, the one that shows most first.
std::vector<int> SpreadOverSurface(const SurfaceMap& map, int count);

}  // namespace semfield
