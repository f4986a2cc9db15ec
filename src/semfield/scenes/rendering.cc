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

}  // namespace semfield
