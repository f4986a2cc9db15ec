#include "semfield/jobs/imitate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/log.h"
#include "semfield/base/memory.h"
#include "semfield/base/parallel.h"
#include "semfield/base/rate_meter.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/version.h"
#include "semfield/field/teacher_image.h"
#include "semfield/jobs/imitate_memory.h"
#include "semfield/jobs/teacher_cache.h"
#include "semfield/methods/feature_field/feature_trainer.h"
#include "semfield/methods/feature_field/pose_sampler.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/perception/square_view.h"
#include "semfield/run/run_context.h"
#include "semfield/training/checkpoint.h"
#include "semfield/training/metrics_log.h"
#include "semfield/training/plan.h"
#include "semfield/training/presets.h"

namespace semfield {
namespace {

constexpr int kMetricsInterval = 25;  // steps
// With --minutes: steps for each view the teacher sees. Distinct views are what quality hangs on.
constexpr int kStepsPerView = 14;
constexpr int kPlannedPrefill = 8;
constexpr int kTimedViews = 3;           // for the plan, of each worker, after its first
constexpr double kSecondsToClose = 1.5;  // last checkpoint, folder of the cache

// Makes teacher entries: a pose between training poses, our own rendering of it, the teacher's features.
class ViewMaker {
 public:
  ViewMaker(const RunContext& run, const FeatureOptions& options, const ImitateJobOptions& job)
      : run_(run), options_(options), poses_(*run.capture, options) {
    encoders_.push_back(LoadImageEncoder(job.teacher, {.threads = 1, .onnxruntime = job.onnxruntime}));
    for (int worker = 1; worker < NumThreads(); ++worker) encoders_.push_back(encoders_[0]->Clone());
  }
  int num_workers() const { return static_cast<int>(encoders_.size()); }
  FeatureSpace Shape(const std::string& name) const {
    return {.encoder = name, .channels = encoders_[0]->channels(), .grid = encoders_[0]->grid()};
  }
  // The entry of a stream index. Its target comes from the cache's folder if it is there, else from the
  // teacher and goes there at once: a process that is killed loses no more than the views in the making.
  std::shared_ptr<const TeacherEntry> Make(int64_t index, int worker,
                                           const TeacherCache* cache = nullptr) const {
    const auto [camera, pose] = poses_.Sample(index);
    const SquareView view(camera, options_.teacher_resolution);
    const ImageEncoder& encoder = *encoders_[worker];
    auto entry = std::make_shared<TeacherEntry>();
    entry->index = index;
    entry->inputs = MakeTokenInputs(run_.Field(), view.square(), pose, encoder.grid(), options_);
    entry->inputs.samples.distance = {};
    entry->inputs.samples.opacity = {};
    const size_t size = static_cast<size_t>(encoder.channels()) * encoder.grid() * encoder.grid();
    if (cache != nullptr) entry->target = cache->LoadTarget(index, size);
    if (!entry->target.empty()) return entry;
    LogDebug("teacher: view {}", index);
    const ImageU8 picture = RenderTeacherImage(run_.Field(), view.square(), pose, run_.background);
    const FeatureMap features = encoders_[worker]->Encode(picture);
    entry->target.resize(features.data.size());
    std::transform(features.data.begin(), features.data.end(), entry->target.begin(), FloatToHalf);
    if (cache != nullptr) cache->Store(*entry);
    return entry;
  }

