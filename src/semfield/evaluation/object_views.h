#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"
#include "semfield/objects/selection.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/mesh_rays.h"
#include "semfield/surface/run_mesh.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// A labelled thing and where it is asked about.
struct LabelledThing {
  int id = 0;
  std::string name;
  int view = 0;                // into Capture::views: the training view in which it is largest
  Vec2 click = Vec2::Zero();   // pixels of that view's original image: its innermost pixel
  std::vector<int> shows;      // other views in which it covers kSmallestShare
  std::vector<int> shows_not;  // other views without a pixel of it
};
inline constexpr double kSmallestClickedShare = 0.01;  // of a view, to be asked about at all
inline constexpr double kSmallestShare = 0.003;        // of another view, to be scored there

// Things are instances whose class is none of wall, floor, ceiling, window, door, rug.
std::vector<LabelledThing> ThingsOf(const Capture& capture, const ImageStore& store);

struct ObjectViewScore {
  int view = 0;
  double iou = 0;
  double precision = 0, recall = 0;
  bool hidden = false;  // nothing was shown
};

// A mask against the instance `id`.
ObjectViewScore ScoreMask(const ImageU8& mask, const ImageU16& ids, int id, int view);
bool ShowsSomething(const ImageU8& mask);

// The middle of the pixel that lies deepest inside a mask.
Vec2 InnermostPixel(const ImageU8& mask);

// What the views of a run, held-out ones too, show of selections on its surface, beside their labels.
class ThingViews {
 public:
  // All must outlive it. mesh: selections are shown on its faces; nullptr: on the pieces of surface that each
  // view sees.
  ThingViews(const OpenedRun& run, const SurfaceMap& map, const RunMesh* mesh, const StopToken* stop);

  // At the size of the view's original image.
  ImageU8 Mask(const Selection& selection, int view);
  const ImageU16& Instances(int view);

 private:
  const SurfaceView& Seen(int view);
  ImageU8 MaskOnFaces(const Selection& selection, int view);
  // Which faces a view shows, -1 where there is none.
  const Image<int>& Faces(int view);

  const OpenedRun& run_;
  const SurfaceMap& map_;
  const RunMesh* mesh_;
  const StopToken* stop_;
  std::optional<MeshRays> rays_;  // of mesh_
  std::map<int, Image<int>> faces_;
  std::vector<float> owned_weight_;  // of the selection whose faces are known
  std::vector<int> owners_;          // [faces] 0: they are its
  std::map<int, SurfaceView> held_out_;
  std::map<int, ImageU16> instances_;
};

}  // namespace semfield
