#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "semfield/base/job_control.h"
#include "semfield/methods/scene_trainer.h"
#include "semfield/training/metrics_log.h"
#include "semfield/training/plan.h"

namespace semfield {

struct TrainingSessionOptions {
  std::string stage;  // in metrics.jsonl: "train", "imitate-sam"
  std::string verb;   // in progress lines: "train", "imitate"
  std::string what;   // in messages: "training", "imitation"
  double checkpoint_seconds = 45;
  double first_checkpoint_seconds = 45;    // until the first one of this process
  std::string how_to_resume = "--resume";  // in the message of a stop, after "go on with"
  // Returns when the whole training, over all resumes, took so many seconds; 0: never.
  double pause_after_seconds = 0;
  // What all steps may take, over all resumes: the plan is remade once where they would not keep it
  // (PlanKeeper). 0: the plan is kept.
  double planned_seconds = 0;
  // By which the plan was remade earlier: made again at its step. A trainer that is beyond it knows it.
  std::optional<PlanChange> change = {};
  // Puts a change on disk; it is called before any checkpoint that stands on it.
  std::function<void(const PlanChange&)> keep_change = {};
};

struct TrainingSessionResult {
  bool trained = false;  // or nothing was left to do
  double seconds = 0;    // of the whole training so far, over all resumes
  Json metrics;          // of the last interval; null if not trained
};

// Says by how much work that was to take so many minutes took another time, where that is more than a tenth.
void WarnAboutTime(const std::string& what, double minutes, double seconds);

// A training at work: one thread runs it, others watch, pause, stop and look at what it knows so far.
class TrainingSession {
 public:
  // `save` writes a checkpoint of the trainer and returns when it is on disk; the session calls it, on the
  // thread of Run, at intervals, at a stop, a pause by time and the end. All must outlive the session.
  TrainingSession(SceneTrainer& trainer, std::filesystem::path metrics, std::function<void()> save,
                  TrainingSessionOptions options);

  // Trains until all steps are made or pause_after_seconds are over. Asked to stop, by `control` or Stop():
  // saves and throws InterruptedError. A loss that is no number: ResourceError naming the options that mend
  // it; the last checkpoint is kept. Called once.
  TrainingSessionResult Run(const JobControl& control);

  // From any thread, while Run is going or before.
  void Pause();  // after the step at hand; a checkpoint is written first
  void Resume();
  void Stop();
  Progress progress() const;
  // What the trainer knows after its last step; waits for the step at hand.
  SceneSnapshot Snapshot();

 private:
  class Teller;
  class Planner;

  void Note(const Progress& progress, const JobControl& control);
  void Step(const JobControl& control);
  void ChangePlan(const PlanChange& change);
  void Save();
  void WaitWhilePaused();
  [[noreturn]] void SaveAndStop(bool trained);

  SceneTrainer& trainer_;
  const std::filesystem::path metrics_;
  const std::function<void()> save_;
  const TrainingSessionOptions options_;
  StopToken stop_;
  // Held for each step; visitors take it between two.
  std::mutex trainer_mutex_;
  std::atomic<int> visitors_{0};
  mutable std::mutex state_mutex_;
  std::condition_variable resumed_;
  bool paused_ = false;
  Progress progress_;
};

}  // namespace semfield
