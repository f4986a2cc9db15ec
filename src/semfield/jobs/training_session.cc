#include "semfield/jobs/training_session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/rate_meter.h"
#include "semfield/base/stopwatch.h"

namespace semfield {
namespace {

constexpr double kSecondsBetweenReports = 0.5;
// How long a paused session sleeps before it looks for a stop that nobody signals.
constexpr std::chrono::milliseconds kLookForStop(50);

[[noreturn]] void ThrowDiverged(const SceneTrainer& trainer, const std::string& verb) {
  std::vector<std::string> options;
  for (const std::string& name : trainer.StepSizeOptions()) options.push_back("--" + name);
  throw ResourceError(
      "{} diverged at step {}: the loss is not a number. Lower {}; the last checkpoint is kept", verb,
      trainer.step(), fmt::join(options, " and "));
}

}  // namespace

void WarnAboutTime(const std::string& what, double minutes, double seconds) {
  constexpr double kTolerance = 0.1;
  if (minutes <= 0 || std::abs(seconds - 60 * minutes) <= kTolerance * 60 * minutes) return;
  LogWarning("the {} took {:.1f} minutes of the {:g} asked for: its steps took {} than when they were timed",
             what, seconds / 60, minutes, seconds > 60 * minutes ? "longer" : "less");
}

TrainingSession::TrainingSession(SceneTrainer& trainer, std::filesystem::path metrics,
                                 std::function<void()> save, TrainingSessionOptions options)
    : trainer_(trainer),
      metrics_(std::move(metrics)),
      save_(std::move(save)),
      options_(std::move(options)),
      progress_{.stage = options_.verb} {}

void TrainingSession::Pause() {
  const std::lock_guard<std::mutex> lock(state_mutex_);
  paused_ = true;
}

void TrainingSession::Resume() {
  {
    const std::lock_guard<std::mutex> lock(state_mutex_);
    paused_ = false;
  }
  resumed_.notify_all();
}

void TrainingSession::Stop() {
  stop_.RequestStop();
  resumed_.notify_all();
}

Progress TrainingSession::progress() const {
  const std::lock_guard<std::mutex> lock(state_mutex_);
  return progress_;
}

SceneSnapshot TrainingSession::Snapshot() {
  ++visitors_;
  const std::lock_guard<std::mutex> lock(trainer_mutex_);
  --visitors_;
  return trainer_.Snapshot();
}

void TrainingSession::Note(const Progress& progress, const JobControl& control) {
  {
    const std::lock_guard<std::mutex> lock(state_mutex_);
    progress_ = progress;
  }
  control.Report(progress);
}

void TrainingSession::Save() {
  const std::lock_guard<std::mutex> lock(trainer_mutex_);
  save_();
  trainer_.Saved();
}

void TrainingSession::WaitWhilePaused() {
  std::unique_lock<std::mutex> lock(state_mutex_);
  if (!paused_) return;
  lock.unlock();
  Save();
  lock.lock();
  while (paused_ && !stop_.StopRequested()) resumed_.wait_for(lock, kLookForStop);
}

void TrainingSession::Step(const JobControl& control) {
  // Whoever waits for the trainer goes first: a mutex that is let go and taken at once may starve others.
  while (visitors_ > 0) std::this_thread::yield();
  const std::lock_guard<std::mutex> lock(trainer_mutex_);
  trainer_.Step(control);
}

void TrainingSession::ChangePlan(const PlanChange& change) {
  const std::lock_guard<std::mutex> lock(trainer_mutex_);
  trainer_.ChangePlan(change);
}

[[noreturn]] void TrainingSession::SaveAndStop(bool trained) {
  if (trained) Save();
  LogInfo("stopped at step {} of {}; go on with {}", trainer_.step(), trainer_.num_steps(),
          options_.how_to_resume);
  throw InterruptedError();
}

// The plan of a running training: remade where it is to be, or was before.
class TrainingSession::Planner {
 public:
  explicit Planner(TrainingSession& session)
      : session_(session),
        keeper_(session.options_.change ? 0 : session.options_.planned_seconds,
                session.trainer_.num_steps()) {
    const auto& change = session.options_.change;  // it may be due where a resumed training begins
    if (change && change->at_step == session.trainer_.step()) Make(*change);
  }

