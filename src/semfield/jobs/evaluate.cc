#include "semfield/jobs/evaluate.h"

#include <fmt/format.h>

#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/version.h"
#include "semfield/capture/reader.h"
#include "semfield/evaluation/exposure_protocol.h"
#include "semfield/evaluation/poses_protocol.h"
#include "semfield/evaluation/san_protocol.h"
#include "semfield/evaluation/views_protocol.h"

namespace semfield {
namespace {

constexpr size_t kWorstClicks = 12;

// What every protocol's answer begins with.
Json Header(const OpenedRun& run, const std::string& protocol) {
  return {{"protocol", protocol},
          {"capture", run.capture->path.string()},
          {"run", run.folder.path().string()},
          {"semfield_version", Version()},
          {"split", run.capture->split_rule},
          {"radiance_checkpoint", run.radiance_checksum}};
}

// What every protocol's answer ends with.
void AddScores(Json metrics, Json definitions, Json per_view, const Stopwatch& stopwatch, Json* answer) {
  (*answer)["metrics"] = std::move(metrics);
  (*answer)["definitions"] = std::move(definitions);
  (*answer)["seconds"] = stopwatch.Seconds();
  (*answer)["per_view"] = std::move(per_view);
}

// The capture of the same photos that tells what is true, for the protocols that compare with it.
Capture Truth(const EvaluateJobOptions& job, const std::string& what) {
  if (job.truth.empty()) throw InputError("--truth is missing: name a capture of the same photos {}", what);
  return ReadCapture(job.truth);
}

std::vector<int> ViewsToScore(const OpenedRun& run, int max_views) {
  if (run.capture->held_out.empty()) {
    throw InputError("{}: no held-out views to score ({}). Train on a capture with a test split",
                     run.capture->path.string(), run.capture->split_rule);
  }
  return SpreadViews(run.capture->held_out, max_views);
}

FitView FitOf(const EvaluateJobOptions& job, const OpenedRun& run) {
  if (job.fit_left_half == "none") return {};
  if (run.fitter == nullptr)
    throw InputError("--fit-left-half: the method that made {} fits no photos", run.folder.path().string());
  const ViewFitOptions options = {.pose = job.fit_left_half != "exposure",
                                  .exposure = job.fit_left_half != "pose"};
  return [&run, options](int view, const ImageF& photo, const ImageU8* mask) {
    return run.fitter->FitLeftHalf({.camera = run.store->CameraOf(view),
                                    .world_from_camera = run.capture->views[view].world_from_camera,
                                    .rgb = photo,
                                    .mask = mask,
                                    .background = run.background.data()},
                                   options);
  };
}

Json Views(const EvaluateJobOptions& job, const OpenedRun& run, const std::vector<int>& views,
           const JobControl& control) {
  const Stopwatch stopwatch;
  const ViewsResult result = EvaluateViews(SceneOfRun(run), views, control, FitOf(job, run));
  Json answer = Header(run, "views");
  answer["text"] = Json::array(
      {fmt::format("{} held-out views: PSNR {:.2f} dB (pooled {:.2f} dB), SSIM {:.4f}, {:.0f} ms a view",
                   views.size(), result.psnr, result.psnr_pooled, result.ssim, result.milliseconds)});
  if (result.right) {
    answer["fit_left_half"] = job.fit_left_half;
    answer["text"].push_back(
        fmt::format("right halves: PSNR {:.2f} dB as given, {:.2f} dB with the {} fitted on the left half "
                    "({:.3f} degrees, {:.4f} "
                    "units, {:+.2f} stops)",
                    result.right->psnr, result.right->psnr_fitted,
                    job.fit_left_half == "both" ? "pose and exposure" : job.fit_left_half,
                    result.right->degrees, result.right->distance, result.right->stops));
  }
  AddScores(ViewsMetricsJson(result), ViewsDefinitions(result), ViewsPerViewJson(result), stopwatch, &answer);
  return answer;
}

Json Poses(const EvaluateJobOptions& job, const OpenedRun& run) {
  const Stopwatch stopwatch;
  const Capture truth = Truth(job, "whose poses are true");
  const Capture given = ReadCapture(run.capture->path, {.format = run.capture->format});
  const PosesResult result = EvaluatePoses(given, *run.capture, truth);
  const Json metrics = PosesMetricsJson(result);
  Json answer = Header(run, "poses");
  answer["truth"] = job.truth;
  answer["text"] = Json::array({fmt::format(
      "{} training views: off by {:.3f} degrees and {:.4f} units as given, by {:.3f} and {:.4f} as trained "
      "(medians; most "
      "{:.3f} and {:.4f})",
      result.per_view.size(), metrics["given_degrees"].get<double>(), metrics["given_distance"].get<double>(),
      metrics["refined_degrees"].get<double>(), metrics["refined_distance"].get<double>(),
      metrics["refined_degrees_most"].get<double>(), metrics["refined_distance_most"].get<double>())});
  AddScores(metrics, PosesDefinitions(), PosesPerViewJson(result), stopwatch, &answer);
  return answer;
}

Json Exposure(const EvaluateJobOptions& job, const OpenedRun& run) {
  const Stopwatch stopwatch;
  const ExposureResult result =
      EvaluateExposure(*run.capture, run.exposure, Truth(job, "that were all taken at one exposure"));
  const Json metrics = ExposureMetricsJson(result);
  Json answer = Header(run, "exposure");
  answer["truth"] = job.truth;
  answer["text"] = Json::array({fmt::format(
      "{} training views: photos off by {:.3f} stops, what was learned by {:.3f} (medians; most {:.3f})",
      result.per_view.size(), metrics["given_stops"].get<double>(), metrics["error_stops"].get<double>(),
      metrics["error_stops_most"].get<double>())});
  AddScores(metrics, ExposureDefinitions(), ExposurePerViewJson(result), stopwatch, &answer);
  return answer;
}

Json SanText(const Json& metrics) {
  Json text = Json::array();
  text.push_back(fmt::format(
      "{} clicks in {} held-out views: IoU with the teacher {:.3f} (median {:.3f}, {:.0f} % over "
      "0.7)",
      metrics["clicks"].get<size_t>(), metrics["views"].get<size_t>(), metrics["iou"].get<double>(),
      metrics["iou_median"].get<double>(), 100 * metrics["iou_share_over_0.7"].get<double>()));
  if (metrics["feature_mse"].is_number() && metrics["feature_cosine"].is_number()) {
    text.push_back(fmt::format("features: MSE {:.5f}, cosine {:.4f}", metrics["feature_mse"].get<double>(),
                               metrics["feature_cosine"].get<double>()));
  }
  if (metrics.contains("truth_iou")) {
    text.push_back(fmt::format("{} labelled things: IoU {:.3f}, the teacher's own {:.3f}",
                               metrics["things"].get<size_t>(), metrics["truth_iou"].get<double>(),
                               metrics["teacher_truth_iou"].get<double>()));
  }
  if (metrics.contains("photo_teacher_iou")) {
    text.push_back(fmt::format("teacher on photo against teacher on rendering: IoU {:.3f}",
                               metrics["photo_teacher_iou"].get<double>()));
  }
  return text;
}

Json San(const EvaluateJobOptions& job, const OpenedRun& run, const std::vector<int>& views,
         const JobControl& control) {
  const Stopwatch stopwatch;
  const OpenedFeatures features = OpenFeatures(run, job.teacher);
  const auto encoder =
      LoadImageEncoder(job.teacher, {.threads = 1, .onnxruntime = job.onnxruntime, .stages = {}});
  const auto decoder = LoadPromptDecoder(job.teacher, {.threads = 1, .onnxruntime = job.onnxruntime});
  const SanOptions options = {.clicks_per_side = job.clicks_per_side,
                              .photo_teacher = job.photo_teacher,
                              .granularity = ParseGranularity(job.granularity)};
  const SanResult result =
      EvaluateSan(SceneOfRun(run), *features.field, *encoder, *decoder, views, options, control);
  Json answer = Header(run, "san");
  answer["features_checkpoint"] = features.checksum;
  answer["teacher"] = job.teacher;
  answer["granularity"] = job.granularity;
  answer["imitation_step"] = features.step;
  answer["imitation_finished"] = features.finished;
  const Json metrics = SanMetricsJson(result);
  answer["text"] = SanText(metrics);
  answer["worst"] = SanWorstJson(result, kWorstClicks);
  AddScores(metrics, SanDefinitions(result), SanPerViewJson(result), stopwatch, &answer);
  return answer;
}

Json Store(const OpenedRun& run, Json answer) {
  Json kept = answer;
  kept.erase("text");
  WriteJsonFile(EvaluationFile(run.folder, answer["protocol"].get<std::string>()), kept);
  return answer;
}

Json Joined(const OpenedRun& run, const std::vector<Json>& answers) {
  Json all = Header(run, "all");
  all["text"] = Json::array();
  for (const Json& answer : answers) {
    const std::string protocol = answer["protocol"].get<std::string>();
    for (const Json& line : answer["text"]) all["text"].push_back(line);
    for (const char* key : {"metrics", "definitions", "seconds", "per_view"})
      all[key][protocol] = answer[key];
    if (answer.contains("worst")) all["worst"][protocol] = answer["worst"];
  }
  return all;
}

}  // namespace

void EvaluateJobOptions::Describe(OptionList& list) {
  list.Group("Evaluation");
  list.Text("run", &run, "Run folder.");
  list.Text("protocol", &protocol,
            "views: renderings against the held-out photos; san: masks of clicks against the teacher's; all: "
            "both; poses, exposure: those of the training views against --truth.",
            {.choices = {"views", "san", "all", "poses", "exposure"}});
  list.Int("max-views", &max_views, "Score at most so many held-out views, evenly spread. 0: all.",
           {.min = 0, .max = 1e6});
  list.Text("fit-left-half", &fit_left_half,
            "Fit pose, exposure or both of every held-out view on its left half, with the field held, and "
            "score the right "
            "half without and with it (protocol views).",
            {.choices = {"none", "pose", "exposure", "both"}});
  list.Text("truth", &truth,
            "Capture of the same photos whose poses or exposures are true (protocols poses and exposure).");
  list.Group("Masks");
  list.Text("teacher", &teacher, "Model that was imitated.");
  list.Text("granularity", &granularity, "Which of the decoder's masks answers a click.",
            {.choices = {"auto", "whole", "part", "subpart", "single"}});
  list.Int("clicks-per-side", &clicks_per_side,
           "Clicks in every view: a grid, so many a side. More take longer and tell smaller differences.",
           {.min = 1, .max = 64});
  list.Flag("photo-teacher", &photo_teacher,
            "Also compare the teacher's masks on photo and rendering: one more encoder run a view.");
  list.Text("onnxruntime", &onnxruntime, "ONNX Runtime library; empty: searched.");
}

std::filesystem::path EvaluationFile(const RunFolder& run, const std::string& protocol) {
  return run.path() / ("evaluation-" + protocol + ".json");
}

EvaluationScene SceneOfRun(const OpenedRun& run) {
  return {.capture = *run.capture, .store = *run.store, .field = run.Field(), .background = run.background};
}

Json RunEvaluate(const EvaluateJobOptions& job, const MethodList& methods, const JobControl& control) {
  const OpenedRun run = OpenRun(job.run, methods);
  if (job.protocol == "poses") return Store(run, Poses(job, run));
  if (job.protocol == "exposure") return Store(run, Exposure(job, run));
  const std::vector<int> views = ViewsToScore(run, job.max_views);
  if (job.protocol == "views") return Store(run, Views(job, run, views, control));
  if (job.protocol == "san") return Store(run, San(job, run, views, control));
  if (!HasFeatures(run, job.teacher))
    OpenFeatures(run, job.teacher);  // says what is missing before the work begins
  std::vector<Json> answers;
  answers.push_back(Store(run, Views(job, run, views, control)));
  answers.push_back(Store(run, San(job, run, views, control)));
  return Joined(run, answers);
}

}  // namespace semfield
