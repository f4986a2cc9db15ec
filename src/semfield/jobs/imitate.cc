#include "semfield/jobs/imitate.h"

#include <fmt/format.h>

#include <algorithm>

#include "semfield/base/deadline.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/memory.h"
#include "semfield/base/parallel.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/text.h"
#include "semfield/base/version.h"
#include "semfield/jobs/kept_plan.h"
#include "semfield/jobs/train_memory.h"
#include "semfield/jobs/training_session.h"
#include "semfield/objects/object_session.h"
#include "semfield/perception/model_card.h"
#include "semfield/run/opened_run.h"
#include "semfield/training/checkpoint.h"
#include "semfield/training/presets.h"

namespace semfield {
namespace {

constexpr double kShareToPrepare = 0.2;           // of --minutes, that clicks are prepared in at most
constexpr double kFewestSecondsToPrepare = 8;     // what that is of a few minutes: enough for a small capture
constexpr double kSecondsToFirstCheckpoint = 20;  // from then on the run can be clicked

// What the features are called: by the teacher, if no other method than the first for its kind is asked for.
std::string NameOf(const ImitateJobOptions& job, const MethodList& methods) {
  if (job.method.empty()) return job.teacher;
  const std::string kind = FindModelCard(job.teacher).kind;
  const bool is_first = methods.Find(job.method).info().teacher_kind != kind ||
                        methods.ForTeacher(kind).info().name == job.method;
  return is_first ? job.teacher : FeaturesName(job.teacher, job.method);
}

// Whether the imitation of a section is gone on with.
bool Continues(const ImitateJobOptions& job, const OpenedRun& run, const Json& section) {
  if (section.is_null() || job.restart) return false;
  if (IsOfFirstFeatures(section))
    return job.first && job.resume && section[kFirstFeaturesKey] == run.radiance_checksum;
  if (job.resume) return true;
  throw InputError(
      "{}: an imitation of '{}' is there already. Add --resume to go on with it or --restart to replace it",
      run.folder.path().string(), job.teacher);
}

// One imitation from its options to its result.
class ImitateJob {
 public:
  ImitateJob(ImitateJobOptions job, const MethodList& methods, const JobControl& control)
      : job_(std::move(job)),
        control_(control),
        folder_(RunFolder::Open(job_.run)),
        lock_(folder_),  // before anything is read that another writer may be about to change
        run_(OpenRun(job_.run, methods, job_.source)),
        name_(NameOf(job_, methods)),
        section_(folder_.ReadConfigSection(Section())),
        resumes_(Continues(job_, run_, section_)),
        replaces_first_(!resumes_ && IsOfFirstFeatures(section_) && HasFeatures(run_, name_)),
        clickable_(HasFeatures(run_, name_)) {
    if (job_.minutes > 0 && job_.given.count("steps") > 0)
      throw InputError("--minutes and --steps are two plans of one imitation; give one of them");
    if (job_.deterministic && !resumes_ && job_.minutes > 0) {
      throw InputError(
          "--deterministic: a plan of --minutes hangs on how fast this machine and its threads are; "
          "give --steps in its place");
    }
    method_ = resumes_              ? &MethodOfSection(section_, methods, /*on_radiance=*/true)
              : job_.method.empty() ? &methods.ForTeacher(TeacherKind())
                                    : &methods.Find(job_.method);
    CheckTeacher();
    if (job_.options.empty()) job_.options = method_->NewOptions();
    KeepCapturePlace(folder_, job_.source);
  }

  ImitateResult Run() {
    const TrainedRadiance radiance{
        .field = run_.Field(), .checksum = run_.radiance_checksum, .background = run_.background};
    const std::unique_ptr<SceneTraining> training =
        method_->Prepare({.capture = *run_.capture,
                          .store = *run_.store,
                          .radiance = &radiance,
                          .teacher = job_.teacher,
                          .onnxruntime = job_.onnxruntime,
                          .cache = folder_.path() / "cache",
                          .keep_cache = job_.keep_cache},
                         resumes_ ? StoredOptions() : NewOptions());
    if (!resumes_ && job_.prepare_clicks && !job_.first && AnswersClicks()) PrepareClicks();
    if (!resumes_) section_ = NewSection(*training);
    LogInfo("imitating {}: {} steps", job_.teacher, OptionsToJson(training->options()).value("steps", 0));
    if (!resumes_) {
      CheckTrainingMemory(*training, false, AvailableMemory());  // before anything earlier is lost
      if (!replaces_first_) BeginAnew();
    }
    const std::unique_ptr<SceneTrainer> trainer = training->MakeTrainer();
    const KeptPlan kept = ReadKeptPlan(section_, folder_.config().string());
    if (resumes_ && HasFeatures(run_, name_)) Restore(kept, *trainer);
    if (resumes_ && !trainer->Done()) CheckTrainingMemory(*training, true, AvailableMemory());
    TrainingSession session(
        *trainer, folder_.metrics(), [&] { Save(*trainer); },
        {.stage = Section(),
         .verb = "imitate",
         .what = "imitation",
         .checkpoint_seconds = job_.checkpoint_seconds,
         .first_checkpoint_seconds = std::min(kSecondsToFirstCheckpoint, job_.checkpoint_seconds),
         .how_to_resume = job_.how_to_resume,
         .planned_seconds = kept.seconds,
         .change = kept.change,
         .keep_change = [&](const PlanChange& change) {
           KeepChange(change, trainer->num_steps(), &section_);
           // First features still stand on the old section; Save writes the new one before its checkpoint.
           if (!replaces_first_) folder_.WriteConfigSection(Section(), section_);
         }});
    const TrainingSessionResult trained = session.Run(control_);
    if (trained.trained) DropPreviousCheckpoint(Features());
    trainer->Finish();
    ImitateResult result{.run = job_.run,
                         .steps = trainer->step(),
                         .seconds = trained.seconds,
                         .wall_seconds = stopwatch_.Seconds(),
                         .next = SegmentCommand()};
    if (!resumes_ && trained.trained) WarnAboutTime("imitation", job_.minutes, result.wall_seconds);
    result.views = trainer->State().value("fresh_used", int64_t{0});
    return result;
  }

