#include "semfield/evaluation/object_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "semfield/image/pixels.h"
#include "semfield/objects/thing_mesh.h"
#include "semfield/surface/run_surface.h"

namespace semfield {
namespace {

constexpr std::array<const char*, 6> kNotThings = {"wall", "floor", "ceiling", "window", "door", "rug"};
constexpr int kFewestShownPixels = 20;  // of the original image, below which a view shows nothing

bool IsThing(const Capture& capture, int id) {
  const auto label = capture.instances.find(id);
  const std::string name = label == capture.instances.end() ? "" : label->second.class_name;
  return std::find(kNotThings.begin(), kNotThings.end(), name) == kNotThings.end();
}

// Share of a view's pixels by instance, 0 (none) among them; empty without labels.
std::map<int, double> SharesOf(const ImageU16& ids) {
  std::map<int, double> shares;
  std::vector<int64_t> counts(65536);
  for (const uint16_t id : ids.data) ++counts[id];
  for (int id = 0; id < 65536; ++id) {
    if (counts[id] > 0) shares[id] = static_cast<double>(counts[id]) / static_cast<double>(ids.num_pixels());
  }
  return shares;
}

Vec2 InnermostOf(const ImageU16& ids, int id) {
  ImageU8 mask(ids.width, ids.height, 1);
  for (size_t i = 0; i < mask.data.size(); ++i) mask.data[i] = ids.data[i] == id ? 255 : 0;
  return InnermostPixel(mask);
}

}  // namespace

std::vector<LabelledThing> ThingsOf(const Capture& capture, const ImageStore& store) {
  struct Largest {
    double share = 0;
    int view = 0;
  };
  std::map<int, Largest> things;
  std::vector<std::map<int, double>> shares(capture.views.size());
  std::vector<bool> is_train(capture.views.size(), false), is_labelled(capture.views.size(), false);
  for (const int view : capture.train) is_train[view] = true;
  for (int view = 0; view < static_cast<int>(capture.views.size()); ++view) {
    shares[view] = SharesOf(store.Instances(view));
    is_labelled[view] = !shares[view].empty();
    for (const auto& [id, share] : shares[view]) {
      if (id == 0 || !IsThing(capture, id) || !is_train[view] || share <= things[id].share) continue;
      things[id] = {.share = share, .view = view};
    }
  }
  std::vector<LabelledThing> found;
  for (const auto& [id, largest] : things) {
    if (largest.share < kSmallestClickedShare) continue;
    const auto label = capture.instances.find(id);
    LabelledThing thing{.id = id,
                        .name = label == capture.instances.end() ? fmt::format("{}", id) : label->second.name,
                        .view = largest.view,
                        .click = InnermostOf(store.Instances(largest.view), id),
                        .shows = {},
                        .shows_not = {}};
    for (int view = 0; view < static_cast<int>(capture.views.size()); ++view) {
      if (view == largest.view || !is_labelled[view]) continue;
      const auto share = shares[view].find(id);
      if (share == shares[view].end()) {
        thing.shows_not.push_back(view);
      } else if (share->second >= kSmallestShare) {
        thing.shows.push_back(view);
      }
    }
    if (!thing.shows.empty()) found.push_back(std::move(thing));
  }
  return found;
}

ObjectViewScore ScoreMask(const ImageU8& mask, const ImageU16& ids, int id, int view) {
  double both = 0, ours = 0, theirs = 0;
  for (size_t i = 0; i < ids.data.size(); ++i) {
    const bool truth = ids.data[i] == id, in = mask.data[i] != 0;
    both += truth && in;
    ours += in;
    theirs += truth;
  }
  return {.view = view,
          .iou = ours + theirs == 0 ? 1 : both / (ours + theirs - both),
          .precision = ours == 0 ? 0 : both / ours,
          .recall = theirs == 0 ? 0 : both / theirs,
          .hidden = !ShowsSomething(mask)};
}

bool ShowsSomething(const ImageU8& mask) {
  return std::count(mask.data.begin(), mask.data.end(), 255) >= kFewestShownPixels;
}

Vec2 InnermostPixel(const ImageU8& mask) {
  const ImageF distance = DistanceToBorder(mask);
  const size_t best = std::max_element(distance.data.begin(), distance.data.end()) - distance.data.begin();
  return {static_cast<double>(best % mask.width) + 0.5, static_cast<double>(best / mask.width) + 0.5};
}

ThingViews::ThingViews(const OpenedRun& run, const SurfaceMap& map, const RunMesh* mesh,
                       const StopToken* stop)
    : run_(run), map_(map), mesh_(mesh), stop_(stop) {
  if (mesh != nullptr) rays_.emplace(mesh->mesh);
}

const Image<int>& ThingViews::Faces(int view) {
  const auto found = faces_.find(view);
  if (found != faces_.end()) return found->second;
  const Camera camera = run_.store->CameraOf(view);
  const std::vector<Ray> rays = MakeRays(camera, run_.capture->views[view].world_from_camera);
  std::vector<MeshRays::Hit> hits(rays.size());
  rays_->CastAll(rays, hits);
  Image<int>& faces = faces_[view] = Image<int>(camera.width, camera.height, 1);
  for (size_t i = 0; i < hits.size(); ++i) faces.data[i] = hits[i].face;
  return faces;
}

ImageU8 ThingViews::MaskOnFaces(const Selection& selection, int view) {
  if (owners_.empty() || owned_weight_ != selection.weight) {
    owners_ = OwnersOfFaces(mesh_->mesh, {VertexWeights(mesh_->mesh, map_, selection)});
    owned_weight_ = selection.weight;
  }
  const Image<int>& faces = Faces(view);
  ImageU8 mask(faces.width, faces.height, 1);
  for (size_t i = 0; i < mask.data.size(); ++i)
    mask.data[i] = faces.data[i] >= 0 && owners_[faces.data[i]] == 0 ? 255 : 0;
  return mask;
}

ImageU8 ThingViews::Mask(const Selection& selection, int view) {
  const Camera& camera = run_.capture->views[view].camera;
  if (mesh_ != nullptr) return ResizeNearest(MaskOnFaces(selection, view), camera.width, camera.height);
  return MaskOf(selection, Seen(view), camera.width, camera.height);
}

const ImageU16& ThingViews::Instances(int view) {
  const auto found = instances_.find(view);
  if (found != instances_.end()) return found->second;
  return instances_[view] = run_.store->Instances(view);
}

const SurfaceView& ThingViews::Seen(int view) {
  const int own = map_.Find(view);
  if (own >= 0) return map_.views()[own];
  const auto found = held_out_.find(view);
  if (found != held_out_.end()) return found->second;
  return held_out_[view] = map_.Look(RenderDepthView(run_.Field(), run_.store->CameraOf(view),
                                                     run_.capture->views[view].world_from_camera, -1, stop_));
}

}  // namespace semfield
