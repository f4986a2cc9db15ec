#include "semfield/scenes/rendering.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/log.h"

namespace semfield {
namespace {

constexpr float kSameSurface = 1.05f;  // depths of neighbouring rays with a ratio of less are of one surface

// Where a pixel lies between the pixels of a smaller picture: the one before it, and how far it is beyond.
struct Between {
  int first, second, nearest;
  float share;  // of the second
  Between(int pixel, int large, int small) {
    const float at = (static_cast<float>(pixel) + 0.5f) * static_cast<float>(small) / large - 0.5f;
    const float before = std::floor(at);
    share = at - before;
    first = std::clamp(static_cast<int>(before), 0, small - 1);
    second = std::clamp(static_cast<int>(before) + 1, 0, small - 1);
    nearest = share < 0.5f ? first : second;
  }
};

float DepthBetween(const ImageF& depth, const Between& x, const Between& y) {
  const float corners[4] = {depth.At(x.first, y.first), depth.At(x.second, y.first),
                            depth.At(x.first, y.second), depth.At(x.second, y.second)};
  const auto [least, most] = std::minmax_element(corners, corners + 4);
  if (*least <= 0 || *most > kSameSurface * *least) return depth.At(x.nearest, y.nearest);
  const float above = (1 - x.share) / corners[0] + x.share / corners[1];
  const float below = (1 - x.share) / corners[2] + x.share / corners[3];
  return 1 / ((1 - y.share) * above + y.share * below);
}

}  // namespace

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

bool FewRaysDo(const RenderRequest& request, const Camera& camera, int cell) {
  return !request.rgb && !request.normals && !request.fine && camera.width > cell && camera.height > cell;
}

RenderedView DepthOfFewRays(const Camera& camera, int cell,
                            const std::function<RenderedView(const Camera&)>& render) {
  const Camera small = camera.Resized((camera.width + cell - 1) / cell, (camera.height + cell - 1) / cell);
  const ImageF depth = render(small).depth;
  RenderedView view{.depth = ImageF(camera.width, camera.height, 1),
                    .opacity = ImageF(camera.width, camera.height, 1)};
  for (int y = 0; y < camera.height; ++y) {
    const Between row(y, camera.height, small.height);
    for (int x = 0; x < camera.width; ++x) {
      view.depth.At(x, y) = DepthBetween(depth, Between(x, camera.width, small.width), row);
      view.opacity.At(x, y) = view.depth.At(x, y) > 0 ? 1.0f : 0.0f;
    }
  }
  return view;
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
