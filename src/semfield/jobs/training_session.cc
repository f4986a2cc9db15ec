#include "semfield/jobs/training_session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
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

[[noreturn]] void TrainingSession::SaveAndStop(bool trained) {
  if (trained) Save();
  LogInfo("stopped at step {} of {}; go on with --resume", trainer_.step(), trainer_.num_steps());
  throw InterruptedError();
}

TrainingSessionResult TrainingSession::Run(const JobControl& job) {
  MetricsLog log(metrics_);
  log.TruncateAfter(options_.stage, trainer_.step());
  const double seconds_before = log.SecondsAt(options_.stage, trainer_.step());
  TrainingSessionResult result{.seconds = seconds_before};
  if (trainer_.Done()) return result;
  stop_.Follow(job.stop);
  const JobControl control{.progress = [&](const Progress& progress) { Note(progress, job); },
                           .stop = &stop_};
  trainer_.Begin(control);
  RateMeter rate;
  const Stopwatch stopwatch;
  double interval_start = 0, last_report = -1, last_save = 0;
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
    const double seconds = stopwatch.Seconds(), in_interval = seconds - interval_start;
    result.seconds = seconds_before + seconds;
    if (trainer_.Diverged()) ThrowDiverged(trainer_, options_.what);
    // The entry of a pause tells the next call that it has been.
    const bool is_logged = trainer_.step() % trainer_.metrics_interval() == 0 || is_over();
    if (is_logged) {
      result.metrics = trainer_.Metrics(in_interval);
      log.Append(options_.stage, trainer_.step(), result.seconds, result.metrics);
    }
    if (is_logged || seconds - last_report > kSecondsBetweenReports) {
      rate.Update(trainer_.step(), seconds);
      control.Report({.stage = options_.verb,
                      .done = static_cast<double>(trainer_.step()),
                      .total = static_cast<double>(trainer_.num_steps()),
                      .seconds_left = rate.SecondsLeft(trainer_.num_steps()),
                      .detail = trainer_.Detail(in_interval)});
      last_report = seconds;
    }
    if (is_logged) {
      trainer_.StartInterval();
      interval_start = seconds;
    }
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
