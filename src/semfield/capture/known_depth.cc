#include "semfield/capture/known_depth.h"

#include <algorithm>

namespace semfield {
namespace {

constexpr float kMostError = 4;       // of the median reprojection error
constexpr float kFarthest = 65534.5;  // depth steps: 65535 marks pixels without a measurement

float MostError(const Capture& capture) {
  std::vector<float> errors;
  for (const SparsePoint& point : capture.points) {
    if (point.error >= 0) errors.push_back(point.error);
  }
  if (errors.empty()) return 0;
  const auto middle = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2);
  std::nth_element(errors.begin(), middle, errors.end());
  return kMostError * *middle;
}

}  // namespace

std::vector<std::vector<KnownDepth>> DepthsOfPoints(const Capture& capture, const ImageStore& store) {
  std::vector<std::vector<KnownDepth>> depths(capture.views.size());
  const float most = MostError(capture);
  for (const Observation& seen : capture.observations) {
    const View& view = capture.views[seen.view];
    const SparsePoint& point = capture.points[seen.point];
    if (point.error > most) continue;
    const double depth = (view.world_from_camera.Inverse() * point.position).z();
    if (!(depth > 0)) continue;
    const Camera camera = store.CameraOf(static_cast<int>(seen.view));
    const double x = seen.x * camera.width / view.camera.width;
    const double y = seen.y * camera.height / view.camera.height;
    if (!(x >= 0 && y >= 0 && x < camera.width && y < camera.height)) continue;
    const auto pixel =
        static_cast<uint32_t>(y) * static_cast<uint32_t>(camera.width) + static_cast<uint32_t>(x);
    depths[seen.view].push_back({pixel, static_cast<float>(depth)});
  }
  return depths;
}

std::vector<float> DepthsOfMap(const ImageStore& store, int view) {
  const ImageF map = store.Depth(view);
  if (map.data.empty()) return {};
  const Camera camera = store.CameraOf(view);
  const auto farthest = static_cast<float>(kFarthest * store.depth_unit());
  std::vector<float> depths(static_cast<size_t>(camera.width) * static_cast<size_t>(camera.height));
  for (int y = 0; y < camera.height; ++y) {
    const int from_y = static_cast<int>((y + 0.5) * map.height / camera.height);
    for (int x = 0; x < camera.width; ++x) {
      const float depth = map.At(static_cast<int>((x + 0.5) * map.width / camera.width), from_y);
      depths[static_cast<size_t>(y) * camera.width + x] = depth < farthest ? depth : 0;
    }
  }
  return depths;
}

bool HasDepthMaps(const Capture& capture) {
  return std::any_of(capture.train.begin(), capture.train.end(),
                     [&](int view) { return !capture.views[view].depth.empty(); });
}

}  // namespace semfield
