#include "semfield/surface/run_surface.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "semfield/base/error.h"
#include "semfield/base/half.h"
#include "semfield/base/log.h"
#include "semfield/training/safetensors.h"

namespace semfield {
namespace {

constexpr char kField[] = "radiance";

Camera ObjectCamera(const Camera& camera) {
  const double longest = std::max(camera.width, camera.height);
  const double scale = std::min(1.0, kObjectResolution / longest);
  return camera.Resized(std::max(1, static_cast<int>(std::lround(scale * camera.width))),
                        std::max(1, static_cast<int>(std::lround(scale * camera.height))));
}

std::string TensorOf(int view) {
  return fmt::format("depth.{}", view);
}

void Save(const std::filesystem::path& path, const OpenedRun& run, const std::map<int, DepthView>& views) {
  std::vector<std::vector<Half>> depths;
  std::vector<TensorView> tensors;
  for (const auto& [number, view] : views) {
    std::vector<Half> halves(view.depth.data.size());
    std::transform(view.depth.data.begin(), view.depth.data.end(), halves.begin(), FloatToHalf);
    depths.push_back(std::move(halves));
  }
  size_t next = 0;
  for (const auto& [number, view] : views) {
    tensors.push_back(
        MakeTensorView<Half>(TensorOf(number), {view.depth.height, view.depth.width}, depths[next++]));
  }
  WriteSafetensors(path, tensors, {{kField, run.radiance_checksum}});
}

// Of the views that are kept, by their number; nothing of another field, or of a file that is damaged.
std::map<int, DepthView> Load(const std::filesystem::path& path, const OpenedRun& run) {
  std::map<int, DepthView> views;
  if (!std::filesystem::exists(path)) return views;
  try {
    const SafetensorsFile file = SafetensorsFile::Read(path);
    if (file.Metadata(kField) != run.radiance_checksum) return {};
    for (const int index : run.capture->train) {
      if (!file.Has(TensorOf(index))) continue;
      DepthView view{.view = index,
                     .camera = ObjectCamera(run.store->CameraOf(index)),
                     .world_from_camera = run.capture->views[index].world_from_camera,
                     .depth = {}};
      view.depth = ImageF(view.camera.width, view.camera.height, 1);
      const std::span<const Half> halves =
          file.Get<Half>(TensorOf(index), {view.camera.height, view.camera.width});
      std::transform(halves.begin(), halves.end(), view.depth.data.begin(), HalfToFloat);
      views.emplace(index, std::move(view));
    }
  } catch (const Error& error) {
    LogWarning("{}: not used ({}); depths are rendered again", path.string(), error.what());
    return {};
  }
  return views;
}

// Adds the views that are missing.
void RenderMissing(const OpenedRun& run, const JobControl& control, std::map<int, DepthView>* views) {
  const std::vector<int>& train = run.capture->train;
  for (const int view : train) {
    if (views->count(view) > 0) continue;
    control.ThrowIfStopped();
    DepthView rendered = RenderDepthView(run.Field(), run.store->CameraOf(view),
                                         run.capture->views[view].world_from_camera, view, control.stop);
    // What is kept is what is used, so that a run answers the same the first time and later.
    for (float& depth : rendered.depth.data) depth = HalfToFloat(FloatToHalf(depth));
    views->emplace(view, std::move(rendered));
    control.Report({.stage = "surface",
                    .done = static_cast<double>(views->size()),
                    .total = static_cast<double>(train.size()),
                    .detail = run.capture->views[view].name});
  }
}

}  // namespace

DepthView RenderDepthView(const RadianceField& field, const Camera& camera, const Pose& world_from_camera,
                          int view, const StopToken* stop) {
  DepthView depth{
      .view = view, .camera = ObjectCamera(camera), .world_from_camera = world_from_camera, .depth = {}};
  RenderRequest request;
  request.rgb = false;
  request.fine = false;
  depth.depth = field.Render(depth.camera, world_from_camera, request, stop).depth;
  return depth;
}

std::vector<DepthView> DepthsOfRun(const OpenedRun& run, const JobControl& control) {
  const std::filesystem::path path = run.folder.selections_dir() / "surface.safetensors";
  std::map<int, DepthView> views = Load(path, run);
  const size_t kept = views.size();
  try {
    RenderMissing(run, control, &views);
  } catch (const Error&) {
    if (views.size() > kept) Save(path, run, views);  // whoever comes next goes on from here
    throw;
  }
  if (views.size() > kept) Save(path, run, views);
  std::vector<DepthView> all;
  for (auto& [number, view] : views) all.push_back(std::move(view));
  return all;
}

SurfaceMap SurfaceOfRun(const OpenedRun& run, const JobControl& control) {
  return SurfaceMap(DepthsOfRun(run, control));
}

SurfaceView SeenBy(const OpenedRun& run, const SurfaceMap& map, const NamedView& view,
                   const StopToken* stop) {
  const int own = map.Find(view.index);
  if (own >= 0) return map.views()[own];
  const Camera camera = view.index >= 0 ? run.store->CameraOf(view.index) : view.camera;
  return map.Look(RenderDepthView(run.Field(), camera, view.world_from_camera, -1, stop));
}

std::string SurfaceName(const OpenedRun& run, const SurfaceMap& map) {
  return fmt::format("{} {}", run.radiance_checksum, map.num_cells());
}

}  // namespace semfield
