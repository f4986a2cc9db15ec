#include "semfield/scenes/gp_nerf/gp_nerf_field.h"

#include <algorithm>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/scenes/nn/blocks.h"
#include "semfield/scenes/rendering.h"

namespace semfield {
namespace {

constexpr int64_t kRaysAtOnce = 128;  // what passes between layers stays in the cache
constexpr size_t kPlacesAtOnce = 1024;
constexpr int kCell = kGpNerfCell;  // one ray of features is rendered for each

constexpr const char* kInstead =
    "gp_nerf renders pictures, depths and classes by attention; it has no densities that {}. Train a field "
    "of this capture: semfield train CAPTURE --out RUN";

}  // namespace

GpNerfScene::GpNerfScene(Parts parts) : parts_(std::move(parts)) {
  const torch::NoGradGuard no_gradient;
  const Capture& capture = views().capture();
  map_ = MapOf(capture);
  askable_ = PhotosToRenderFrom(capture, parts_.sources);
  encoded_.cameras = views().CamerasOf(askable_);
  encoded_.rgb = views().Pictures(askable_);
  std::vector<torch::Tensor> fine, levels;
  GpNerfModel model = parts_.model;
  for (int64_t v = 0; v < encoded_.rgb.size(0); ++v) {
    const nn::PyramidMaps maps = model->Features(encoded_.rgb.narrow(0, v, 1));
    fine.push_back(maps.fine);
    levels.push_back(maps.levels);
  }
  encoded_.fine = torch::cat(fine);
  encoded_.levels = torch::cat(levels);
}

GpViews GpNerfScene::Around(const Pose& target) const {
  return encoded_.Select(SourcesOf(views(), target, askable_, parts_.sources));
}

GpRendered GpNerfScene::Render(const GpViews& from, const SceneViews::Rays& rays, bool semantics) const {
  GpNerfModel model = parts_.model;
  return model->Render(from, {.origins = rays.origins,
                              .directions = rays.directions,
                              .sides = views().sides(),
                              .semantics = semantics});
}

RenderedView GpNerfScene::RenderView(const Camera& camera, const Pose& pose, const RenderRequest& request,
                                     const StopToken* stop) const {
  const torch::NoGradGuard no_gradient;
  if (FewRaysDo(request, camera, kCell)) {
    const RenderRequest each{.rgb = false};
    return DepthOfFewRays(camera, kCell,
                          [&](const Camera& small) { return RenderView(small, pose, each, stop); });
  }
  const GpViews from = Around(pose);
  RenderedView picture{.depth = ImageF(camera.width, camera.height, 1),
                       .opacity = ImageF(camera.width, camera.height, 1, 1.0f)};
  if (request.rgb) picture.rgb = ImageF(camera.width, camera.height, 3);
  if (request.normals) picture.normals = ImageF(camera.width, camera.height, 3);
  const int64_t pixels = static_cast<int64_t>(camera.width) * camera.height;
  for (int64_t begin = 0; begin < pixels; begin += kRaysAtOnce) {
    if (stop != nullptr) stop->ThrowIfStopped();
    const int64_t end = std::min(pixels, begin + kRaysAtOnce);
    const SceneViews::Rays rays = views().RaysOf(camera, pose, PixelsOf(camera, begin, end));
    const GpRendered seen = Render(from, rays, /*semantics=*/false);
    CopyTo(seen.depth * rays.cosines * views().unit(), picture.depth.data.data() + begin);
    if (request.rgb) CopyTo(seen.rgb.clamp(0, 1), picture.rgb.data.data() + 3 * begin);
  }
  return picture;
}

ImageF GpNerfScene::RenderClasses(const Camera& camera, const Pose& pose, const StopToken* stop) const {
  const torch::NoGradGuard no_gradient;
  const GpViews from = Around(pose);
  const int width = (camera.width + kCell - 1) / kCell, height = (camera.height + kCell - 1) / kCell;
  const std::vector<Vec2> middles = TokenCenters(camera, width, height);
  std::vector<torch::Tensor> features;
  for (size_t begin = 0; begin < middles.size(); begin += kRaysAtOnce) {
    if (stop != nullptr) stop->ThrowIfStopped();
    const auto from_middle = middles.begin() + static_cast<ptrdiff_t>(begin);
    const size_t count = std::min<size_t>(kRaysAtOnce, middles.size() - begin);
    const std::vector<Vec2> some(from_middle, from_middle + static_cast<ptrdiff_t>(count));
    features.push_back(Render(from, views().RaysOf(camera, pose, some), /*semantics=*/true).semantics);
  }
  GpNerfModel model = parts_.model;
  const torch::Tensor logits = model->Perceive(torch::cat(features).t().reshape({1, -1, height, width}));
  const torch::Tensor large = nn::ResizedLike(logits, torch::empty({1, 1, camera.height, camera.width}));
  ImageF picture(camera.width, camera.height, static_cast<int>(classes().size()));
  CopyTo(torch::softmax(large.squeeze(0).permute({1, 2, 0}), 2), picture.data.data());
  return picture;
}

torch::Tensor GpNerfScene::ClassesAt(std::span<const Vec3> places, const StopToken* stop) const {
  const torch::NoGradGuard no_gradient;
  GpNerfModel model = parts_.model;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!says_.defined()) says_ = torch::softmax(model->Perceive(encoded_.levels), 1);
  }
  // Of a place as all cameras together look at it: it is to have one answer.
  const torch::Tensor middle = encoded_.cameras.centers.mean(0, true);
  std::vector<torch::Tensor> answers;
  for (size_t begin = 0; begin < places.size(); begin += kPlacesAtOnce) {
    if (stop != nullptr) stop->ThrowIfStopped();
    const size_t count = std::min(kPlacesAtOnce, places.size() - begin);
    const torch::Tensor at = views().PlacesFromWorld(places.subspan(begin, count));
    const torch::Tensor weights = model->ViewWeights(encoded_, at, middle.expand_as(at)).unsqueeze(-1);
    answers.push_back((weights * nn::SampleMaps(says_, nn::Project(encoded_.cameras, at).at)).sum(1));
  }
  return answers.empty() ? torch::Tensor() : torch::cat(answers);
}

RaySamples GpNerfRadianceField::Weights(std::span<const Ray>, const WeightRequest&, const StopToken*) const {
  throw InputError(kInstead, "features could be imitated on");
}

void GpNerfRadianceField::Density(std::span<const Vec3>, std::span<float>, const StopToken*) const {
  throw InputError(kInstead, "could be asked for");
}

void GpNerfClassRenderer::At(std::span<const Vec3> places, std::span<float> probability,
                             const StopToken* stop) const {
  const torch::Tensor answers = scene_->ClassesAt(places, stop);
  if (answers.defined()) CopyTo(answers, probability.data());
}

}  // namespace semfield
