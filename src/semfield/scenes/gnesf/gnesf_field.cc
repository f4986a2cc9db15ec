#include "semfield/scenes/gnesf/gnesf_field.h"

#include <algorithm>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/scenes/nn/rays.h"
#include "semfield/scenes/rendering.h"

namespace semfield {
namespace {

constexpr int64_t kRaysAtOnce = 256;  // what passes between layers stays in the cache
constexpr int kDepthCell = 4;         // where depth alone is asked, one ray for so many pixels squared
constexpr int64_t kPlacesAtOnce = 8192;
constexpr int kMostViews = 32;  // that a volume of a whole scene is made of

}  // namespace

GnesfScene::GnesfScene(GnesfModel model, std::vector<std::string> classes, std::unique_ptr<SceneViews> views,
                       int sources)
    : model_(std::move(model)), classes_(std::move(classes)), views_(std::move(views)), sources_(sources) {
  const torch::NoGradGuard no_gradient;
  const Capture& capture = views_->capture();
  map_ = MapOf(capture);
  askable_ = PhotosToRenderFrom(capture, sources_);
  encoded_.cameras = views_->CamerasOf(askable_);
  encoded_.rgb = views_->Pictures(askable_);
  std::vector<torch::Tensor> features;
  for (int64_t v = 0; v < encoded_.rgb.size(0); ++v)
    features.push_back(model_->Features(encoded_.rgb.narrow(0, v, 1)));
  encoded_.features = torch::cat(features);
}

torch::Tensor GnesfScene::ClassMaps(const std::vector<int>& views, const StopToken* stop) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<torch::Tensor> maps;
  for (const int view : views) {
    torch::Tensor& map = maps_[view];
    if (!map.defined()) map = views_->ClassMaps(std::vector<int>{view}, stop);
    maps.push_back(maps.empty() || map.sizes() == maps.front().sizes()
                       ? map
                       : torch::adaptive_avg_pool2d(map, maps.front().sizes().slice(2)));
  }
  return torch::cat(maps);
}

void GnesfScene::Finish(const std::vector<int>& chosen, bool with_classes, const StopToken* stop,
                        EncodedViews* views) const {
  model_->BuildVolume(views_->sides(), views);
  model_->SeeSurfaces(views);
  if (with_classes) views->classes = ClassMaps(chosen, stop);
}

EncodedViews GnesfScene::Around(const Pose& target, bool with_classes, const StopToken* stop) const {
  const std::vector<int64_t> at = SourcesOf(*views_, target, askable_, sources_);
  std::vector<int> chosen;
  for (const int64_t i : at) chosen.push_back(askable_[i]);
  EncodedViews views = encoded_.Select(at);
  Finish(chosen, with_classes, stop, &views);
  return views;
}

EncodedViews GnesfScene::All(bool with_classes, const StopToken* stop) const {
  const torch::NoGradGuard no_gradient;
  std::vector<int64_t> at;
  std::vector<int> chosen;
  const size_t count = std::min<size_t>(askable_.size(), kMostViews);
  for (size_t i = 0; i < count; ++i) {
    at.push_back(static_cast<int64_t>(i * askable_.size() / count));
    chosen.push_back(askable_[at.back()]);
  }
  std::unique_lock<std::mutex> lock(mutex_);
  const std::unique_ptr<EncodedViews>& kept = with_classes ? all_with_classes_ : all_;
  if (kept) return *kept;
  lock.unlock();
  EncodedViews views = encoded_.Select(at);
  Finish(chosen, with_classes, stop, &views);
  lock.lock();
  (with_classes ? all_with_classes_ : all_) = std::make_unique<EncodedViews>(views);
  return views;
}

