#include "semfield/jobs/train_scenes.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/base/process.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/text.h"
#include "semfield/base/version.h"
#include "semfield/capture/reader.h"
#include "semfield/capture/readers/object_sheets.h"
#include "semfield/capture/scene_list.h"
#include "semfield/capture/view_files.h"
#include "semfield/jobs/kept_plan.h"
#include "semfield/jobs/training_session.h"
#include "semfield/run/opened_run.h"
#include "semfield/training/presets.h"

namespace semfield {
namespace {

// The section of a run that is gone on with; null for a new training.
Json StoredSection(const TrainJobOptions& job) {
  if (!IsFile(std::filesystem::path(job.out) / "config.json")) return nullptr;
  const RunFolder folder = RunFolder::Open(job.out);
  const Json section = folder.ReadConfigSection("train");
  if (section.is_null() || job.restart) return nullptr;
  if (!job.resume && job.processes.rank > 0) return nullptr;  // the process of rank 0 has just written it
  if (!job.resume) {
    throw InputError(
        "{}: a training is there already. Add --resume to go on with it, --restart to replace it, or name "
        "another --out",
        job.out);
  }
  if (!section.is_object() || !section.contains(kSceneListKey) || !section[kSceneListKey].is_string() ||
      !section.contains("options") || !section["options"].is_object()) {
    throw InputError("{}: train.{}: missing; it is no training over many scenes", folder.config().string(),
                     kSceneListKey);
  }
  return section;
}

// The other processes of `--workers`, of ranks 1 and more. One that fails ends the training of all.
class LocalWorkers {
 public:
  // finetunes: `list` is a capture.
  LocalWorkers(const TrainJobOptions& job, const std::filesystem::path& list, bool finetunes) {
    const int threads = std::max(1, NumThreads() / job.workers);
    for (int rank = 1; rank < job.workers; ++rank) {
      std::vector<std::string> words = {std::filesystem::read_symlink("/proc/self/exe").string(), "train"};
      if (finetunes) words.emplace_back("--finetune");
      words.insert(words.end(), {list.string(), "--threads", std::to_string(threads)});
      const Json values = Values(job, rank);
      for (const auto& [name, value] : values.items()) {
        words.push_back("--" + name);
        words.push_back(value.is_string() ? value.get<std::string>() : value.dump());
      }
      if (job.resume) words.emplace_back("--resume");
      if (job.restart) words.emplace_back("--restart");
      words_.push_back(std::move(words));
    }
    threads_.Start(job.workers - 1, BackgroundThreads::Priority::kNormal, [this](int index) {
      try {
        const ProcessResult result = RunProcess({.words = words_[index], .stop = &stop_});
        if (!result.Succeeded()) LogWarning("the process of rank {} {}", index + 1, result.Describe());
      } catch (const Error& error) {
        LogWarning("the process of rank {}: {}", index + 1, error.what());
      }
    });
  }
  ~LocalWorkers() {
    if (std::uncaught_exceptions() > 0) stop_.RequestStop();
  }
  LocalWorkers(const LocalWorkers&) = delete;
  LocalWorkers& operator=(const LocalWorkers&) = delete;