 private:
  const RunContext& run_;
  FeatureOptions options_;
  PoseSampler poses_;
  std::vector<std::unique_ptr<ImageEncoder>> encoders_;
};

// Seconds that one fresh view and the steps that go with it take together, each making the other slower. The
// views made here are kept: they are the first that the imitation itself will ask for.
double TimeRound(const ImitateJobOptions& job, const ViewMaker& maker, const FeatureOptions& options,
                 TeacherCache& cache) {
  const int workers = maker.num_workers();
  const auto produce = [&](int64_t index, int worker) {
    std::shared_ptr<const TeacherEntry> entry =
        maker.Make(index, worker);  // never from the folder: it is timed
    cache.Store(*entry);
    return entry;
  };
  // The first view of every worker is slower: pages and plans are made.
  TeacherStream stream(produce, 0, (1 + kTimedViews) * workers, workers, 2 * workers);
  for (int i = 0; i < workers; ++i) cache.Add(stream.Take());
  FeatureTrainer trainer(options, maker.Shape(job.teacher));
  trainer.Step(cache[0]);
  const Stopwatch stopwatch;
  for (int i = 0; i < kTimedViews * workers; ++i) {
    for (int step = 0; step < kStepsPerView; ++step) trainer.Step(cache[cache.size() - 1]);
    cache.Add(stream.Take());
  }
  return stopwatch.Seconds() / (kTimedViews * workers);
}

// Makes a planned cache no larger than memory, by what the views made so far take.
void FitCache(const ImitateJobOptions& job, const ViewMaker& maker, const TeacherCache& made, int num_views,
              FeatureOptions* options) {
  ImitateMemory memory = EstimateImitateMemory(*options, maker.Shape(job.teacher), maker.num_workers());
  double bytes = 0;
  for (size_t i = 0; i < made.size(); ++i) bytes += static_cast<double>(made[i].bytes());
  memory.view = std::max(memory.view, bytes / static_cast<double>(made.size()));
  const int largest = LargestCache(memory, AvailableMemory());
  if (largest < 1 || options->cache_size <= largest) return;
  options->cache_size = largest;
  if (num_views > largest)
    LogWarning("memory holds the newest {} of {} views of the teacher; earlier ones are forgotten", largest,
               num_views);
}

// Fixes steps and the share of fresh views so that making the views takes all the time the steps leave.
void PlanImitation(const ImitateJobOptions& job, const ViewMaker& maker, const Stopwatch& stopwatch,
                   TeacherCache& cache, FeatureOptions* options, Json* plan) {
  const double round = TimeRound(job, maker, *options, cache);
  // What is made already need not be made again, but for its steps.
  const double credit = 0.9 * round * static_cast<double>(cache.size());
  const double spent = stopwatch.Seconds() + kSecondsToClose - credit;
  const StepPlan rounds = PlanByMinutes(job.minutes, round, std::max(0.0, spent), 4, 1000000);
  options->steps = rounds.steps * kStepsPerView;
  options->prefill = std::min(kPlannedPrefill, rounds.steps);
  options->fresh_probability = 1.0 / kStepsPerView;
  options->cache_size =
      std::clamp(rounds.steps + rounds.steps / 4, options->cache_size, FeatureOptions::kMaxCacheSize);
  FitCache(job, maker, cache, rounds.steps, options);
  *plan = {{"minutes", job.minutes},
           {"seconds_per_view_and_its_steps", round},
           {"views", rounds.steps},
           {"steps", options->steps}};
}

struct Student {
  const ImitateJobOptions& job;
  const RunContext& run;
  FeatureTrainer& trainer;
  TeacherCache& cache;
  int64_t fresh_used = 0;
  int64_t fresh_saved = 0;  // as the newest checkpoint has it
  bool clickable = false;   // there are features of an earlier call
  // Section of config.json that goes there with the first checkpoint; null: it is there. First features are
  // kept until there are others.
  Json new_section = nullptr;
};

std::string SectionName(const ImitateJobOptions& job) {
  return "imitate-" + job.teacher;
}

std::string SegmentCommand(const ImitateJobOptions& job) {
  const std::string teacher = job.teacher == ImitateJobOptions().teacher ? "" : " --teacher " + job.teacher;
  return fmt::format("semfield segment {}{} --view test:0 --click X,Y", job.run, teacher);
}

void Begin(const RunContext& run, const ImitateJobOptions& job, const Json& section) {
  RemoveCheckpoint(run.folder.features_checkpoint(job.teacher));
  run.folder.WriteConfigSection(SectionName(job), section);
}

// Nothing in a checkpoint tells how long it took: the same imitation gives the same bytes.
void Save(Student& student) {
  Json state = student.trainer.State();
  state["fresh_used"] = student.fresh_used;
  if (!student.new_section.is_null()) Begin(student.run, student.job, student.new_section);
  student.new_section = nullptr;
  SaveCheckpoint(student.run.folder.features_checkpoint(student.job.teacher), "features",
                 student.trainer.Tensors(),
                 {{"state", state.dump()}, {kRadianceKey, student.run.radiance_checksum}});
  // What was the newest checkpoint is the previous one now, and may be gone back to.
  student.cache.ForgetBefore(student.fresh_saved - student.trainer.model().options().cache_size);
  student.fresh_saved = student.fresh_used;
  if (!student.clickable) LogInfo("clickable now: {}", SegmentCommand(student.job));
  student.clickable = true;
}

// Views that a training of these options uses up to `step`.
int64_t FreshUsedUpTo(const FeatureOptions& options, int first_step, int last_step, int64_t fresh_used) {
  for (int step = first_step; step < last_step; ++step)
    fresh_used += FeatureTrainer::WantsFresh(options, step, fresh_used);
  return fresh_used;
}

double ImitateLoop(Student& student, const ViewMaker& maker, const JobControl& control) {
  const FeatureOptions& options = student.trainer.model().options();
  const std::string stage = SectionName(student.job);
  MetricsLog log(student.run.folder.metrics());
  log.TruncateAfter(stage, student.trainer.step());
  const double seconds_before = log.SecondsAt(stage, student.trainer.step());
  const int64_t end = FreshUsedUpTo(options, student.trainer.step(), options.steps, student.fresh_used);
  const auto produce = [&](int64_t index, int worker) { return maker.Make(index, worker, &student.cache); };
  TeacherStream stream(produce, student.fresh_used, end, maker.num_workers(), 4 * maker.num_workers());
  RateMeter rate;
  const Stopwatch stopwatch;
  double last_save = 0, last_report = -1, error = 0;
  int counted = 0;
  while (student.trainer.step() < options.steps) {
    const int step = student.trainer.step();
    const TeacherEntry* entry;
    if (FeatureTrainer::WantsFresh(options, step, student.fresh_used)) {
      if (step == 0) control.Report({.stage = "imitate", .detail = "waiting for the teacher's first view"});
      student.cache.Add(stream.Take());
      ++student.fresh_used;
      entry = &student.cache[student.cache.size() - 1];
    } else {
      entry = &student.cache[FeatureTrainer::PickCached(options, step, student.cache.size())];
    }
    error += student.trainer.Step(*entry);
    ++counted;
    const double seconds = stopwatch.Seconds();
    if (student.trainer.step() % kMetricsInterval == 0 || student.trainer.step() == options.steps) {
      if (!std::isfinite(error))
        throw ResourceError("imitation diverged at step {}: lower --head-learning-rate", step);
      log.Append(stage, student.trainer.step(), seconds_before + seconds,
                 {{"feature_mse", error / counted}, {"views", student.fresh_used}});
    }
    if (seconds - last_report > 0.5 || student.trainer.step() == options.steps) {
      rate.Update(student.trainer.step(), seconds);
      control.Report(
          {.stage = "imitate",
           .done = static_cast<double>(student.trainer.step()),
           .total = static_cast<double>(options.steps),
           .seconds_left = rate.SecondsLeft(options.steps),
           .detail = fmt::format("feature MSE {:.5f}, {} views", error / counted, student.fresh_used)});
      last_report = seconds;
    }
    if (student.trainer.step() % kMetricsInterval == 0) error = counted = 0;
    if (control.StopRequested()) {
      Save(student);
      LogInfo("stopped at step {} of {}; go on with --resume", student.trainer.step(), options.steps);
      throw InterruptedError();
    }
    // The first checkpoint comes early: from then on the run can be clicked.
    if (seconds - last_save >
        (last_save == 0 ? std::min(20.0, student.job.checkpoint_seconds) : student.job.checkpoint_seconds)) {
      Save(student);
      last_save = stopwatch.Seconds();
    }
  }
  Save(student);
  DropPreviousCheckpoint(student.run.folder.features_checkpoint(student.job.teacher));
  return seconds_before + stopwatch.Seconds();
}

// Where the teacher's answers lie: the name holds everything they depend on, so that an imitation with
// another head or schedule finds them again and one on another field does not.
std::filesystem::path CacheFolder(const RunContext& run, const std::string& teacher,
                                  const FeatureOptions& options) {
  std::string key = run.radiance_checksum + teacher;
  OptionList list;
  FeatureOptions copy = options;
  copy.Describe(list);
  const Json values = OptionsToJson(list);
  for (const char* name :
       {"pairs", "neighbours", "augment", "field-of-view-jitter", "teacher-resolution", "seed"}) {
    key += values.at(name).dump() + ";";
  }
  return run.folder.path() / "cache" / fmt::format("{}-{:016x}", teacher, FastHash(key));
}

FeatureOptions NewOptions(const ImitateJobOptions& job) {
  FeatureOptions options = job.features;
  ApplyPreset(job.PresetValues(), "preset " + job.preset, job.given, &options);
  return options;
}

// Of an imitation that is gone on with.
FeatureOptions StoredOptions(const RunContext& run, const ImitateJobOptions& job, const Json& section) {
  const std::string where = run.folder.config().string();
  if (!section.is_object() || !section.contains("options")) {
    throw InputError("{}: {}.options: missing; add --restart to imitate anew", where, SectionName(job));
  }
  FeatureOptions options = job.features;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, section["options"], where);
  WarnAboutUnused(job.given, job.features, options, job.run);
  return options;
}

void Restore(Student& student) {
  const RunContext& run = student.run;
  const Checkpoint checkpoint =
      LoadCheckpoint(run.folder.features_checkpoint(student.job.teacher), "features");
  if (OfAnotherField(checkpoint, run)) {
    throw InputError(
        "{}: the radiance field was trained anew since '{}' was imitated; add --restart to imitate anew",
        student.job.run, student.job.teacher);
  }
  const Json state = CheckpointState(checkpoint.file, {"fresh_used"});
  student.trainer.Restore(checkpoint.file, state);
  student.fresh_used = student.fresh_saved = state.at("fresh_used").get<int64_t>();
}

Json NewSection(const ImitateJobOptions& job, const RunContext& run, const ViewMaker& maker,
                const Stopwatch& stopwatch, const JobControl& control) {
  FeatureOptions options = NewOptions(job);
  Json plan;
  if (job.minutes > 0) {
    control.Report({.stage = "imitate", .detail = "timing a few views and steps for the plan"});
    TeacherCache cache((1 + kTimedViews) * maker.num_workers(), CacheFolder(run, job.teacher, options),
                       /*keep_all=*/true);
    PlanImitation(job, maker, stopwatch, cache, &options, &plan);
  }
  const FeatureSpace shape = maker.Shape(job.teacher);
  OptionList list;
  options.Describe(list);
  Json section = {{"semfield_version", Version()},
                  {"teacher", job.teacher},
                  {"channels", shape.channels},
                  {"grid", shape.grid},
                  {"preset", job.preset},
                  {"threads", NumThreads()},
                  {"plan", plan},
                  {"options", OptionsToJson(list)}};
  if (job.first) section[kFirstFeaturesKey] = run.radiance_checksum;
  return section;
}

void RefillCache(TeacherCache& cache, const ViewMaker& maker, int64_t fresh_used, size_t capacity,
                 const JobControl& control) {
  const int64_t first = std::max<int64_t>(0, fresh_used - static_cast<int64_t>(capacity));
  TeacherStream stream([&](int64_t index, int worker) { return maker.Make(index, worker, &cache); }, first,
                       fresh_used, maker.num_workers(), 4 * maker.num_workers());
  for (int64_t index = first; index < fresh_used; ++index) {
    if (control.StopRequested()) {
      LogInfo("stopped while the teacher's views were collected again; go on with --resume");
      throw InterruptedError();
    }
    cache.Add(stream.Take());
  }
}

bool Continues(const ImitateJobOptions& job, const RunContext& run, const Json& section) {
  if (section.is_null() || job.restart) return false;
  if (IsOfFirstFeatures(section))
    return job.first && job.resume && section[kFirstFeaturesKey] == run.radiance_checksum;
  if (job.resume) return true;
  throw InputError(
      "{}: an imitation of '{}' is there already. Add --resume to go on with it or --restart to replace it",
      run.folder.path().string(), job.teacher);
}

}  // namespace