RenderedView GnesfScene::RenderView(const Camera& camera, const Pose& pose, const RenderRequest& request,
                                    const StopToken* stop) const {
  const torch::NoGradGuard no_gradient;
  if (FewRaysDo(request, camera, kDepthCell)) {
    const RenderRequest each{.rgb = false};
    return DepthOfFewRays(camera, kDepthCell,
                          [&](const Camera& small) { return RenderView(small, pose, each, stop); });
  }
  const EncodedViews views = Around(pose, /*with_classes=*/false, stop);
  RenderedView picture{.depth = ImageF(camera.width, camera.height, 1),
                       .opacity = ImageF(camera.width, camera.height, 1)};
  if (request.rgb) picture.rgb = ImageF(camera.width, camera.height, 3);
  if (request.normals) picture.normals = ImageF(camera.width, camera.height, 3);
  const torch::Tensor background =
      torch::tensor({request.background[0], request.background[1], request.background[2]});
  const int64_t pixels = static_cast<int64_t>(camera.width) * camera.height;
  for (int64_t begin = 0; begin < pixels; begin += kRaysAtOnce) {
    if (stop != nullptr) stop->ThrowIfStopped();
    const int64_t end = std::min(pixels, begin + kRaysAtOnce);
    const SceneViews::Rays rays = views_->RaysOf(camera, pose, PixelsOf(camera, begin, end));
    const RenderedRays seen =
        model_->Render(views, {.origins = rays.origins, .directions = rays.directions, .shown = request.rgb});
    const torch::Tensor opacity = seen.weights.sum(1);
    CopyTo(nn::MedianDistance(seen.weights, seen.distances) * rays.cosines * views_->unit(),
           picture.depth.data.data() + begin);
    CopyTo(opacity, picture.opacity.data.data() + begin);
    if (request.rgb) {
      CopyTo((seen.rgb + (1 - opacity).unsqueeze(1) * background).clamp(0, 1),
             picture.rgb.data.data() + 3 * begin);
    }
  }
  return picture;
}

ImageF GnesfScene::RenderClasses(const Camera& camera, const Pose& pose, const StopToken* stop) const {
  const torch::NoGradGuard no_gradient;
  const EncodedViews views = Around(pose, /*with_classes=*/true, stop);
  const int channels = static_cast<int>(classes_.size());
  ImageF picture(camera.width, camera.height, channels);
  const int64_t pixels = static_cast<int64_t>(camera.width) * camera.height;
  for (int64_t begin = 0; begin < pixels; begin += kRaysAtOnce) {
    if (stop != nullptr) stop->ThrowIfStopped();
    const int64_t end = std::min(pixels, begin + kRaysAtOnce);
    const SceneViews::Rays rays = views_->RaysOf(camera, pose, PixelsOf(camera, begin, end));
    const RenderedRays seen = model_->Render(views, {.origins = rays.origins, .directions = rays.directions});
    CopyTo(seen.classes, picture.data.data() + channels * begin);
  }
  return picture;
}

GnesfScene::Places GnesfScene::QueryAll(std::span<const Vec3> places, bool with_classes,
                                        const StopToken* stop) const {
  const torch::NoGradGuard no_gradient;
  const EncodedViews views = All(with_classes, stop);
  std::vector<torch::Tensor> density, classes;
  for (size_t begin = 0; begin < places.size(); begin += kPlacesAtOnce) {
    if (stop != nullptr) stop->ThrowIfStopped();
    const size_t count = std::min<size_t>(kPlacesAtOnce, places.size() - begin);
    const torch::Tensor at = views_->PlacesFromWorld(places.subspan(begin, count));
    const QueriedPlaces says = model_->Query(views, at, at + 1, {.shown = with_classes});
    density.push_back(model_->DensityOf(says.geometry));
    if (with_classes) classes.push_back(says.classes);
  }
  Places all;
  if (density.empty()) return all;
  all.density = torch::cat(density);
  if (with_classes) all.classes = torch::cat(classes);
  return all;
}

RenderedView GnesfRadianceField::Render(const Camera& camera, const Pose& world_from_camera,
                                        const RenderRequest& request, const StopToken* stop) const {
  return scene_->RenderView(camera, world_from_camera, request, stop);
}

RaySamples GnesfRadianceField::Weights(std::span<const Ray>, const WeightRequest&, const StopToken*) const {
  throw InputError(
      "gnesf renders pictures, depths and classes; it has no samples that features could be "
      "imitated on. Train a field of this capture: semfield train CAPTURE --out RUN");
}

void GnesfRadianceField::Density(std::span<const Vec3> points, std::span<float> density,
                                 const StopToken* stop) const {
  const GnesfScene::Places says = scene_->QueryAll(points, /*with_classes=*/false, stop);
  if (says.density.defined()) CopyTo(says.density / scene_->views().unit(), density.data());
}

ImageF GnesfClassRenderer::Render(const Camera& camera, const Pose& world_from_camera,
                                  const StopToken* stop) const {
  return scene_->RenderClasses(camera, world_from_camera, stop);
}

void GnesfClassRenderer::At(std::span<const Vec3> places, std::span<float> probability,
                            const StopToken* stop) const {
  const GnesfScene::Places says = scene_->QueryAll(places, /*with_classes=*/true, stop);
  if (says.classes.defined()) CopyTo(says.classes, probability.data());
}

}  // namespace semfield
