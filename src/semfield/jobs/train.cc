#include "semfield/jobs/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/base/rate_meter.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/version.h"
#include "semfield/capture/reader.h"
#include "semfield/capture/view_files.h"
#include "semfield/jobs/poses.h"
#include "semfield/jobs/train_memory.h"
#include "semfield/methods/radiance/training/radiance_trainer.h"
#include "semfield/run/run_context.h"
#include "semfield/training/checkpoint.h"
#include "semfield/training/metrics_log.h"
#include "semfield/training/plan.h"
#include "semfield/training/presets.h"
#include "semfield/training/run_folder.h"

namespace semfield {
namespace {

constexpr int kMetricsInterval = 50;  // steps
// Throw-away steps go through the coarse phases at the run's own pace where time allows: hurried, they would
// end in fog, where a step may cost twice what later ones do. A run of a minute has to hurry.
constexpr double kThrowAwayShare = 0.08;  // of the time asked for
constexpr double kFewestThrowAwaySeconds = 1.5, kMostThrowAwaySeconds = 16;
constexpr double kPhaseStepsPerMinute = 75;
constexpr int kFewestPhaseSteps = 40;

// What of a training stands in config.json, section "train".
struct TrainPlan {
  Json section = nullptr;
  RadianceOptions options;
};

struct StepTime {
  double first = 0;  // seconds of the first step, which loads photos if not all stay in memory
  double step = 0;   // seconds of a step later on
};

// From throw-away steps of a trainer that is then forgotten.
StepTime MeasureStep(const Capture& capture, const ImageStore& store, RadianceOptions options, double minutes,
                     const JobControl& control) {
  options.steps = 100000;
  const int hurried =
      std::max(kFewestPhaseSteps, static_cast<int>(std::min(kPhaseStepsPerMinute * minutes, 1e6)));
  options.phase_steps = std::min(options.phase_steps, hurried);
  RadianceTrainer trainer(capture, store, options);
  const double budget =
      std::clamp(minutes * 60 * kThrowAwayShare, kFewestThrowAwaySeconds, kMostThrowAwaySeconds);
  const Stopwatch stopwatch;
  std::vector<double> ends;
  while (ends.size() < 4 || stopwatch.Seconds() < budget) {
    control.ThrowIfStopped();
    trainer.Step();
    ends.push_back(stopwatch.Seconds());
  }
  const size_t from = ends.size() * 3 / 4 - 1;
  return {.first = ends[0], .step = (ends.back() - ends[from]) / static_cast<double>(ends.size() - 1 - from)};
}

int StepsOfMinutes(const TrainJobOptions& job, const Capture& capture, const ImageStore& store,
                   const RadianceOptions& options, const Stopwatch& job_stopwatch, const JobControl& control,
                   Json* plan) {
  control.Report({.stage = "train", .detail = "timing a few throw-away steps for the plan"});
  const StepTime time = MeasureStep(capture, store, options, job.minutes, control);
  constexpr double kSaving = 2;  // last checkpoint
  const StepPlan steps = PlanByMinutes(job.minutes, time.step, job_stopwatch.Seconds() + time.first + kSaving,
                                       /*min_steps=*/100, 10000000);
  *plan = {{"minutes", job.minutes}, {"seconds_per_step", time.step}, {"steps", steps.steps}};
  return steps.steps;
}

// How config.json, which is JSON and hence UTF-8, names the capture.
std::string StoredPath(const std::filesystem::path& capture) {
  const std::string path = std::filesystem::absolute(capture).lexically_normal().string();
  if (IsUtf8(path)) return path;
  throw InputError(
      "{}: the path of the capture is not UTF-8, so a run cannot remember it. Rename its folder.",
      PrintableText(path));
}

// What a training stands on; a repeated one may stand on another capture or program than the first.
void DescribeCapture(const Capture& capture, Json* section) {
  (*section)["semfield_version"] = Version();
  (*section)["capture"] = StoredPath(capture.path);
  (*section)["capture_hash"] = capture.hash;
  (*section)["format"] = capture.format;
  (*section)["threads"] = NumThreads();
}

// The options of a new training but for the steps that --minutes may still decide.
RadianceOptions NewOptions(const TrainJobOptions& job, const Capture& capture) {
  RadianceOptions options = job.radiance;
  ApplyPreset(job.PresetValues(), "preset " + job.preset, job.given, &options);
  return ResolveRadianceOptions(options, capture);
}

TrainPlan NewPlan(const TrainJobOptions& job, const RadianceOptions& options, const Capture& capture,
                  const ImageStore& store, const Stopwatch& job_stopwatch, const JobControl& control) {
  TrainPlan plan;
  plan.options = options;
  Json timing;
  if (job.minutes > 0 && job.radiance.steps == 0) {
    plan.options.steps = StepsOfMinutes(job, capture, store, plan.options, job_stopwatch, control, &timing);
  }
  OptionList list;
  plan.options.Describe(list);
  DescribeCapture(capture, &plan.section);
  plan.section["allow_outside"] = job.allow_outside;
  plan.section["downscale"] = job.downscale;
  plan.section["preset"] = job.preset;
  plan.section["plan"] = timing;
  plan.section["options"] = OptionsToJson(list);
  return plan;
}

TrainPlan StoredPlan(const Json& section, const std::string& where) {
  TrainPlan plan;
  plan.section = section;
  OptionList list;
  plan.options.Describe(list);
  OptionsFromJson(list, section.at("options"), where);
  return plan;
}

// A stored plan is kept as it is; what the caller asks for beside it must not vanish without a word.
void WarnAboutStored(const TrainJobOptions& job, const TrainPlan& plan, const std::string& where) {
  WarnAboutUnused(job.given, job.radiance, plan.options, where);
  const Json timing = plan.section.value("plan", Json());
  if (job.minutes > 0 && (!timing.is_object() || timing.value("minutes", 0.0) != job.minutes)) {
    LogWarning("{}: goes on with its {} steps: --minutes {} is not used", where, plan.options.steps,
               job.minutes);
  }
}

// Nothing in a checkpoint tells how long it took: the same training gives the same bytes.
void Save(const RunFolder& folder, const RadianceTrainer& trainer) {
  SaveCheckpoint(folder.radiance_checkpoint(), "radiance", trainer.Tensors(),
                 {{"state", trainer.State().dump()}});
}

struct LoopResult {
  bool trained = false;  // or nothing was left to do
  double seconds = 0;    // of the whole training so far
  double psnr = 0;       // mean over the last steps
};

// Sums up the steps between two entries of the log.
class Interval {
 public:
  Interval(const JobControl& control, MetricsLog& log, double seconds_before, int total)
      : control_(control), log_(log), seconds_before_(seconds_before), total_(total) {}
  void Count(const RadianceStepStats& stats) {
    mse_ += stats.mse;
    rays_ += static_cast<double>(stats.rays);
    ++counted_;
  }
  // Logs and reports; `seconds` of this loop. Returns the PSNR.
  double Close(const RadianceTrainer& trainer, const RadianceStepStats& stats, double seconds) {
    const double psnr = -10 * std::log10(std::max(mse_ / counted_, 1e-12));
    const double rays_per_second = rays_ / std::max(1e-9, seconds - start_);
    log_.Append("train", trainer.step(), seconds_before_ + seconds,
                {{"psnr", psnr},
                 {"distortion", stats.distortion},
                 {"rays_per_second", rays_per_second},
                 {"rays", stats.rays},
                 {"marched_samples", stats.marched_samples},
                 {"kept_samples", stats.kept_samples},
                 {"occupied", trainer.model().occupancy.OccupiedFraction()}});
    rate_.Update(trainer.step(), seconds);
    control_.Report({.stage = "train",
                     .done = static_cast<double>(trainer.step()),
                     .total = static_cast<double>(total_),
                     .seconds_left = rate_.SecondsLeft(total_),
                     .detail = fmt::format("step {} of {}, PSNR {:.2f} dB, {:.0f} k rays/s", trainer.step(),
                                           total_, psnr, rays_per_second / 1e3)});
    mse_ = rays_ = counted_ = 0;
    start_ = seconds;
    return psnr;
  }