  // `seconds` into the whole training.
  void AfterStep(double seconds) {
    SceneTrainer& trainer = session_.trainer_;
    if (const auto& known = session_.options_.change; known && known->at_step == trainer.step()) {
      Make(*known);
      return;
    }
    const std::optional<PlanChange> change = keeper_.AfterStep(trainer.step(), seconds);
    if (!change) return;
    LogInfo("the plan is remade at step {}: {} steps in all in place of {}, by the pace of the steps so far",
            change->at_step, change->steps, trainer.num_steps());
    if (session_.options_.keep_change) session_.options_.keep_change(*change);
    Make(*change);
  }

 private:
  void Make(const PlanChange& change) {
    if (session_.trainer_.num_steps() != change.steps) session_.ChangePlan(change);
  }

  TrainingSession& session_;
  PlanKeeper keeper_;
};

// What a running training tells: the log's entries and the progress of its caller.
class TrainingSession::Teller {
 public:
  Teller(TrainingSession& session, const JobControl& control)
      : session_(session), control_(control), log_(session.metrics_) {
    log_.TruncateAfter(session.options_.stage, session.trainer_.step());
  }

  double SecondsBefore() const { return log_.SecondsAt(session_.options_.stage, session_.trainer_.step()); }

  // After a step, `seconds` into this run; `is_last`: the entry of a pause tells the next call that it has
  // been.
  void AfterStep(double seconds, bool is_last, TrainingSessionResult* result) {
    SceneTrainer& trainer = session_.trainer_;
    const double in_interval = seconds - interval_start_;
    const bool is_logged = trainer.step() % trainer.metrics_interval() == 0 || is_last;
    if (is_logged) {
      result->metrics = trainer.Metrics(in_interval);
      log_.Append(session_.options_.stage, trainer.step(), result->seconds, result->metrics);
    }
    if (is_logged || seconds - last_report_ > kSecondsBetweenReports) {
      rate_.Update(trainer.step(), seconds);
      control_.Report({.stage = session_.options_.verb,
                       .done = static_cast<double>(trainer.step()),
                       .total = static_cast<double>(trainer.num_steps()),
                       .seconds_left = rate_.SecondsLeft(trainer.num_steps()),
                       .detail = trainer.Detail(in_interval)});
      last_report_ = seconds;
    }
    if (is_logged) {
      trainer.StartInterval();
      interval_start_ = seconds;
    }
  }

 private:
  TrainingSession& session_;
  const JobControl& control_;
  MetricsLog log_;
  RateMeter rate_;
  double interval_start_ = 0, last_report_ = -1;
};

TrainingSessionResult TrainingSession::Run(const JobControl& job) {
  stop_.Follow(job.stop);
  const JobControl control{.progress = [&](const Progress& progress) { Note(progress, job); },
                           .stop = &stop_};
  Teller teller(*this, control);
  const double seconds_before = teller.SecondsBefore();
  Planner planner(*this);
  TrainingSessionResult result{.seconds = seconds_before};
  if (trainer_.Done()) return result;
  trainer_.Begin(control);
  const Stopwatch stopwatch;
  double last_save = 0;
  const auto is_over = [&] {
    return trainer_.Done() ||
           (options_.pause_after_seconds > 0 && result.seconds >= options_.pause_after_seconds);
  };
  while (!is_over()) {
    try {
      Step(control);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kInterrupted) SaveAndStop(result.trained);
      throw;
    }
    result.trained = true;
    const double seconds = stopwatch.Seconds();
    result.seconds = seconds_before + seconds;
    if (trainer_.Diverged()) ThrowDiverged(trainer_, options_.what);
    planner.AfterStep(result.seconds);
    teller.AfterStep(seconds, is_over(), &result);
    if (stop_.StopRequested()) SaveAndStop(result.trained);
    if (seconds - last_save >
        (last_save == 0 ? options_.first_checkpoint_seconds : options_.checkpoint_seconds)) {
      Save();
      last_save = stopwatch.Seconds();
    }
    WaitWhilePaused();
  }
  if (result.trained) {
    result.seconds = seconds_before + stopwatch.Seconds();
    Save();
  }
  return result;
}

}  // namespace semfield
