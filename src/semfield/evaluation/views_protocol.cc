#include "semfield/evaluation/views_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/evaluation/metrics.h"

namespace semfield {
namespace {

// What the mask lets through of the columns that a fit has not seen.
ImageU8 RightHalf(const ImageF& photo, const ImageU8* mask) {
  ImageU8 valid(photo.width, photo.height, 1, 0);
  for (int y = 0; y < photo.height; ++y) {
    for (int x = FittedColumns(photo.width); x < photo.width; ++x) {
      valid.At(x, y) = mask == nullptr || mask->At(x, y) != 0 ? 255 : 0;
    }
  }
  return valid;
}

struct HeldOutPhoto {
  int view;
  const ImageF& photo;
  const ImageU8* mask;
};

std::optional<RightHalfScore> ScoreRightHalf(const EvaluationScene& scene, const HeldOutPhoto& held_out,
                                             const FittedView& fit, const RenderRequest& options,
                                             const ImageF& unfitted) {
  const auto& [view, photo, mask] = held_out;
  const ImageU8 valid = RightHalf(photo, mask);
  const SquaredError before = PictureError(unfitted, photo, &valid);
  if (before.count == 0) return {};
  RenderedView fitted = scene.field.Render(scene.store.CameraOf(view), fit.world_from_camera, options);
  for (size_t i = 0; i < fitted.rgb.data.size(); i += 3)
    fit.color.Show(&fitted.rgb.data[i], &fitted.rgb.data[i]);
  return RightHalfScore{.psnr = PsnrOfMse(before.mean()),
                        .psnr_fitted = PsnrOfMse(PictureError(fitted.rgb, photo, &valid).mean()),
                        .degrees = fit.degrees,
                        .distance = fit.distance,
                        .stops = (fit.color.log_gain[0] + fit.color.log_gain[1] + fit.color.log_gain[2]) / 3 /
                                 std::numbers::ln2};
}

std::optional<CutOutScore> ScoreCutOut(const EvaluationScene& scene, int view, const RenderedView& rendered,
                                       const ImageF& photo) {
  const std::shared_ptr<const ImageU8> image = scene.store.Image(view);
  if (image->channels != 4) return {};
  ImageU8 thing(image->width, image->height, 1), ours(image->width, image->height, 1);
  for (size_t p = 0; p < thing.num_pixels(); ++p) {
    thing.data[p] = image->data[4 * p + 3] >= 128 ? 255 : 0;
    ours.data[p] = rendered.opacity.data[p] > 0.5f ? 255 : 0;
  }
  const SquaredError error = PictureError(rendered.rgb, photo, &thing);
  return CutOutScore{.squared_error = error.sum,
                     .pixels = error.count / 3,
                     .silhouette_iou = MaskIou(ours, thing, scene.store.Mask(view).get())};
}

ViewScore ScoreView(const EvaluationScene& scene, int view, const FitView& fit, const StopToken* stop) {
  const Camera camera = scene.store.CameraOf(view);
  ViewScore score{
      .view = view, .name = scene.capture.views[view].name, .width = camera.width, .height = camera.height};
  RenderRequest options;
  std::copy(scene.background.begin(), scene.background.end(), options.background);
  const Stopwatch stopwatch;
  const RenderedView rendered =
      scene.field.Render(camera, scene.capture.views[view].world_from_camera, options, stop);
  score.milliseconds = stopwatch.Milliseconds();

  const ImageF photo = PhotoOverBackground(scene, view);
  const std::shared_ptr<const ImageU8> mask = scene.store.Mask(view);
  const SquaredError error = PictureError(rendered.rgb, photo, mask.get());
  score.scored_pixels = error.count / 3;
  score.squared_error = error.sum;
  if (error.count > 0) score.psnr = PsnrOfMse(error.mean());
  score.ssim = Ssim(rendered.rgb, photo, mask.get());
  score.cut_out = ScoreCutOut(scene, view, rendered, photo);
  if (fit) {
    score.right =
        ScoreRightHalf(scene, {view, photo, mask.get()}, fit(view, photo, mask.get()), options, rendered.rgb);
  }
  return score;
}

RightHalfScore MeanOf(const std::vector<RightHalfScore>& scores) {
  RightHalfScore mean;
  for (double RightHalfScore::*value :
       {&RightHalfScore::psnr, &RightHalfScore::psnr_fitted, &RightHalfScore::degrees,
        &RightHalfScore::distance, &RightHalfScore::stops}) {
    for (const RightHalfScore& score : scores)
      mean.*value += score.*value / static_cast<double>(scores.size());
  }
  return mean;
}

Json RightHalfJson(const RightHalfScore& score) {
  return {{"right_half_psnr", score.psnr},
          {"right_half_psnr_fitted", score.psnr_fitted},
          {"fitted_degrees", score.degrees},
          {"fitted_distance", score.distance},
          {"fitted_stops", score.stops}};
}

double CutOutPsnr(const CutOutScore& score) {
  return PsnrOfMse(score.squared_error / static_cast<double>(3 * score.pixels));
}

void SummarizeCutOut(ViewsResult* result) {
  std::vector<double> psnr, iou;
  for (const ViewScore& score : result->per_view) {
    if (!score.cut_out || score.cut_out->pixels == 0) continue;
    psnr.push_back(CutOutPsnr(*score.cut_out));
    iou.push_back(score.cut_out->silhouette_iou);
  }
  if (psnr.empty()) return;
  result->cut_out_psnr = Mean(psnr);
  result->silhouette_iou = Mean(iou);
}

void Summarize(ViewsResult* result) {
  SquaredError pooled;
  std::vector<double> psnr, ssim, milliseconds;
  std::vector<RightHalfScore> right;
  for (const ViewScore& score : result->per_view) {
    pooled.sum += score.squared_error;
    pooled.count += 3 * score.scored_pixels;
    if (score.psnr) psnr.push_back(*score.psnr);
    if (score.ssim) ssim.push_back(*score.ssim);
    milliseconds.push_back(score.milliseconds);
    if (score.right) right.push_back(*score.right);
  }
  result->psnr = Mean(psnr);
  result->psnr_pooled = PsnrOfMse(pooled.mean());
  result->ssim = Mean(ssim);
  result->milliseconds = Mean(milliseconds);
  if (!right.empty()) result->right = MeanOf(right);
  SummarizeCutOut(result);
}

}  // namespace

const ViewScore* ViewsResult::worst() const {
  const ViewScore* worst = nullptr;
  for (const ViewScore& score : per_view) {
    if (score.psnr && (worst == nullptr || *score.psnr < *worst->psnr)) worst = &score;
  }
  return worst;
}

ViewsResult EvaluateViews(const EvaluationScene& scene, const std::vector<int>& views,
                          const JobControl& control, const FitView& fit) {
  ViewsResult result;
  const Stopwatch stopwatch;
  double sum = 0;
  for (size_t i = 0; i < views.size(); ++i) {
    control.ThrowIfStopped();
    result.per_view.push_back(ScoreView(scene, views[i], fit, control.stop));
    sum += result.per_view.back().psnr.value_or(0);
    const double done = static_cast<double>(i + 1), total = static_cast<double>(views.size());
    control.Report({.stage = "evaluate views",
                    .done = done,
                    .total = total,
                    .seconds_left = stopwatch.Seconds() / done * (total - done),
                    .detail = fmt::format("PSNR {:.2f} dB", sum / done)});
  }
  Summarize(&result);
  return result;
}

Json ViewsMetricsJson(const ViewsResult& result) {
  Json metrics = {{"psnr", result.psnr},
                  {"psnr_pooled", result.psnr_pooled},
                  {"ssim", result.ssim},
                  {"milliseconds", result.milliseconds},
                  {"views", result.per_view.size()}};
  if (const ViewScore* worst = result.worst()) metrics["psnr_worst"] = *worst->psnr;
  if (result.cut_out_psnr) metrics["psnr_cut_out"] = *result.cut_out_psnr;
  if (result.silhouette_iou) metrics["silhouette_iou"] = *result.silhouette_iou;
  if (result.right) metrics.update(RightHalfJson(*result.right));
  return metrics;
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
    if (score.cut_out && score.cut_out->pixels > 0) {
      per_view.back()["psnr_cut_out"] = CutOutPsnr(*score.cut_out);
      per_view.back()["silhouette_iou"] = score.cut_out->silhouette_iou;
    }
    if (score.right) per_view.back().update(RightHalfJson(*score.right));
  }
  return per_view;
}

