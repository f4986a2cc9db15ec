#include "semfield/jobs/training_session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/test_folder.h"
#include "semfield/jobs/jobs_test_util.h"

namespace semfield {
namespace {

// Counts its steps.
class CountingTrainer : public SceneTrainer {
 public:
  explicit CountingTrainer(int num_steps) : num_steps_(num_steps) {}
  void Step(const JobControl& control) override {
    in_step = true;
    if (wait_for_stop) {
      while (!control.StopRequested()) std::this_thread::yield();
      control.ThrowIfStopped();
    }
    ++step_;
    in_step = false;
  }
  void ChangePlan(const PlanChange& change) override {
    EXPECT_EQ(step_, change.at_step);
    num_steps_ = change.steps;
  }
  int step() const override { return step_; }
  int num_steps() const override { return num_steps_; }
  SceneSnapshot Snapshot() const override {
    EXPECT_FALSE(in_step);
    return {.step = step_, .radiance = nullptr, .features = nullptr};
  }
  std::vector<TensorView> Tensors() const override { return {}; }
  Json State() const override { return {{"step", step_}}; }
  void Restore(const SafetensorsFile&) override {}
  void Saved() override { saved_at = step_; }
  Json Metrics(double) const override { return {{"steps", step_ - interval_start_}}; }
  std::string Detail(double) const override { return "counting"; }
  void StartInterval() override { interval_start_ = step_; }
  int metrics_interval() const override { return 10; }
  bool Diverged() const override { return step_ == diverges_at; }
  std::vector<std::string> StepSizeOptions() const override { return {"this-rate", "that-rate"}; }

  int diverges_at = -1;
  int saved_at = -1;
  std::atomic<bool> wait_for_stop{false}, in_step{false};