 private:
  std::string TeacherKind() const { return FindModelCard(job_.teacher).kind; }

  void CheckTeacher() const {
    const std::string kind = method_->info().teacher_kind;
    if (TeacherKind() != kind)
      throw InputError("--method {}: it imitates models of kind {}, and '{}' is of kind {}",
                       method_->info().name, kind, job_.teacher, TeacherKind());
  }

  // Whether clicks are what the features are for.
  bool AnswersClicks() const { return method_->info().answers.clicks; }

  std::filesystem::path Features() const { return folder_.features_checkpoint(name_); }
  std::string Section() const { return "imitate-" + name_; }

  AnyOptions NewOptions() const {
    AnyOptions options = job_.options;
    ApplyPreset(LoadPreset(method_->info().presets, job_.preset), "preset " + job_.preset, job_.given,
                method_->NewOptions(), &options);
    return method_->Resolve(options, *run_.capture);
  }

  // Of an imitation that is gone on with.
  AnyOptions StoredOptions() const {
    const std::string where = folder_.config().string();
    if (!section_.is_object() || !section_.contains("options")) {
      throw InputError("{}: {}.options: missing; add --restart to imitate anew", where, Section());
    }
    AnyOptions options = method_->NewOptions();
    OptionList list;
    options.Describe(list);
    OptionsFromJson(list, section_["options"], where);
    WarnAboutUnused(job_.given, method_->NewOptions(), job_.options, options, job_.run);
    const KeptPlan kept = ReadKeptPlan(section_, where);
    return kept.change ? WithSteps(std::move(options), kept.first_steps) : options;
  }

  // Selections ask the teacher about photos; what they will ask is made now, so that clicks need not wait for
  // it. It is never what an imitation fails of, nor what its minutes are spent on: the surface of a field
  // that is still fog would take longer than all of them.
  void PrepareClicks() const {
    const double budget =
        job_.minutes > 0 ? std::max(kFewestSecondsToPrepare, 60 * kShareToPrepare * job_.minutes) : 0;
    const Stopwatch stopwatch;
    StopToken stop;
    stop.Follow(control_.stop);
    const Deadline deadline(budget, &stop);
    const JobControl control{.progress = control_.progress, .stop = &stop};
    try {
      ObjectSession session(run_, {.teacher = job_.teacher, .onnxruntime = job_.onnxruntime}, control);
      // 0 would be without end.
      session.EncodePhotos(budget > 0 ? std::max(1e-3, budget - stopwatch.Seconds()) : 0, control);
      const int missing = session.NumMissingPhotos();
      if (missing > 0) LogInfo("{} photos are left to encode when a click asks about them", missing);
    } catch (const Error& error) {
      if (control_.StopRequested()) throw;
      if (error.kind() == ErrorKind::kInterrupted) {
        LogInfo("clicks are prepared in part after {:.0f} s; the rest is made when the first one asks",
                stopwatch.Seconds());
      } else {
        LogWarning("clicks are not prepared: {}", error.what());
      }
    }
  }

  Json NewSection(SceneTraining& training) const {
    Json plan;
    if (job_.minutes > 0) plan = training.PlanByMinutes(job_.minutes, stopwatch_, control_);
    Json section = {
        {"semfield_version", Version()}, {kMethodKey, method_->info().name}, {"teacher", job_.teacher}};
    section.update(training.Section());
    section["preset"] = job_.preset;
    section["threads"] = NumThreads();
    section["plan"] = plan;
    section["options"] = OptionsToJson(training.options());
    if (job_.first) section[kFirstFeaturesKey] = run_.radiance_checksum;
    return section;
  }