void ImitateJobOptions::Describe(OptionList& list) {
  list.Group("Run");
  list.Text("run", &run, "Run folder with a trained radiance field.");
  list.Text("teacher", &teacher, "Model card to imitate (semfield models list).");
  list.Text("preset", &preset, "fast, default, best, or paper: the paper's own form (configs/imitate).");
  list.Text("onnxruntime", &onnxruntime, "Path of libonnxruntime.so; empty: searched.");
  list.Real("minutes", &minutes,
            "Time to take; a plan in whole steps and views is made from it and kept. 0: --steps.",
            {.min = 0, .max = 100000, .metavar = "M"});
  list.Flag("resume", &resume, "Go on with an interrupted imitation.");
  list.Flag("restart", &restart, "Imitate anew over what is there.");
  list.Flag("keep-cache", &keep_cache, "Keep the teacher's views on disk after the end.");
  list.Flag(
      "deterministic", &deterministic,
      "Refuse --minutes, whose plan hangs on how fast this machine is. The same field, options and seed give "
      "the same bytes with any number of threads, with or without this.");
  list.Real("checkpoint-seconds", &checkpoint_seconds, "Time between checkpoints; 0: after every step.",
            {.min = 0, .max = 86400});
  features.Describe(list);
}

Json ImitateJobOptions::PresetValues() const {
  return LoadPreset("imitate", preset);
}