Json ViewsDefinitions(const ViewsResult& result) {
  Json definitions = {
      {"psnr",
       "Peak signal to noise ratio in dB, colours in [0, 1] not rounded to 8 bit: of each view over its "
       "unmasked "
       "pixels, then mean over the views."},
      {"psnr_pooled", "PSNR of the mean squared error over all unmasked pixels of all views."},
      {"ssim", std::string("Structural similarity, mean over the views: ") + kSsimVariant + "."},
      {"milliseconds",
       "To render one view at the size it was trained at, all threads on it; mean over the views."},
      {"views", "Held-out views scored."}};
  if (result.worst() != nullptr) definitions["psnr_worst"] = "PSNR of the view that comes out worst.";
  if (result.cut_out_psnr) {
    definitions["psnr_cut_out"] =
        "PSNR over the pixels of the thing, where the photo's alpha (or the mask that stands for it) is 1/2 "
        "or "
        "more; mean over the views that show it.";
    definitions["silhouette_iou"] =
        "Intersection over union of these pixels with those whose rendered opacity is above 1/2; mean over "
        "the "
        "same views.";
  }
  if (!result.right) return definitions;
  definitions.update(Json(
      {{"right_half_psnr",
        "PSNR of the right halves (columns from half the width on) at the given poses; mean over the views."},
       {"right_half_psnr_fitted",
        "PSNR of the right halves after pose, exposure or both of each view were fitted on its left half, "
        "with the field "
        "held; mean over the views."},
       {"fitted_degrees", "Angle by which that fit turned the camera; mean over the views."},
       {"fitted_distance",
        "Distance by which it shifted the camera, in the capture's units; mean over the views."},
       {"fitted_stops", "Binary logarithm of the gain that it found, mean over colours and views."}}));
  return definitions;
}