 private:
  int num_steps_, step_ = 0, interval_start_ = 0;
};

class TrainingSessionTest : public testing::Test {
 protected:
  TrainingSessionOptions Options() const {
    return {.stage = "count",
            .verb = "count",
            .what = "counting",
            .checkpoint_seconds = 1e6,
            .first_checkpoint_seconds = 1e6};
  }
  std::filesystem::path Metrics() const { return folder_ / "metrics.jsonl"; }
  TestFolder folder_;
};

TEST_F(TrainingSessionTest, LogsEveryIntervalAndSavesTheEnd) {
  CountingTrainer trainer(25);
  int saves = 0;
  TrainingSession session(
      trainer, Metrics(), [&] { ++saves; }, Options());
  const TrainingSessionResult result = session.Run({});
  EXPECT_TRUE(result.trained);
  EXPECT_EQ(result.metrics["steps"], 5);
  EXPECT_EQ(saves, 1);
  EXPECT_EQ(trainer.saved_at, 25);
  EXPECT_EQ(session.progress().done, 25);
  EXPECT_EQ(session.progress().total, 25);
  std::vector<int> steps;
  for (const Json& entry : MetricsLog::Read(Metrics())) steps.push_back(entry["step"].get<int>());
  EXPECT_EQ(steps, (std::vector<int>{10, 20, 25}));
}

TEST_F(TrainingSessionTest, TimeThatWasNotKeptIsSaid) {
  std::string log;
  SetLogSink([&](LogLevel, const std::string& message) { log += message + "\n"; });
  WarnAboutTime("training", 2, 125);
  WarnAboutTime("training", 0, 1000);  // no minutes were asked for
  EXPECT_EQ(log, "");
  WarnAboutTime("training", 2, 150);
  EXPECT_EQ(
      log,
      "the training took 2.5 minutes of the 2 asked for: its steps took longer than when they were timed\n");
  SetLogSink({});
}

TEST_F(TrainingSessionTest, AStopSaysHowToGoOn) {
  std::string log;
  SetLogSink([&](LogLevel, const std::string& message) { log += message + "\n"; });
  CountingTrainer trainer(100);
  TrainingSessionOptions options = Options();
  options.how_to_resume = "the same command";
  TrainingSession session(
      trainer, folder_ / "stopped.jsonl", [] {}, options);
  session.Stop();
  EXPECT_THROW(session.Run({}), Error);
  EXPECT_NE(log.find("go on with the same command"), std::string::npos) << log;
  SetLogSink({});
}

TEST_F(TrainingSessionTest, NothingLeftToDoIsNotTraining) {
  CountingTrainer trainer(0);
  TrainingSession session(
      trainer, Metrics(), [] { FAIL(); }, Options());
  EXPECT_FALSE(session.Run({}).trained);
}

TEST_F(TrainingSessionTest, AStopFromAnotherThreadSavesAndThrows) {
  CountingTrainer trainer(1 << 30);
  TrainingSession session(
      trainer, Metrics(), [] {}, Options());
  std::thread stopper([&] {
    while (session.progress().done < 100) std::this_thread::yield();
    session.Stop();
  });
  EXPECT_EQ(ErrorOf([&] { session.Run({}); }, ErrorKind::kInterrupted), "interrupted");
  stopper.join();
  EXPECT_GE(trainer.saved_at, 100);
  EXPECT_EQ(trainer.saved_at, trainer.step());
}

TEST_F(TrainingSessionTest, AStopWhileAStepWaitsLeavesTheStepUnmade) {
  CountingTrainer trainer(1000000);
  StopToken stop;
  const JobControl control = {.progress =
                                  [&](const Progress& progress) {
                                    if (progress.done == 40) trainer.wait_for_stop = true;
                                  },
                              .stop = &stop};
  TrainingSession session(
      trainer, Metrics(), [] {}, Options());
  std::thread stopper([&] {
    while (!trainer.in_step || !trainer.wait_for_stop) std::this_thread::yield();
    stop.RequestStop();
  });
  EXPECT_EQ(ErrorOf([&] { session.Run(control); }, ErrorKind::kInterrupted), "interrupted");
  stopper.join();
  EXPECT_EQ(trainer.step(), 40);
  EXPECT_EQ(trainer.saved_at, 40);
}

TEST_F(TrainingSessionTest, PausesBetweenStepsAndGoesOn) {
  CountingTrainer trainer(500);
  TrainingSession session(
      trainer, Metrics(), [] {}, Options());
  session.Pause();
  std::thread runner([&] { session.Run({}); });
  while (trainer.saved_at < 0) std::this_thread::yield();
  const int paused_at = session.Snapshot().step;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(session.Snapshot().step, paused_at);
  EXPECT_EQ(trainer.saved_at, paused_at);
  session.Resume();
  runner.join();
  EXPECT_EQ(trainer.step(), 500);
}

TEST_F(TrainingSessionTest, SnapshotsAreTakenBetweenSteps) {
  CountingTrainer trainer(1 << 30);
  TrainingSession session(
      trainer, Metrics(), [] {}, Options());
  std::thread runner([&] { ErrorOf([&] { session.Run({}); }, ErrorKind::kInterrupted); });
  int last = 0;
  for (int i = 0; i < 200; ++i) {
    const int step = session.Snapshot().step;
    EXPECT_GE(step, last);
    last = step;
  }
  session.Stop();
  runner.join();
}

TEST_F(TrainingSessionTest, ALossThatIsNoNumberNamesTheOptions) {
  CountingTrainer trainer(100);
  trainer.diverges_at = 7;
  TrainingSession session(
      trainer, Metrics(), [] { FAIL(); }, Options());
  const std::string message = ErrorOf([&] { session.Run({}); }, ErrorKind::kResource);
  EXPECT_EQ(
      message,
      "counting diverged at step 7: the loss is not a number. Lower --this-rate and --that-rate; the last "
      "checkpoint is kept");
}

TEST_F(TrainingSessionTest, APlanThatWasRemadeIsRemadeAtTheSameStep) {
  for (const int resumed_at : {0, 30}) {
    CountingTrainer trainer(100);
    for (int step = 0; step < resumed_at; ++step) trainer.Step({});
    TrainingSessionOptions options = Options();
    options.change = PlanChange{.at_step = 30, .steps = 45};
    options.keep_change = [](const PlanChange&) { FAIL() << "it is kept already"; };
    TrainingSession session(
        trainer, folder_ / "remade.jsonl", [] {}, options);
    EXPECT_TRUE(session.Run({}).trained);
    EXPECT_EQ(trainer.step(), 45);
  }
}

}  // namespace
}  // namespace semfield