Json RunImitate(const ImitateJobOptions& job, const JobControl& control) {
  const Stopwatch stopwatch;
  const RunContext run = OpenRun(job.run);
  Json section = run.folder.ReadConfigSection(SectionName(job));
  const bool resumes = Continues(job, run, section);
  if (job.deterministic && !resumes && job.minutes > 0) {
    throw InputError(
        "--deterministic: a plan of --minutes hangs on how fast this machine and its threads are; "
        "give --steps in its place");
  }
  const ViewMaker maker(run, resumes ? StoredOptions(run, job, section) : NewOptions(job), job);
  const RunLock lock(run.folder);
  const bool replaces_first = !resumes && IsOfFirstFeatures(section) && HasFeatures(run, job.teacher);
  if (!resumes) section = NewSection(job, run, maker, stopwatch, control);
  FeatureOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, section.at("options"), run.folder.config().string());
  LogInfo("imitating {}: {} steps", job.teacher, options.steps);
  const auto check_memory = [&] {
    CheckImitateMemory(EstimateImitateMemory(options, maker.Shape(job.teacher), maker.num_workers()), options,
                       FreshUsedUpTo(options, 0, options.steps, 0), resumes, AvailableMemory());
  };
  if (!resumes) check_memory();  // before anything of an earlier imitation is lost
  if (!resumes && !replaces_first) Begin(run, job, section);
  FeatureTrainer trainer(options, maker.Shape(job.teacher));
  TeacherCache cache(options.cache_size, CacheFolder(run, job.teacher, options), job.keep_cache);
  Student student{.job = job, .run = run, .trainer = trainer, .cache = cache};
  student.clickable = HasFeatures(run, job.teacher);
  if (replaces_first) student.new_section = section;
  if (resumes && HasFeatures(run, job.teacher)) Restore(student);
  if (resumes && trainer.step() < options.steps) {
    check_memory();
    RefillCache(cache, maker, student.fresh_used, options.cache_size, control);
  }
  const double seconds = trainer.step() < options.steps
                             ? ImitateLoop(student, maker, control)
                             : MetricsLog(run.folder.metrics()).SecondsAt(SectionName(job), trainer.step());
  if (!job.keep_cache) cache.RemoveFiles();
  Json answer;
  answer["text"] = Json::array({fmt::format("{}: {} steps on {} views in {:.0f} s", job.run, trainer.step(),
                                            student.fresh_used, seconds),
                                "next: " + SegmentCommand(job)});
  answer["run"] = job.run;
  answer["steps"] = trainer.step();
  answer["views"] = student.fresh_used;
  answer["seconds"] = seconds;
  answer["wall_seconds"] = stopwatch.Seconds();
  return answer;
}

}  // namespace semfield
