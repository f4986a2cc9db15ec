#include "semfield/evaluation/views_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "semfield/evaluation/metrics.h"

namespace semfield {
namespace {

using Clock = std::chrono::steady_clock;
double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

ViewScore ScoreView(const EvaluationScene& scene, int view) {
  const Camera camera = scene.store.CameraOf(view);
  ViewScore score{
      .view = view, .name = scene.capture.views[view].name, .width = camera.width, .height = camera.height};
  RenderOptions options;
  std::copy(scene.background.begin(), scene.background.end(), options.background);
  const Clock::time_point start = Clock::now();
  const RenderedView rendered =
      scene.field.Render(camera, scene.capture.views[view].world_from_camera, options);
  score.milliseconds = 1e3 * SecondsSince(start);

  const ImageF photo = PhotoOverBackground(scene, view);
  const std::shared_ptr<const ImageU8> mask = scene.store.Mask(view);
  const SquaredError error = PictureError(rendered.rgb, photo, mask.get());
  score.scored_pixels = error.count / 3;
  score.squared_error = error.sum;
  if (error.count > 0) score.psnr = PsnrOfMse(error.mean());
  score.ssim = Ssim(rendered.rgb, photo, mask.get());
  return score;
}

void Summarize(ViewsResult* result) {
  SquaredError pooled;
  std::vector<double> psnr, ssim, milliseconds;
  for (const ViewScore& score : result->per_view) {
    pooled.sum += score.squared_error;
    pooled.count += 3 * score.scored_pixels;
    if (score.psnr) psnr.push_back(*score.psnr);
    if (score.ssim) ssim.push_back(*score.ssim);
    milliseconds.push_back(score.milliseconds);
  }
  result->psnr = Mean(psnr);
  result->psnr_pooled = PsnrOfMse(pooled.mean());
  result->ssim = Mean(ssim);
  result->milliseconds = Mean(milliseconds);
}

}  // namespace

ViewsResult EvaluateViews(const EvaluationScene& scene, const std::vector<int>& views,
                          const JobControl& control) {
  ViewsResult result;
  const Clock::time_point start = Clock::now();
  double sum = 0;
  for (size_t i = 0; i < views.size(); ++i) {
    control.ThrowIfStopped();
    result.per_view.push_back(ScoreView(scene, views[i]));
    sum += result.per_view.back().psnr.value_or(0);
    const double done = static_cast<double>(i + 1), total = static_cast<double>(views.size());
    control.Report({.stage = "evaluate views",
                    .done = done,
                    .total = total,
                    .seconds_left = SecondsSince(start) / done * (total - done),
                    .detail = fmt::format("PSNR {:.2f} dB", sum / done)});
  }
  Summarize(&result);
  return result;
}

Json ViewsMetricsJson(const ViewsResult& result) {
  return {{"psnr", result.psnr},
          {"psnr_pooled", result.psnr_pooled},
          {"ssim", result.ssim},
          {"milliseconds", result.milliseconds},
          {"views", result.per_view.size()}};
}

Json ViewsPerViewJson(const ViewsResult& result) {
  Json per_view = Json::array();
  for (const ViewScore& score : result.per_view) {
    per_view.push_back({{"view", score.name},
                        {"index", score.view},
                        {"width", score.width},
                        {"height", score.height},
                        {"scored_pixels", score.scored_pixels},
                        {"psnr", score.psnr ? Json(*score.psnr) : Json(nullptr)},
                        {"ssim", score.ssim ? Json(*score.ssim) : Json(nullptr)},
                        {"milliseconds", score.milliseconds}});
  }
  return per_view;
}

Json ViewsDefinitions() {
  return {{"psnr",
           "Peak signal to noise ratio in dB, colours in [0, 1] not rounded to 8 bit: of each view over its "
           "unmasked "
           "pixels, then mean over the views."},
          {"psnr_pooled", "PSNR of the mean squared error over all unmasked pixels of all views."},
          {"ssim", std::string("Structural similarity, mean over the views: ") + kSsimVariant + "."},
          {"milliseconds",
           "To render one view at the size it was trained at, all threads on it; mean over the views."},
          {"views", "Held-out views scored."}};
}

}  // namespace semfield