void ViewsOptions::Describe(OptionList& list) {
  list.Group("Protocol views");
  list.Text("fit-left-half", &fit_left_half,
            "Fit pose, exposure or both of every held-out view on its left half, with the field held, and "
            "score the "
            "right half without and with it.",
            {.choices = {"none", "pose", "exposure", "both"}});
}

namespace {

FitView FitOf(const ViewsOptions& options, const OpenedRun& run) {
  if (options.fit_left_half == "none") return {};
  if (run.fitter == nullptr)
    throw InputError("--fit-left-half: the method that made {} fits no photos", run.folder.path().string());
  const ViewFitOptions fit = {.pose = options.fit_left_half != "exposure",
                              .exposure = options.fit_left_half != "pose"};
  return [&run, fit](int view, const ImageF& photo, const ImageU8* mask) {
    return run.fitter->FitLeftHalf({.camera = run.store->CameraOf(view),
                                    .world_from_camera = run.capture->views[view].world_from_camera,
                                    .rgb = photo,
                                    .mask = mask,
                                    .background = run.background.data()},
                                   fit);
  };
}

std::vector<std::string> ViewsText(const ViewsResult& result, const ViewsOptions& options) {
  std::string spread = fmt::format("pooled {:.2f} dB", result.psnr_pooled);
  if (const ViewScore* worst = result.worst())
    spread += fmt::format(", worst {:.2f} dB in {}", *worst->psnr, worst->name);
  std::vector<std::string> text = {
      fmt::format("{} held-out views: PSNR {:.2f} dB ({}), SSIM {:.4f}, {:.0f} ms a view",
                  result.per_view.size(), result.psnr, spread, result.ssim, result.milliseconds)};
  if (result.cut_out_psnr) {
    text.push_back(fmt::format("the thing alone: PSNR {:.2f} dB over its pixels, silhouette IoU {:.4f}",
                               *result.cut_out_psnr, *result.silhouette_iou));
  }
  if (result.right) {
    text.push_back(
        fmt::format("right halves: PSNR {:.2f} dB as given, {:.2f} dB with the {} fitted on the left half "
                    "({:.3f} degrees, {:.4f} "
                    "units, {:+.2f} stops)",
                    result.right->psnr, result.right->psnr_fitted,
                    options.fit_left_half == "both" ? "pose and exposure" : options.fit_left_half,
                    result.right->degrees, result.right->distance, result.right->stops));
  }
  return text;
}

class ViewsProtocol : public Protocol {
 public:
  std::string name() const override { return "views"; }
  std::string sentence() const override { return "renderings against the held-out photos"; }
  ProtocolNeeds needs() const override { return {.held_out = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(ViewsOptions()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions& any,
                     const JobControl& control) const override {
    const ViewsOptions& options = any.As<ViewsOptions>();
    const ViewsResult result = EvaluateViews(inputs.scene, inputs.views, control, FitOf(options, inputs.run));
    ProtocolResult answer{.protocol = name(),
                          .text = ViewsText(result, options),
                          .metrics = ViewsMetricsJson(result),
                          .definitions = ViewsDefinitions(result),
                          .per_view = ViewsPerViewJson(result)};
    if (const ViewScore* worst = result.worst()) answer.facts["worst_view"] = worst->name;
    if (result.right) answer.facts["fit_left_half"] = options.fit_left_half;
    return answer;
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakeViewsProtocol() {
  return std::make_shared<ViewsProtocol>();
}

}  // namespace semfield