 private:
  static Json Values(const TrainJobOptions& job, int rank) {
    Json values = OptionsToJson(job.options);
    values.update({{"method", job.method},
                   {"out", job.out},
                   {"preset", job.preset},
                   {"downscale", job.downscale},
                   {"world-size", job.workers},
                   {"rank", rank},
                   {"master", job.processes.master}});
    return values;
  }
  StopToken stop_;
  std::vector<std::vector<std::string>> words_;  // [workers] the commands
  BackgroundThreads threads_;                    // each waits for one of them; last: it ends first
};

ManyScenesInputs ReadScenes(const std::filesystem::path& list, const TrainJobOptions& job,
                            const std::filesystem::path& cache) {
  ManyScenesInputs inputs;
  const bool is_capture = std::filesystem::is_directory(list);  // of --finetune
  for (const ListedScene& listed :
       is_capture ? std::vector<ListedScene>{{.path = list}} : ScenesOf(ReadSceneList(list), "train", list)) {
    ManyScenesInputs::Scene scene;
    scene.capture = std::make_unique<Capture>(
        ReadCapture(listed.path, {.format = job.format, .allow_outside = job.allow_outside}));
    const size_t mib = job.image_cache > 0 ? job.image_cache : kDefaultImageCacheMib;
    scene.store = std::make_unique<ImageStore>(*scene.capture, job.downscale, mib << 20);
    scene.cache = cache / fmt::format("{:04d}-{}", inputs.scenes.size(), listed.path.filename().string());
    inputs.scenes.push_back(std::move(scene));
  }
  return inputs;
}

// With the weights to begin with.
AnyOptions Finetuned(AnyOptions options, const Method& method) {
  constexpr const char* kInit = "init";
  const Json given = OptionsToJson(options);
  if (!given.contains(kInit))
    throw InputError("--finetune: {} cannot begin with weights", method.info().name);
  if (!given[kInit].get<std::string>().empty()) return options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, {{kInit, given["weights"]}}, "--finetune");
  return options;
}

ManyScenesInputs ReadObjects(const std::filesystem::path& folder, const std::filesystem::path& cache) {
  ManyScenesInputs inputs;
  for (const std::filesystem::path& category : FindObjectCategories(folder)) {
    inputs.categories.push_back(ReadObjectCategory(category));
    LogInfo("{}: {} objects", inputs.categories.back().name, inputs.categories.back().objects.size());
  }
  inputs.cache = cache;
  return inputs;
}

bool IsOverObjects(const Method& method) {
  return method.info().trains_on == MethodInfo::TrainsOn::kManyObjects;
}

// first: a capture to resolve options for; nullptr: they are resolved later.
AnyOptions OptionsOf(const TrainJobOptions& job, const Method& method, const Json& stored,
                     const Capture* first) {
  AnyOptions options = method.NewOptions();
  if (!stored.is_null()) {
    OptionList list;
    options.Describe(list);
    OptionsFromJson(list, stored["options"], job.out);
    WarnAboutUnused(job.given, method.NewOptions(), job.options, options, job.out);
    return options;
  }
  if (!job.options.empty()) options = job.options;
  ApplyPreset(LoadPreset(method.info().presets, job.preset), "preset " + job.preset, job.given,
              method.NewOptions(), &options);
  if (!job.finetune.empty()) options = Finetuned(options, method);
  return first == nullptr ? options : method.Resolve(options, *first);
}

TrainResult Train(const TrainJobOptions& job, const RunFolder& folder, SceneTraining& training, Json section,
                  const JobControl& control) {
  const std::unique_ptr<SceneTrainer> trainer = training.MakeTrainer();
  const KeptPlan kept = ReadKeptPlan(section, folder.config().string());
  const std::filesystem::path file = RunFolder::Open(job.out).radiance_checkpoint();
  const bool writes = job.processes.rank == 0;
  if (job.resume && CheckpointExists(file)) {
    const Checkpoint checkpoint = LoadCheckpoint(file, "radiance");
    TellChange(kept, checkpoint.file, *trainer);
    trainer->Restore(checkpoint.file);
  }
  const auto save = [&] {
    if (writes) SaveCheckpoint(file, "radiance", trainer->Tensors(), {{"state", trainer->State().dump()}});
  };
  TrainingSession session(*trainer, folder.metrics(), save,
                          {.stage = "train",
                           .verb = "train",
                           .what = "training",
                           .checkpoint_seconds = job.checkpoint_seconds,
                           .first_checkpoint_seconds = job.checkpoint_seconds,
                           .how_to_resume = job.how_to_resume,
                           .planned_seconds = job.processes.world_size > 1 ? 0 : kept.seconds,
                           .change = kept.change,
                           .keep_change = [&](const PlanChange& change) {
                             KeepChange(change, trainer->num_steps(), &section);
                             folder.WriteConfigSection("train", section);
                           }});
  const TrainingSessionResult trained = session.Run(control);
  if (writes && trained.trained && trainer->Done()) DropPreviousCheckpoint(file);
  TrainResult result{.run = job.out,
                     .steps = trainer->step(),
                     .finished = trainer->Done(),
                     .trained = trained.trained,
                     .seconds = trained.seconds};
  if (trained.metrics.is_object() && trained.metrics.contains("psnr"))
    result.train_psnr = trained.metrics["psnr"].get<double>();
  return result;
}

std::filesystem::path ListOf(const TrainJobOptions& job, const Json& stored, const Method& method) {
  std::filesystem::path list = job.capture;
  if (list.empty() && !stored.is_null()) list = stored[kSceneListKey].get<std::string>();
  if (!job.finetune.empty()) {
    if (!job.capture.empty())
      throw InputError("--finetune names the capture to train on; leave out {}", job.capture);
    const std::filesystem::path capture = std::filesystem::absolute(job.finetune).lexically_normal();
    return std::filesystem::is_directory(capture) ? capture : capture.parent_path();
  }
  if (list.empty()) {
    throw InputError("name {}: semfield train {} --method {} --out {}",
                     IsOverObjects(method) ? "a folder of objects" : "a list of scenes",
                     IsOverObjects(method) ? "FOLDER" : "LIST.json", method.info().name,
                     ShellQuoted(job.out));
  }
  if (IsOverObjects(method)) {
    if (!std::filesystem::is_directory(list)) {
      throw InputError(
          "{}: not a folder; {} is trained over objects: name a folder of categories, or of one category",
          list.string(), method.info().name);
    }
    return std::filesystem::absolute(list);
  }
  if (stored.is_null() && std::filesystem::is_directory(list)) {
    throw InputError(
        "{}: a folder; {} is trained over many scenes: name a file {{\"scenes\": [\"{}\", ...]}}",
        list.string(), method.info().name, list.string());
  }
  return std::filesystem::absolute(list);
}

// The job with its processes checked; those of --workers get an address of their own.
TrainJobOptions WithProcesses(TrainJobOptions job) {
  if (job.out.empty())
    throw InputError("--out is missing: name the run folder to make, e.g. --out runs/gnesf");
  const TrainingProcesses& all = job.processes;
  if (all.rank >= all.world_size) {
    throw InputError("--rank {}: of {} processes (--world-size), the last one is {}", all.rank,
                     all.world_size, all.world_size - 1);
  }
  if (all.world_size > 1 && all.master.empty())
    throw InputError("--master is missing: HOST:PORT at which the process of rank 0 listens");
  if (all.world_size > 1 && job.workers > 1)
    throw InputError(
        "--workers starts its own processes, and --world-size is told those of others; give one of them");
  if ((all.world_size > 1 || job.workers > 1) && job.minutes > 0)
    throw InputError("--minutes: every process would plan other steps; give --steps in its place");
  if (job.workers == 1) return job;
  constexpr int kFirstPort = 29500, kPorts = 2000;
  job.processes = {.world_size = job.workers,
                   .rank = 0,
                   .master = fmt::format("127.0.0.1:{}", kFirstPort + ::getpid() % kPorts)};
  return job;
}

}  // namespace

