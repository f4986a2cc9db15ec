#include "semfield/jobs/imitate.h"
#include "semfield/catalog/methods.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/jobs/kept_plan.h"
#include "semfield/jobs/segment.h"
#include "semfield/run/opened_run.h"
#include "semfield/training/metrics_log.h"

namespace semfield {
namespace {

class ImitateJobTest : public ToyTeacherTest {
 protected:
  static std::string Features(const std::string& run) {
    return FileBytes(Run(run).features_checkpoint("toy"));
  }
  // Steps until the first report, which comes after one step.
  static std::string OneStep(const ImitateJobOptions& job) {
    StopToken stop;
    const JobControl control = {.progress =
                                    [&](const Progress& p) {
                                      if (p.done > 0) stop.RequestStop();
                                    },
                                .stop = &stop};
    return ErrorOf([&] { RunImitate(job, KnownMethods(), control); }, ErrorKind::kInterrupted);
  }
};

TEST_F(ImitateJobTest, WritesFeaturesAndLeavesTheFieldAlone) {
  const std::string run = CopyOfRun("written");
  const std::string field_before = FileBytes(Run("written").radiance_checkpoint());
  std::vector<Progress> reports;
  const ImitateResult answer = RunImitate(TinyImitation(run, 60), KnownMethods(),
                                          {.progress = [&](const Progress& p) { reports.push_back(p); }});
  EXPECT_EQ(answer.steps, 60);
  EXPECT_GE(answer.views, 4);
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(reports.back().stage, "imitate");
  EXPECT_EQ(reports.back().done, 60);
  EXPECT_EQ(FileBytes(Run("written").radiance_checkpoint()), field_before);
  EXPECT_FALSE(std::filesystem::exists(*folder_ / "written" / "cache"));
  EXPECT_MENTIONS(TakeLog(), "for 4 views of the teacher");

  const OpenedRun context = OpenRun(run, KnownMethods());
  const OpenedFeatures features = OpenFeatures(context, "toy");
  EXPECT_TRUE(features.finished);
  EXPECT_EQ(features.step, 60);
  EXPECT_EQ(features.field->space().channels, kStandInChannels);
  EXPECT_EQ(features.config["options"]["cache-size"], 4);
  std::vector<double> errors;
  for (const Json& entry : MetricsLog::Read(Run("written").metrics())) {
    if (entry["stage"] == "imitate-toy") errors.push_back(entry["feature_mse"].get<double>());
  }
  ASSERT_EQ(errors.size(), 3u);  // steps 25, 50, 60
  EXPECT_LT(errors.back(), errors.front());
}

// The preset sets these five to other values: without it being told what was given, they would be lost.
TEST_F(ImitateJobTest, GivenValuesThatAreTheDefaultsWinOverThePreset) {
  const FeatureOptions usual;
  ImitateJobOptions job = TinyImitation(CopyOfRun("given"), 2);
  job.options.As<FeatureOptions>().context_rings = usual.context_rings;
  job.options.As<FeatureOptions>().token_rays = usual.token_rays;
  job.options.As<FeatureOptions>().head_layers = usual.head_layers;
  job.options.As<FeatureOptions>().grid_learning_rate = usual.grid_learning_rate;
  job.options.As<FeatureOptions>().head_learning_rate = usual.head_learning_rate;
  job.given = {"token-rays", "context-rings", "head-layers", "grid-learning-rate", "head-learning-rate"};
  RunImitate(job, KnownMethods(), {});
  const Json options = Run("given").ReadConfigSection("imitate-toy")["options"];
  EXPECT_EQ(options["token-rays"], 1);
  EXPECT_EQ(options["context-rings"], 0);
  EXPECT_EQ(options["head-layers"], 2);
  EXPECT_EQ(options["grid-learning-rate"], 0.02);
  EXPECT_EQ(options["head-learning-rate"], 0.005);
}

TEST_F(ImitateJobTest, ACacheThatMemoryCannotHoldIsRefusedBeforeAnythingIsLost) {
  const std::string run = CopyOfRun("large");
  RunImitate(TinyImitation(run, 10), KnownMethods(), {});
  const std::string before = Features("large");
  ImitateJobOptions large = TinyImitation(run, 20000000);
  large.restart = true;
  large.options.As<FeatureOptions>().cache_size = 100000;
  large.options.As<FeatureOptions>().token_rays = 8;
  const std::string message = ErrorOf([&] { RunImitate(large, KnownMethods(), {}); }, ErrorKind::kResource);
  EXPECT_MENTIONS(message, "100000 views");
  EXPECT_MENTIONS(message, "--cache-size");
  EXPECT_EQ(Features("large"), before);
}

TEST_F(ImitateJobTest, RefusesAnExistingOneUnlessTold) {
  const std::string run = CopyOfRun("existing");
  RunImitate(TinyImitation(run, 10), KnownMethods(), {});
  const std::string before = Features("existing");
  const std::string message = ErrorOf([&] { RunImitate(TinyImitation(run, 12), KnownMethods(), {}); });
  EXPECT_MENTIONS(message, "--resume");
  EXPECT_MENTIONS(message, "--restart");
  // Finished: nothing is left to do, and other options are not used without a word.
  ImitateJobOptions resume = TinyImitation(run, 12);
  resume.resume = true;
  TakeLog();
  EXPECT_EQ(RunImitate(resume, KnownMethods(), {}).steps, 10);
  EXPECT_EQ(Features("existing"), before);
  EXPECT_MENTIONS(TakeLog(), "--steps 12 is not used");
  ImitateJobOptions restart = TinyImitation(run, 5);
  restart.restart = true;
  EXPECT_EQ(RunImitate(restart, KnownMethods(), {}).steps, 5);
}

// Also when the teacher's views have to be made again.
TEST_F(ImitateJobTest, InterruptedAfterEveryStepIsTheSameAsInOneGo) {
  RunImitate(TinyImitation(CopyOfRun("whole"), 9), KnownMethods(), {});
  const std::string run = CopyOfRun("pieces");
  EXPECT_EQ(OneStep(TinyImitation(run, 9)), "interrupted");
  ImitateJobOptions resume;
  resume.run = run;
  resume.teacher = "toy";
  resume.resume = true;
  for (int step = 1; step < 7; ++step) {
    EXPECT_EQ(OpenFeatures(OpenRun(run, KnownMethods()), "toy").step, step);
    if (step % 2 == 0) std::filesystem::remove_all(*folder_ / "pieces" / "cache");
    EXPECT_EQ(OneStep(resume), "interrupted");
  }
  EXPECT_EQ(RunImitate(resume, KnownMethods(), {}).steps, 9);
  EXPECT_EQ(Features("pieces"), Features("whole"));
}

TEST_F(ImitateJobTest, TheFileIsTheSameWithAnyNumberOfThreads) {
  RunImitate(TinyImitation(CopyOfRun("threads"), 40), KnownMethods(), {});
  for (const int threads : {1, 5}) {
    const ScopedThreads scope(threads);
    const std::string name = "threads" + std::to_string(threads);
    ImitateJobOptions job = TinyImitation(CopyOfRun(name), 40);
    job.deterministic = true;
    RunImitate(job, KnownMethods(), {});
    EXPECT_EQ(Features(name), Features("threads")) << threads;
  }
  ImitateJobOptions timed = TinyImitation(CopyOfRun("clock"), 40);
  timed.deterministic = true;
  timed.minutes = 0.001;
  EXPECT_MENTIONS(ErrorOf([&] { RunImitate(timed, KnownMethods(), {}); }), "--deterministic");
}

// The teacher is asked once for a view, however often the imitation is stopped: its answers lie on disk as
// long as a checkpoint stands on them.
TEST_F(ImitateJobTest, TheTeacherIsNotAskedAgain) {
  const auto asked = [] {
    const std::string log = TakeLog();
    std::vector<int64_t> views;
    for (size_t at = log.find("teacher: view "); at != std::string::npos;
         at = log.find("teacher: view ", at + 1))
      views.push_back(std::atoll(log.c_str() + at + 14));
    return views;
  };
  SetLogLevel(LogLevel::kDebug);
  ImitateJobOptions job = TinyImitation(CopyOfRun("asked"), 24);
  job.options.As<FeatureOptions>().fresh_probability = 0.6;
  TakeLog();
  RunImitate(job, KnownMethods(), {});
  const std::set<int64_t> needed = [&] {
    const std::vector<int64_t> views = asked();
    return std::set<int64_t>(views.begin(), views.end());
  }();
  EXPECT_GT(needed.size(), 2 * static_cast<size_t>(job.options.As<FeatureOptions>().cache_size));
  job.run = CopyOfRun("asked-stopped");
  std::vector<int64_t> views;
  for (bool more = true; more; job.resume = true) {
    StopToken stop;
    int reports = 0;
    const auto report = [&](const Progress& progress) {
      if (progress.done > 0 && progress.done < progress.total && ++reports == 1) stop.RequestStop();
    };
    try {
      RunImitate(job, KnownMethods(), {.progress = report, .stop = &stop});
      more = false;
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kInterrupted) << error.what();
    }
    const std::vector<int64_t> now = asked();
    views.insert(views.end(), now.begin(), now.end());
  }
  SetLogLevel(LogLevel::kInfo);
  EXPECT_EQ(views.size(), needed.size());
  EXPECT_EQ(std::set<int64_t>(views.begin(), views.end()), needed);
  EXPECT_EQ(Features("asked-stopped"), Features("asked"));
}

TEST_F(ImitateJobTest, MinutesBecomeAPlanThatIsKept) {
  ImitateJobOptions job = TinyImitation(CopyOfRun("timed"), 1000);
  job.minutes = 0.0001;  // the fewest views a plan may have
  const int steps = RunImitate(job, KnownMethods(), {}).steps;
  const Json section = Run("timed").ReadConfigSection("imitate-toy");
  EXPECT_EQ(section["plan"]["minutes"], 0.0001);
  EXPECT_EQ(section["plan"]["steps"], steps);
  EXPECT_EQ(section["options"]["steps"], steps);
}

// Its plan was remade at a step, before or after it was stopped: the same bits.
TEST_F(ImitateJobTest, APlanThatWasRemadeIsTheSameInPieces) {
  const auto begin = [](const std::string& name) {
    const std::string run = CopyOfRun(name);
    EXPECT_EQ(OneStep(TinyImitation(run, 9)), "interrupted");
    Json section = Run(name).ReadConfigSection("imitate-toy");
    KeepChange({.at_step = 4, .steps = 12}, 9, &section);
    Run(name).WriteConfigSection("imitate-toy", section);
    ImitateJobOptions resume;
    resume.run = run;
    resume.teacher = "toy";
    resume.resume = true;
    return resume;
  };
  const ImitateJobOptions whole = begin("remade-whole");
  EXPECT_EQ(RunImitate(whole, KnownMethods(), {}).steps, 12);
  const ImitateJobOptions pieces = begin("remade-pieces");
  for (int step = 1; step < 7; ++step) EXPECT_EQ(OneStep(pieces), "interrupted");
  EXPECT_EQ(RunImitate(pieces, KnownMethods(), {}).steps, 12);
  EXPECT_EQ(Features("remade-pieces"), Features("remade-whole"));
}

// The run can be clicked and scored while its writer is at work; a second writer is refused.
TEST_F(ImitateJobTest, CanBeClickedAndScoredFromTheFirstCheckpoint) {
  const std::string run = CopyOfRun("beside");
  ImitateJobOptions job = TinyImitation(run, 12);
  job.checkpoint_seconds = 0;
  int clicked = 0;
  const auto report = [&](const Progress& progress) {
    if (!CheckpointExists(Run("beside").features_checkpoint("toy"))) return;
    SegmentJobOptions segment;
    segment.run = run;
    segment.teacher = "toy";
    segment.view = "test:0";
    segment.click = {"10,10"};
    EXPECT_EQ(RunSegment(segment, KnownMethods(), {}).ToJson()["views"].size(), 1u);
    EvaluateJobOptions evaluate;
    evaluate.run = run;
    evaluate.teacher = "toy";
    evaluate.protocol = "san";
    evaluate.max_views = 1;
    const Json scored = RunEvaluate(evaluate, KnownMethods(), {}).ToJson();
    EXPECT_EQ(scored["imitation_finished"], false);
    EXPECT_LT(scored["imitation_step"], progress.total);
    EXPECT_MENTIONS(ErrorOf([&] { RunImitate(TinyImitation(run, 3), KnownMethods(), {}); }),
                    "in use by process");
    EXPECT_MENTIONS(ErrorOf([&] { const RunLock lock(Run("beside")); }), "in use by process");
    ++clicked;
  };
  RunImitate(job, KnownMethods(), {.progress = report});
  EXPECT_GT(clicked, 0);
}

// Whenever a reader looks, it sees one whole checkpoint with the options it was made with.
TEST_F(ImitateJobTest, ReadersNeverSeeHalfACheckpoint) {
  const std::string run = CopyOfRun("raced");
  RunImitate(TinyImitation(run, 2), KnownMethods(), {});
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 3; ++i) {
      ImitateJobOptions job = TinyImitation(run, 8);
      job.restart = true;
      job.checkpoint_seconds = 0;
      job.options.As<FeatureOptions>().head_width = i % 2 == 0 ? 32 : 16;  // tensors of another shape
      RunImitate(job, KnownMethods(), {});
    }
    done = true;
  });
  int seen = 0;
  while (!done) {
    const OpenedRun context = OpenRun(run, KnownMethods());
    try {
      seen += OpenFeatures(context, "toy").step > 0;
    } catch (const Error& error) {
      // Between the removal of the old features and the first checkpoint of the new ones there are none.
      const std::string message = error.what();
      EXPECT_TRUE(message.find("no features") != std::string::npos ||
                  message.find("No such file") != std::string::npos)
          << message;
    }
  }
  writer.join();
  EXPECT_EQ(OpenFeatures(OpenRun(run, KnownMethods()), "toy").step, 8);
}

