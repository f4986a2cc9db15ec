#include "semfield/jobs/train.h"

#include <fmt/format.h>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/text.h"
#include "semfield/base/version.h"
#include "semfield/capture/mask_use.h"
#include "semfield/capture/reader.h"
#include "semfield/capture/view_files.h"
#include "semfield/jobs/kept_plan.h"
#include "semfield/jobs/poses.h"
#include "semfield/jobs/train_memory.h"
#include "semfield/jobs/train_scenes.h"
#include "semfield/jobs/training_session.h"
#include "semfield/run/opened_run.h"
#include "semfield/run/view_list.h"
#include "semfield/training/checkpoint.h"
#include "semfield/training/presets.h"
#include "semfield/training/run_folder.h"

namespace semfield {
namespace {

// What of a training stands in config.json, section "train".
struct TrainPlan {
  Json section = nullptr;
  AnyOptions options;
};

// What a training stands on; a repeated one may stand on another capture or program than the first.
void DescribeCapture(const RunFolder& folder, const Capture& capture, Json* section) {
  (*section)["semfield_version"] = Version();
  SetCapturePlace(folder, capture.path, section);
  (*section)["capture_hash"] = capture.hash;
  (*section)["format"] = capture.format;
  (*section)["threads"] = NumThreads();
}

// Of options that decide it themselves; 0 leaves it to --minutes or the preset.
int StepsOf(const AnyOptions& options) {
  return OptionsToJson(options).value("steps", 0);
}

// The options of a new training but for the steps that --minutes may still decide.
AnyOptions NewOptions(const TrainJobOptions& job, const Method& method, const Capture& capture) {
  AnyOptions options = job.options;
  ApplyPreset(LoadPreset(method.info().presets, job.preset), "preset " + job.preset, job.given,
              method.NewOptions(), &options);
  return method.Resolve(options, capture);
}

Json NewSection(const TrainJobOptions& job, const Method& method, const SceneTraining& training,
                const Json& timing) {
  Json section;
  section[kMethodKey] = method.info().name;
  section["downscale"] = job.downscale;
  section["preset"] = job.preset;
  section["plan"] = timing;
  section["options"] = OptionsToJson(training.options());
  section.update(training.Section());
  return section;
}

AnyOptions StoredOptions(const Method& method, const Json& section, const std::string& where) {
  AnyOptions options = method.NewOptions();
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, section.at("options"), where);
  return options;
}

// A stored plan is kept as it is; what the caller asks for beside it must not vanish without a word.
void WarnAboutStored(const TrainJobOptions& job, const Method& method, const TrainPlan& plan,
                     const std::string& where) {
  WarnAboutUnused(job.given, method.NewOptions(), job.options, plan.options, where);
  const Json timing = plan.section.value("plan", Json());
  if (job.minutes > 0 && (!timing.is_object() || timing.value("minutes", 0.0) != job.minutes)) {
    LogWarning("{}: goes on with its {} steps: --minutes {} is not used", where, StepsOf(plan.options),
               job.minutes);
  }
}

// Nothing in a checkpoint tells how long it took: the same training gives the same bytes.
void Save(const RunFolder& folder, const SceneTrainer& trainer) {
  SaveCheckpoint(folder.radiance_checkpoint(), "radiance", trainer.Tensors(),
                 {{"state", trainer.State().dump()}});
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

// Which method a job is of: what a stored training was made with, else what was asked for.
const Method& MethodOf(const TrainJobOptions& job, const Json& stored, const MethodList& methods) {
  if (stored.is_null()) return job.method.empty() ? methods.Default(false) : methods.Find(job.method);
  const Method& method = MethodOfSection(stored, methods, /*on_radiance=*/false);
  if (job.given.count("method") > 0 && job.method != method.info().name) {
    throw InputError(
        "--method {}: the training was made with '{}'; leave the option out, or name another --out",
        job.method, method.info().name);
  }
  return method;
}

// Either would win over the other without a word.
void RefuseTwoPlans(const TrainJobOptions& job) {
  if (job.minutes <= 0 || StepsOf(job.options) == 0) return;
  throw InputError("--minutes {} and --steps {} are two plans of one training; give one of them", job.minutes,
                   StepsOf(job.options));
}

void RefuseClocks(const TrainJobOptions& job) {
  if (!job.deterministic || job.minutes <= 0 || StepsOf(job.options) > 0) return;
  throw InputError(
      "--deterministic: a plan of --minutes hangs on how fast this machine and its threads are; "
      "give --steps in its place, or repeat a plan that was made with --config RUN/config.json");
}

// A field that explains its own photos so badly shows nothing that could be clicked.
void WarnAboutQuality(const TrainResult& result) {
  constexpr double kRough = 20;  // dB
  if (!result.train_psnr || *result.train_psnr >= kRough) return;
  LogWarning(
      "{}: after {} steps the field shows its own photos with {:.1f} dB only: masks will be rough, and "
      "views slow. Train it for longer, and see \"semfield check\" for what may be wrong with the photos",
      result.run, result.steps, *result.train_psnr);
}

// One training from its options to its result.
class TrainJob {
 public:
  TrainJob(TrainJobOptions job, const MethodList& methods, const JobControl& control)
      : job_(std::move(job)), control_(control) {
    if (job_.out.empty())
      throw InputError("--out is missing: name the run folder to make, e.g. --out runs/room");
    resumes_ = Continues(job_);
    stored_ = StoredSection(job_, resumes_, &config_file_);
    method_ = &MethodOf(job_, stored_, methods);
    if (job_.options.empty()) job_.options = method_->NewOptions();
    if (stored_.is_null()) RefuseTwoPlans(job_);  // a stored plan stands, and says that both are not used
    if (stored_.is_null()) RefuseClocks(job_);
  }

  TrainResult Run() {
    const std::string path = CapturePath();
    const Stopwatch stopwatch;  // finding poses is not training
    Capture capture = ReadCapture(path, {.format = job_.format, .allow_outside = job_.allow_outside});
    CheckCapturePath(capture.path);  // before time is spent on it
    TakeMasks(&capture);
    if (resumes_) capture = KeptCapture(RunFolder::Open(job_.out), std::move(capture), !job_.capture.empty());
    MakePlan(capture);
    const ImageStore store(capture, downscale_, static_cast<size_t>(image_cache_) << 20);
    const std::unique_ptr<SceneTraining> training =
        method_->Prepare({.capture = capture, .store = store, .onnxruntime = "", .cache = {}}, plan_.options);
    if (stored_.is_null()) {
      Json timing;
      if (job_.minutes > 0 && StepsOf(job_.options) == 0)
        timing = training->PlanByMinutes(job_.minutes, stopwatch, control_);
      plan_.section = NewSection(job_, *method_, *training, timing);
    }
    plan_.section["image-cache"] = image_cache_;
    if (!masks_.is_null()) plan_.section["masks"] = masks_;
    TrainResult result = Train(capture, *training);
    result.wall_seconds = stopwatch.Seconds();
    if (stored_.is_null() && result.finished && job_.pause_after_seconds == 0)
      WarnAboutTime("training", job_.minutes, result.wall_seconds);
    if (result.finished) WarnAboutQuality(result);
    return result;
  }

 private:
  // The pose file or folder to read; photos without poses get them first.
  std::string CapturePath() const {
    std::string path = job_.capture;
    if (path.empty() && resumes_) path = CapturePlace(RunFolder::Open(job_.out), stored_).string();
    if (path.empty() && !stored_.is_null()) path = stored_.at("capture").get<std::string>();
    if (path.empty())
      throw InputError("name a capture: semfield train CAPTURE --out {}", ShellQuoted(job_.out));
    return CaptureWithPoses(path, {.format = job_.format, .allow_outside = job_.allow_outside}, job_.out,
                            control_);
  }

  // A stored training keeps what it made of the masks.
  void TakeMasks(Capture* capture) {
    const MaskDecision decision =
        stored_.is_null() ? DecideMasks(job_.masks, *capture) : StoredMasks(stored_);
    ApplyMasks(decision, capture);
    if (!stored_.is_null() || !HasMasks(*capture)) return;
    masks_ = MasksJson(decision);
    LogInfo("masks: {}", MasksInWords(decision));
  }

  void MakePlan(const Capture& capture) {
    downscale_ = stored_.is_null() ? job_.downscale : stored_.value("downscale", 1.0);
    image_cache_ = job_.image_cache > 0 ? job_.image_cache : StoredImageCache(stored_);
    if (stored_.is_null()) {
      plan_.options = NewOptions(job_, *method_, capture);
    } else {
      plan_ = {.section = stored_, .options = StoredOptions(*method_, stored_, config_file_)};
      WarnAboutStored(job_, *method_, plan_, config_file_);
      const KeptPlan kept = ReadKeptPlan(stored_, config_file_);
      if (kept.change) plan_.options = WithSteps(plan_.options, kept.first_steps);
      if (!resumes_) CompareCapture(capture, stored_, config_file_);
    }
    CheckTrainMemory(capture,
                     {.downscale = downscale_,
                      .image_cache_mib = image_cache_,
                      .method = method_,
                      .options = plan_.options},
                     /*fixed=*/!stored_.is_null(), AvailableMemory());
  }

  TrainResult Train(const Capture& capture, SceneTraining& training) {
    const RunFolder folder = RunFolder::Create(job_.out);
    const RunLock lock(folder);
    if (!resumes_) {
      CheckMayReplace(job_, folder);  // another one may have been at work until now
      Json section;
      DescribeCapture(folder, capture, &section);
      for (const auto& [key, value] : plan_.section.items()) {
        if (!section.contains(key)) section[key] = value;
      }
      plan_.section = std::move(section);
      if (job_.restart) RemoveCheckpoint(folder.radiance_checkpoint());
      WriteJsonFile(folder.view_list(), ViewListJson(capture));
    } else if (!job_.capture.empty()) {
      SetCapturePlace(folder, capture.path, &plan_.section);
    }
    if (!resumes_ || job_.image_cache > 0 || !job_.capture.empty())
      folder.WriteConfigSection("train", plan_.section);
    const std::unique_ptr<SceneTrainer> trainer = training.MakeTrainer();
    const KeptPlan kept = ReadKeptPlan(plan_.section, folder.config().string());
    if (resumes_ && CheckpointExists(folder.radiance_checkpoint())) {
      const Checkpoint checkpoint = LoadCheckpoint(folder.radiance_checkpoint(), "radiance");
      TellChange(kept, checkpoint.file, *trainer);
      trainer->Restore(checkpoint.file);
    }
    TrainingSession session(*trainer, folder.metrics(), [&] { Save(folder, *trainer); },
                            {.stage = "train",
                             .verb = "train",
                             .what = "training",
                             .checkpoint_seconds = job_.checkpoint_seconds,
                             .first_checkpoint_seconds = job_.checkpoint_seconds,
                             .how_to_resume = job_.how_to_resume,
                             .pause_after_seconds = job_.pause_after_seconds,
                             // what is repeated keeps its steps, whatever the machine
                             .planned_seconds = resumes_ || stored_.is_null() ? kept.seconds : 0,
                             .change = kept.change,
                             .keep_change = [&](const PlanChange& change) {
                               KeepChange(change, trainer->num_steps(), &plan_.section);
                               folder.WriteConfigSection("train", plan_.section);
                             }});
    const TrainingSessionResult trained = session.Run(control_);
    if (trained.trained && trainer->Done()) DropPreviousCheckpoint(folder.radiance_checkpoint());
    TrainResult result{.run = job_.out,
                       .steps = trainer->step(),
                       .finished = trainer->Done(),
                       .trained = trained.trained,
                       .seconds = trained.seconds};
    if (trained.metrics.is_object() && trained.metrics.contains("psnr"))
      result.train_psnr = trained.metrics["psnr"].get<double>();
    return result;
  }

  TrainJobOptions job_;
  const JobControl& control_;
  bool resumes_ = false;
  std::string config_file_;  // where the stored section stands
  Json stored_;
  Json masks_;  // of a new training; null for captures without masks
  const Method* method_ = nullptr;
  TrainPlan plan_;
  double downscale_ = 1;
  int image_cache_ = 0;
};

}  // namespace

void TrainJobOptions::Describe(OptionList& list) {
  list.Group("Run");
  list.Text(
      "capture", &capture,
      "Folder or pose file of the capture; plain photos or a video get poses first. Of methods that are "
      "trained over many scenes: a list of captures (a .json with \"scenes\"), those of split train.");
  list.Text("out", &out, "Run folder to make or to go on with.");
  list.Text("format", &format, "Format of the capture; empty: found out by looking.");
  list.Flag("allow-outside", &allow_outside,
            "Also read files outside the capture's folder that it names or links to.");
  list.Text("method", &method, "How the field is trained; its options follow below.");
  list.Text("finetune", &finetune,
            "In place of a list, of methods that can begin with weights (--init; else those that come with "
            "the program): a capture with labels, on which alone the training goes on.");
  list.Text("preset", &preset, "fast, default or best (configs/train).");
  list.Text("config", &config, "config.json of another run: repeat its training with its plan and options.");
  list.Real("minutes", &minutes,
            "Time to take; a plan in whole steps is made from it and kept. 0: the preset's steps.",
            {.min = 0, .max = 100000, .metavar = "M"});
  list.Text(
      "masks", &masks,
      "What masks cut away: 'ignore' neither trains on it nor scores it, 'empty' takes it as nothing, as "
      "around a thing on a turntable; 'auto' is 'empty' where the masks cut out one and the same thing.",
      {.choices = {"ignore", "empty", "auto"}});
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
  list.Group("Processes, of methods over many scenes");
  list.Int(
      "world-size", &processes.world_size,
      "Processes that train together, each on rays of its own; the same command is given to all of them.",
      {.min = 1, .max = 1000});
  list.Int("rank", &processes.rank, "Which of them this is; 0 writes the run.", {.min = 0, .max = 999});
  list.Text("master", &processes.master, "HOST:PORT at which the process of rank 0 listens.");
  list.Int("workers", &workers, "So many processes on this machine, started here; shares the threads.",
           {.min = 1, .max = 64});
  options.Describe(list);
}

void TrainJobOptions::ChooseMethod(const MethodList& methods, const std::string& name) {
  const Method& chosen = name.empty() ? methods.Default(/*on_radiance=*/false) : methods.Find(name);
  method = chosen.info().name;
  presets = chosen.info().presets;
  options = chosen.NewOptions();
}

Json TrainJobOptions::PresetValues() const {
  return LoadPreset(presets, preset);
}

std::vector<std::string> TrainResult::Text() const {
  std::string done = " (nothing left to do)";
  if (trained) done = train_psnr ? fmt::format(", training PSNR {:.2f} dB", *train_psnr) : "";
  return {fmt::format("{}: {} steps in {:.0f} s{}", run, steps, seconds, done),
          next.empty() ? fmt::format("next: semfield imitate {}", ShellQuoted(run)) : next};
}

Json TrainResult::ToJson() const {
  Json json = {{"run", run}, {"steps", steps}, {"finished", finished}, {"seconds", seconds}};
  if (trained && train_psnr) json["train_psnr"] = *train_psnr;
  json["wall_seconds"] = wall_seconds;
  return json;
}

TrainResult RunTrain(const TrainJobOptions& options, const MethodList& methods, const JobControl& control) {
  if (TrainsManyScenes(options, methods)) return RunTrainScenes(options, methods, control);
  return TrainJob(options, methods, control).Run();
}

}  // namespace semfield