  void BeginAnew() {
    RemoveCheckpoint(Features());
    folder_.WriteConfigSection(Section(), section_);
  }

  void Restore(const KeptPlan& kept, SceneTrainer& trainer) const {
    const Checkpoint checkpoint = LoadCheckpoint(Features(), "features");
    if (OfAnotherField(checkpoint, run_)) {
      throw InputError(
          "{}: the radiance field was trained anew since '{}' was imitated; add --restart to imitate anew",
          job_.run, job_.teacher);
    }
    TellChange(kept, checkpoint.file, trainer);
    trainer.Restore(checkpoint.file);
  }

  // Nothing in a checkpoint tells how long it took: the same imitation gives the same bytes.
  void Save(const SceneTrainer& trainer) {
    if (replaces_first_) BeginAnew();  // first features stay until there are others
    replaces_first_ = false;
    SaveCheckpoint(Features(), "features", trainer.Tensors(),
                   {{"state", trainer.State().dump()}, {kRadianceKey, run_.radiance_checksum}});
    if (!clickable_) LogInfo("{} now: {}", AnswersClicks() ? "clickable" : "knows words", SegmentCommand());
    clickable_ = true;
  }

  std::string SegmentCommand() const {
    const std::string teacher =
        job_.teacher == ImitateJobOptions().teacher ? "" : " --teacher " + ShellQuoted(job_.teacher);
    return fmt::format("semfield segment {}{} --view test:0 {}", ShellQuoted(job_.run), teacher,
                       AnswersClicks() ? "--click X,Y" : "--text WORDS") +
           (name_ == job_.teacher ? "" : " --method " + method_->info().name);
  }

  const Stopwatch stopwatch_;
  ImitateJobOptions job_;
  const JobControl& control_;
  const RunFolder folder_;
  const RunLock lock_;
  const OpenedRun run_;
  const std::string name_;  // of the features
  Json section_;
  const bool resumes_;
  bool replaces_first_;
  bool clickable_;  // there are features to click with
  const Method* method_ = nullptr;
};

}  // namespace

void ImitateJobOptions::Describe(OptionList& list) {
  list.Group("Run");
  list.Text("run", &run, "Run folder with a trained radiance field.");
  source.Describe(list);
  list.Text("teacher", &teacher, "Model card to imitate (semfield models list).");
  list.Text(
      "method", &method,
      "How the teacher is imitated, by the teacher's kind if it is not given; its options follow below.");
  list.Text(
      "preset", &preset,
      "fast, default, best, or paper: the paper's own form (configs/imitate, or configs/imitate-words for a "
      "teacher of words).");
  list.Text("onnxruntime", &onnxruntime, "Path of libonnxruntime.so; empty: searched.");
  list.Real("minutes", &minutes,
            "Time to take; a plan in whole steps and views is made from it and kept. 0: --steps.",
            {.min = 0, .max = 100000, .metavar = "M"});
  list.Flag("resume", &resume, "Go on with an interrupted imitation.");
  list.Flag("restart", &restart, "Imitate anew over what is there.");
  list.Flag(
      "prepare-clicks", &prepare_clicks,
      "First make what selections will ask for: the surface that views see and what the teacher says of "
      "the photos (2 MiB each for SAM), in at most a fifth of --minutes.");
  list.Flag("keep-cache", &keep_cache, "Keep the teacher's views on disk after the end.");
  list.Flag(
      "deterministic", &deterministic,
      "Refuse --minutes, whose plan hangs on how fast this machine is. The same field, options and seed give "
      "the same bytes with any number of threads, with or without this.");
  list.Real("checkpoint-seconds", &checkpoint_seconds, "Time between checkpoints; 0: after every step.",
            {.min = 0, .max = 86400});
  options.Describe(list);
}

void ImitateJobOptions::ChooseMethod(const MethodList& methods, const std::string& name) {
  TakeMethod(name.empty() ? methods.Default(/*on_radiance=*/true) : methods.Find(name));
}

void ImitateJobOptions::ChooseTeacher(const MethodList& methods, const std::string& name) {
  TakeMethod(methods.ForTeacher(FindModelCard(name).kind));
}

void ImitateJobOptions::TakeMethod(const Method& chosen) {
  method = chosen.info().name;
  presets = chosen.info().presets;
  options = chosen.NewOptions();
}

Json ImitateJobOptions::PresetValues() const {
  return LoadPreset(presets, preset);
}

std::vector<std::string> ImitateResult::Text() const {
  return {fmt::format("{}: {} steps on {} views in {:.0f} s", run, steps, views, seconds), "next: " + next};
}

Json ImitateResult::ToJson() const {
  return {
      {"run", run}, {"steps", steps}, {"views", views}, {"seconds", seconds}, {"wall_seconds", wall_seconds}};
}

ImitateResult RunImitate(const ImitateJobOptions& options, const MethodList& methods,
                         const JobControl& control) {
  return ImitateJob(options, methods, control).Run();
}

}  // namespace semfield