// Features belong to the field they were imitated on.
TEST_F(ImitateJobTest, AFieldThatWasTrainedAnewIsNoticed) {
  const std::string run = CopyOfRun("anew");
  RunImitate(TinyImitation(run, 4), KnownMethods(), {});
  OpenFeatures(OpenRun(run, KnownMethods()), "toy");
  EXPECT_EQ(TakeLog().find("another radiance field"), std::string::npos);
  TrainJobOptions train = TinyTraining(Path("capture"), run, 20);
  train.restart = true;
  RunTrain(train, KnownMethods(), {});
  TakeLog();
  OpenFeatures(OpenRun(run, KnownMethods()), "toy");
  EXPECT_MENTIONS(TakeLog(), "another radiance field");
  ImitateJobOptions resume = TinyImitation(run, 4);
  resume.resume = true;
  EXPECT_MENTIONS(ErrorOf([&] { RunImitate(resume, KnownMethods(), {}); }), "--restart");
  resume.resume = false;
  resume.restart = true;
  EXPECT_EQ(RunImitate(resume, KnownMethods(), {}).steps, 4);
}

TEST_F(ImitateJobTest, WhatClicksNeedIsMadeBefore) {
  const std::filesystem::path run = CopyOfRun("prepared");
  const auto count = [&] {
    const std::filesystem::path folder = RunFolder::Open(run).embeddings_dir("toy");
    if (!std::filesystem::exists(folder)) return 0L;
    return static_cast<long>(std::distance(std::filesystem::directory_iterator(folder), {}));
  };
  ImitateJobOptions job = TinyImitation(run, 2);
  RunImitate(job, KnownMethods(), {});
  EXPECT_EQ(count(), 0);
  job.prepare_clicks = job.restart = true;
  RunImitate(job, KnownMethods(), {});
  EXPECT_GT(count(), 5);  // every photo that was trained on
  EXPECT_TRUE(std::filesystem::exists(RunFolder::Open(run).selections_dir() / "surface.safetensors"));
}

TEST_F(ImitateJobTest, WrongInputIsAnErrorAndWritesNothing) {
  const std::string run = CopyOfRun("wrong");
  const std::string config = FileBytes(Run("wrong").config());
  ImitateJobOptions job = TinyImitation(run, 4);
  job.teacher = "toyy";
  EXPECT_MENTIONS(ErrorOf([&] { RunImitate(job, KnownMethods(), {}); }), "toy");
  job = TinyImitation(run, 4);
  job.preset = "fats";
  EXPECT_MENTIONS(ErrorOf([&] { RunImitate(job, KnownMethods(), {}); }), "fast");
  job = TinyImitation(Path("nowhere"), 4);
  EXPECT_MENTIONS(ErrorOf([&] { RunImitate(job, KnownMethods(), {}); }), "semfield train");
  EXPECT_EQ(FileBytes(Run("wrong").config()), config);
  job = TinyImitation(run, 4);
  job.resume = true;
  Run("wrong").WriteConfigSection("imitate-toy", {{"channels", 4}});
  EXPECT_MENTIONS(ErrorOf([&] { RunImitate(job, KnownMethods(), {}); }), "imitate-toy.options");
}

}  // namespace
}  // namespace semfield