 private:
  const JobControl& control_;
  MetricsLog& log_;
  const double seconds_before_;
  const int total_;
  RateMeter rate_;
  double mse_ = 0, rays_ = 0, start_ = 0;
  int counted_ = 0;
};

LoopResult TrainLoop(const TrainJobOptions& job, const RunFolder& folder, RadianceTrainer& trainer,
                     const JobControl& control) {
  MetricsLog log(folder.metrics());
  log.TruncateAfter("train", trainer.step());
  const double seconds_before = log.SecondsAt("train", trainer.step());
  const int total = trainer.model().options.steps;
  Interval interval(control, log, seconds_before, total);
  const Stopwatch stopwatch;
  double last_save = 0;
  LoopResult result{.seconds = seconds_before};
  const auto paused = [&] {
    return job.pause_after_seconds > 0 && result.seconds >= job.pause_after_seconds;
  };
  while (!trainer.Done() && !paused()) {
    result.trained = true;
    const RadianceStepStats stats = trainer.Step();
    interval.Count(stats);
    const double seconds = stopwatch.Seconds();
    result.seconds = seconds_before + seconds;
    if (!std::isfinite(stats.mse)) {
      throw ResourceError(
          "training diverged at step {}: the loss is not a number. Lower --grid-learning-rate and "
          "--mlp-learning-rate; the last checkpoint is kept",
          trainer.step());
    }
    // The entry of a pause tells the next call that it has been.
    if (trainer.step() % kMetricsInterval == 0 || trainer.Done() || paused())
      result.psnr = interval.Close(trainer, stats, seconds);
    if (control.StopRequested()) {
      Save(folder, trainer);
      LogInfo("stopped at step {} of {}; go on with --resume", trainer.step(), total);
      throw InterruptedError();
    }
    if (seconds - last_save > job.checkpoint_seconds) {
      Save(folder, trainer);
      last_save = stopwatch.Seconds();
    }
  }
  if (result.trained) {
    result.seconds = seconds_before + stopwatch.Seconds();
    Save(folder, trainer);
  }
  if (result.trained && trainer.Done()) DropPreviousCheckpoint(folder.radiance_checkpoint());
  return result;
}

// Refuses to write over a training silently.
void CheckMayReplace(const TrainJobOptions& job, const RunFolder& folder) {
  if (job.restart || folder.ReadConfigSection("train").is_null()) return;
  throw InputError(
      "{}: a training is there already. Add --resume to go on with it, --restart to replace it, or name "
      "another --out",
      folder.path().string());
}

// Whether the run is to be continued.
bool Continues(const TrainJobOptions& job) {
  if (!IsFile(std::filesystem::path(job.out) / "config.json")) return false;
  const RunFolder folder = RunFolder::Open(job.out);
  if (job.resume) return !folder.ReadConfigSection("train").is_null();
  CheckMayReplace(job, folder);
  return false;
}

// A plan that was made for a capture holds for it alone as long as it is the same.
void CompareCapture(const Capture& capture, const Json& section, const std::string& where) {
  if (section.at("capture_hash").get<std::string>() == capture.hash) return;
  LogWarning("{}: was made for another capture, or {} changed since: the result will be another", where,
             capture.path.string());
}

// The section of a run that is gone on with or repeated, and the file it stands in; null for a new training.
Json StoredSection(const TrainJobOptions& job, bool resumes, std::string* where) {
  *where = resumes || job.config.empty() ? job.out : job.config;
  Json stored;
  if (resumes) {
    stored = RunFolder::Open(job.out).ReadConfigSection("train");
  } else if (!job.config.empty()) {
    const Json config = ReadJsonFile(job.config);
    if (config.is_object() && config.contains("train")) stored = config["train"];
  } else {
    return stored;
  }
  CheckTrainSection(stored, *where);
  return stored;
}

void Restore(const RunFolder& folder, RadianceTrainer& trainer) {
  const Checkpoint checkpoint = LoadCheckpoint(folder.radiance_checkpoint(), "radiance");
  trainer.Restore(checkpoint.file, CheckpointState(checkpoint.file, {"samples_per_ray"}));
}

Json Answer(const std::string& run, const RadianceTrainer& trainer, const LoopResult& result) {
  const int steps = trainer.step();
  const std::string done =
      result.trained ? fmt::format(", training PSNR {:.2f} dB", result.psnr) : " (nothing left to do)";
  Json answer;
  answer["text"] = Json::array({fmt::format("{}: {} steps in {:.0f} s{}", run, steps, result.seconds, done),
                                fmt::format("next: semfield imitate {}", run)});
  answer["run"] = run;
  answer["steps"] = steps;
  answer["finished"] = trainer.Done();
  answer["seconds"] = result.seconds;
  if (result.trained) answer["train_psnr"] = result.psnr;
  return answer;
}

}  // namespace

void TrainJobOptions::Describe(OptionList& list) {
  list.Group("Run");
  list.Text("capture", &capture,
            "Folder or pose file of the capture; plain photos or a video get poses first.");
  list.Text("out", &out, "Run folder to make or to go on with.");
  list.Text("format", &format, "Format of the capture; empty: found out by looking.");
  list.Flag("allow-outside", &allow_outside,
            "Also read files outside the capture's folder that it names or links to.");
  list.Text("preset", &preset, "fast, default or best (configs/train).");
  list.Text("config", &config, "config.json of another run: repeat its training with its plan and options.");
  list.Real("minutes", &minutes,
            "Time to take; a plan in whole steps is made from it and kept. 0: the preset's steps.",
            {.min = 0, .max = 100000, .metavar = "M"});
  list.Real("downscale", &downscale, "Divide the width and height of all photos.", {.min = 1, .max = 64});
  list.Int("image-cache", &image_cache, kImageCacheHelp,
           {.min = 0, .max = kMaxImageCacheMib, .metavar = "MIB"});
  list.Flag("resume", &resume, "Go on with an interrupted training.");
  list.Flag("restart", &restart, "Train anew over what is there.");
  list.Flag(
      "deterministic", &deterministic,
      "Refuse --minutes, whose plan hangs on how fast this machine is. The same capture, options and seed "
      "give the same bytes with any number of threads, with or without this.");
  list.Real("checkpoint-seconds", &checkpoint_seconds, "Time between checkpoints; 0: after every step.",
            {.min = 0, .max = 86400});
  radiance.Describe(list);
}

Json TrainJobOptions::PresetValues() const {
  return LoadPreset("train", preset);
}

Json RunTrain(const TrainJobOptions& job, const JobControl& control) {
  if (job.out.empty())
    throw InputError("--out is missing: name the run folder to make, e.g. --out runs/room");
  const bool resumes = Continues(job);
  std::string config_file;
  const Json stored = StoredSection(job, resumes, &config_file);
  std::string capture_path =
      !job.capture.empty() || stored.is_null() ? job.capture : stored.at("capture").get<std::string>();
  if (job.deterministic && stored.is_null() && job.minutes > 0 && job.radiance.steps == 0) {
    throw InputError(
        "--deterministic: a plan of --minutes hangs on how fast this machine and its threads are; "
        "give --steps in its place, or repeat a plan that was made with --config RUN/config.json");
  }
  if (capture_path.empty()) throw InputError("name a capture: semfield train CAPTURE --out {}", job.out);
  const bool allow_outside = job.allow_outside || AllowedOutside(stored);
  capture_path = CaptureWithPoses(capture_path, {.format = job.format, .allow_outside = allow_outside},
                                  job.out, control);
  const Stopwatch stopwatch;  // finding poses is not training
  const Capture capture = ReadCapture(capture_path, {.format = job.format, .allow_outside = allow_outside});
  const double downscale = stored.is_null() ? job.downscale : stored.value("downscale", 1.0);
  const int image_cache = job.image_cache > 0 ? job.image_cache : StoredImageCache(stored);
  TrainPlan plan =
      stored.is_null() ? TrainPlan{.options = NewOptions(job, capture)} : StoredPlan(stored, config_file);
  if (!stored.is_null()) {
    WarnAboutStored(job, plan, config_file);
    CompareCapture(capture, stored, config_file);
  }
  CheckTrainMemory(capture,
                   {.downscale = downscale, .image_cache_mib = image_cache, .radiance = plan.options},
                   /*fixed=*/!stored.is_null(), AvailableMemory());
  const ImageStore store(capture, downscale, static_cast<size_t>(image_cache) << 20);
  if (stored.is_null()) plan = NewPlan(job, plan.options, capture, store, stopwatch, control);
  plan.section["image-cache"] = image_cache;

  const RunFolder folder = RunFolder::Create(job.out);
  const RunLock lock(folder);
  if (!resumes) {
    CheckMayReplace(job, folder);  // another one may have been at work until now
    if (!stored.is_null()) DescribeCapture(capture, &plan.section);
    if (job.restart) RemoveCheckpoint(folder.radiance_checkpoint());
  }
  if (!resumes || job.image_cache > 0) folder.WriteConfigSection("train", plan.section);
  RadianceTrainer trainer(capture, store, plan.options);
  if (resumes && CheckpointExists(folder.radiance_checkpoint())) {
    Restore(folder, trainer);
  }
  Json answer = Answer(job.out, trainer, TrainLoop(job, folder, trainer, control));
  answer["wall_seconds"] = stopwatch.Seconds();
  return answer;
}

}  // namespace semfield
