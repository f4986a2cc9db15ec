#include "semfield/scenes/rendering.h"

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/base/log.h"

namespace semfield {

std::vector<Vec2> PixelsOf(const Camera& camera, int64_t begin, int64_t end) {
  std::vector<Vec2> pixels;
  for (int64_t i = begin; i < end; ++i)
    pixels.emplace_back(static_cast<double>(i % camera.width) + 0.5,
                        static_cast<double>(i / camera.width) + 0.5);
  return pixels;
}

std::vector<Vec2> TokenCenters(const Camera& camera, int width, int height) {
  std::vector<Vec2> centers;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x)
      centers.emplace_back((x + 0.5) * camera.width / width, (y + 0.5) * camera.height / height);
  }
  return centers;
}

void CopyTo(const torch::Tensor& values, float* into) {
  const torch::Tensor flat = values.contiguous();
  std::copy_n(flat.data_ptr<float>(), flat.numel(), into);
}

SceneMap MapOf(const Capture& capture) {
  SceneMap map;
  const Vec3 center = capture.bounds.Center();
  for (int k = 0; k < 3; ++k) map.center[k] = static_cast<float>(center[k]);
  map.half_extent = static_cast<float>(0.5 * capture.bounds.Extent().maxCoeff());
  return map;
}

std::vector<int> PhotosToRenderFrom(const Capture& capture, int sources) {
  std::vector<int> photos;
  for (const int view : capture.train) {
    if (!capture.views[view].image.empty()) photos.push_back(view);
  }
  if (photos.empty()) {
    throw InputError(
        "{}: no training view has its photo (--capture names another place): there is nothing to "
        "render from",
        capture.path.string());
  }
  if (static_cast<int>(photos.size()) < sources)
    LogInfo("views are rendered from {} photos, not {}: there are no more", photos.size(), sources);
  return photos;
}

std::vector<int64_t> SourcesOf(const SceneViews& views, const Pose& target, const std::vector<int>& photos,
                               int sources) {
  std::vector<int64_t> at;
  for (const int view : views.Nearest(target, photos, sources))
    at.push_back(std::find(photos.begin(), photos.end(), view) - photos.begin());
  if (at.empty()) throw InputError("{}: the only photo is the view itself", views.capture().path.string());
  return at;
}

}  // namespace semfield