bool TrainsManyScenes(const TrainJobOptions& job, const MethodList& methods) {
  Json stored;
  if (job.resume && IsFile(std::filesystem::path(job.out) / "config.json"))
    stored = RunFolder::Open(job.out).ReadConfigSection("train");
  if (stored.is_object()) return stored.contains(kSceneListKey);
  if (job.method.empty()) return false;
  const MethodInfo::TrainsOn on = methods.Find(job.method).info().trains_on;
  return on == MethodInfo::TrainsOn::kManyScenes || on == MethodInfo::TrainsOn::kManyObjects;
}

TrainResult RunTrainScenes(const TrainJobOptions& given, const MethodList& methods,
                           const JobControl& control) {
  const Stopwatch stopwatch;
  const TrainJobOptions job = WithProcesses(given);
  const Json stored = StoredSection(job);
  const Method& method =
      stored.is_null() ? methods.Find(job.method) : MethodOfSection(stored, methods, /*on_radiance=*/false);
  const std::filesystem::path list = ListOf(job, stored, method);
  const std::filesystem::path run = RunFolder::Create(job.out).path();
  // Only the process of rank 0 writes the run; the others keep their log in a folder of it.
  const int rank = job.processes.rank;
  const RunFolder folder =
      rank == 0 ? RunFolder::Open(run) : RunFolder::Create(run / fmt::format("rank-{}", rank));
  const RunLock lock(folder);
  ManyScenesInputs scenes = IsOverObjects(method) ? ReadObjects(list, run / "embeddings")
                                                  : ReadScenes(list, job, run / "embeddings");
  scenes.processes = job.processes;
  if (!scenes.scenes.empty()) LogInfo("{} scenes to train on", scenes.scenes.size());
  const AnyOptions options =
      OptionsOf(job, method, stored, scenes.scenes.empty() ? nullptr : scenes.scenes.front().capture.get());
  const std::unique_ptr<SceneTraining> training = method.PrepareMany(std::move(scenes), options);
  Json section = stored;
  if (stored.is_null()) {
    Json timing;
    if (job.minutes > 0) timing = training->PlanByMinutes(job.minutes, stopwatch, control);
    section = {{"semfield_version", Version()},
               {kMethodKey, method.info().name},
               {kSceneListKey, list.string()},
               {"threads", NumThreads()},
               {"downscale", job.downscale},
               {"preset", job.preset},
               {"plan", timing},
               {"options", OptionsToJson(training->options())}};
    if (job.restart) RemoveCheckpoint(folder.radiance_checkpoint());
    folder.WriteConfigSection("train", section);
  }
  std::optional<LocalWorkers> workers;
  if (job.workers > 1)
    workers.emplace(job, list, std::filesystem::is_directory(list) && !IsOverObjects(method));
  TrainResult result = Train(job, folder, *training, std::move(section), control);
  result.wall_seconds = stopwatch.Seconds();
  result.next = fmt::format("next: semfield render {} --weights {}",
                            IsOverObjects(method) ? "IMAGE --method " + method.info().name +
                                                        " --category NAME --what rgb,depth,features"
                                                  : "CAPTURE --what rgb,semantics",
                            ShellQuoted(job.out));
  return result;
}

}  // namespace semfield
