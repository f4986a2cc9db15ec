#include "semfield/jobs/scene.h"

#include <algorithm>
#include <filesystem>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/capture/view_files.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/run/opened_run.h"
#include "semfield/training/run_folder.h"

namespace semfield {
namespace {

// Share of the time that the radiance field gets: rooms are near their best held-out PSNR early, and the
// teacher's views are what masks hang on (docs/methods/feature_field.md).
constexpr double kTrainShare = 0.4;

// Of first_field_minutes: a training shorter than this ends soon enough.
constexpr double kLongTraining = 1.75;

constexpr const char* kHowToResume = "the same command";

bool HasSection(const std::filesystem::path& run, const std::string& name) {
  return IsFile(run / "config.json") && !RunFolder::Open(run).ReadConfigSection(name).is_null();
}

std::string ImitationOf(const SceneJobOptions& job) {
  return "imitate-" + job.teacher;
}

// Sets one of a method's options; one that the method lacks is left out.
void Give(const std::string& name, const Json& value, AnyOptions* options) {
  OptionList list;
  options->Describe(list);
  if (const Option* option = list.Find(name)) SetOption(*option, value, "--" + name);
}

ImitateJobOptions ImitateJob(const SceneJobOptions& job, const MethodList& methods) {
  ImitateJobOptions imitate{.run = job.out, .teacher = job.teacher, .onnxruntime = job.onnxruntime};
  imitate.source.allow_outside = job.allow_outside;
  imitate.how_to_resume = kHowToResume;
  imitate.ChooseMethod(methods);
  Give("seed", job.seed, &imitate.options);
  return imitate;
}

// Whether a run that is still trained lacks first features, or has not finished them.
bool LacksFirstFeatures(const SceneJobOptions& job) {
  if (!HasSection(job.out, ImitationOf(job))) return true;
  const RunFolder run = RunFolder::Open(job.out);
  const Json section = run.ReadConfigSection(ImitationOf(job));
  if (!IsOfFirstFeatures(section)) return false;
  if (!CheckpointExists(run.features_checkpoint(job.teacher))) return true;
  // Training has not gone on since: they may be unfinished.
  const Checkpoint field = LoadCheckpoint(run.radiance_checkpoint(), "radiance");
  return section[kFirstFeaturesKey] == field.file.Metadata("xxh3");
}

TrainResult Train(TrainJobOptions train, const SceneJobOptions& job, const MethodList& methods,
                  const JobControl& control) {
  const bool is_long = train.minutes > kLongTraining * job.first_field_minutes;
  if (job.first_features && is_long && LacksFirstFeatures(job)) {
    train.pause_after_seconds = 60 * job.first_field_minutes;
    const TrainResult result = RunTrain(train, methods, control);
    if (result.finished) return result;
    LogInfo("training pauses for first features to click with; both are completed afterwards");
    ImitateJobOptions imitate = ImitateJob(job, methods);
    imitate.minutes = job.first_features_minutes;
    imitate.first = imitate.resume = true;
    RunImitate(imitate, methods, control);
    train.pause_after_seconds = 0;
    train.resume = true;
  }
  return RunTrain(train, methods, control);
}

}  // namespace

void SceneJobOptions::Describe(OptionList& list) {
  list.Group("Run");
  list.Text("capture", &capture,
            "Folder or pose file of the capture; plain photos or a video get poses first.");
  list.Text("out", &out, "Run folder to make or to go on with.");
  list.Text("format", &format, "Format of the capture; empty: found out by looking.");
  list.Flag("allow-outside", &allow_outside,
            "Also read files outside the capture's folder that it names or links to.");
  list.Text("teacher", &teacher, "Model card to imitate.");
  list.Text("onnxruntime", &onnxruntime, "Path of libonnxruntime.so; empty: searched.");
  list.Real("minutes", &minutes, "Time for both halves together.",
            {.min = 0.1, .max = 100000, .metavar = "M"});
  list.Flag(
      "first-features", &first_features,
      "Pause a training that takes long after 75 seconds and imitate what there is for half a minute, so "
      "that the run can be clicked within 3 minutes; off: click when training is done.");
  list.Real("downscale", &downscale, "Divide the width and height of all photos.", {.min = 1, .max = 64});
  list.Int("image-cache", &image_cache, kImageCacheHelp,
           {.min = 0, .max = kMaxImageCacheMib, .metavar = "MIB"});
  list.Text("background", &background, "Colour behind the scene.",
            {.choices = {"auto", "white", "black", "random"}});
  list.Int("seed", &seed, "Seed of every random choice.", {.min = 0});
}

std::vector<std::string> SceneResult::Text() const {
  std::vector<std::string> text = {train.Text().front()};
  for (std::string& line : imitate.Text()) text.push_back(std::move(line));
  return text;
}

Json SceneResult::ToJson() const {
  return {{"train", train.ToJson()}, {"imitate", imitate.ToJson()}, {"run", imitate.run}};
}

SceneResult RunScene(const SceneJobOptions& job, const MethodList& methods, const JobControl& control) {
  if (job.out.empty())
    throw InputError("--out is missing: name the run folder to make, e.g. --out runs/room");
  // A teacher that cannot run is said now, not when the field is trained.
  LoadImageEncoder(job.teacher, {.threads = 1, .onnxruntime = job.onnxruntime, .stages = {}});
  TrainJobOptions train{
      .capture = job.capture, .out = job.out, .format = job.format, .allow_outside = job.allow_outside};
  train.ChooseMethod(methods);
  train.how_to_resume = kHowToResume;
  train.minutes = kTrainShare * job.minutes;
  train.downscale = job.downscale;
  train.image_cache = job.image_cache;
  Give("background", job.background, &train.options);
  Give("seed", job.seed, &train.options);
  train.resume = HasSection(job.out, "train");
  SceneResult result;
  result.train = Train(train, job, methods, control);
  ImitateJobOptions imitate = ImitateJob(job, methods);
  const double minutes = (1 - kTrainShare) * job.minutes;
  const bool had_first = IsOfFirstFeatures(RunFolder::Open(job.out).ReadConfigSection(ImitationOf(job)));
  imitate.minutes = had_first ? std::max(minutes - job.first_features_minutes, 0.5 * minutes) : minutes;
  imitate.resume = true;
  result.imitate = RunImitate(imitate, methods, control);
  return result;
}

}  // namespace semfield
