#include "semfield/jobs/train.h"
#include "semfield/catalog/methods.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "semfield/base/json.h"
#include "semfield/jobs/jobs_test_util.h"
#include "semfield/jobs/kept_plan.h"
#include "semfield/run/opened_run.h"
#include "semfield/training/metrics_log.h"

namespace semfield {
namespace {

class TrainJobTest : public TinyCaptureTest {
 protected:
  static TrainJobOptions Job(const std::string& run, int steps) {
    return TinyTraining(Path("capture"), Path(run), steps);
  }
  static std::string Checkpoint(const std::string& run) { return FileBytes(Run(run).radiance_checkpoint()); }
};

TEST_F(TrainJobTest, WritesARunThatSaysWhatWasDone) {
  std::vector<Progress> reports;
  const TrainResult answer = RunTrain(Job("written", 60), KnownMethods(),
                                      {.progress = [&](const Progress& p) { reports.push_back(p); }});
  EXPECT_EQ(answer.steps, 60);
  EXPECT_EQ(answer.Text().size(), 2u);
  EXPECT_GT(answer.train_psnr.value(), 5);
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(reports.back().done, 60);
  EXPECT_EQ(reports.back().total, 60);
  const RunFolder run = RunFolder::Open(Path("written"));
  const Json config = run.ReadConfigSection("train");
  EXPECT_EQ(config["options"]["steps"], 60);
  EXPECT_EQ(config["options"]["log2-table-size"], 11);
  EXPECT_FALSE(config["capture_hash"].get<std::string>().empty());
  // Resolved: nothing is left to be decided when the run is read again.
  EXPECT_NE(config["options"]["background"], "auto");
  EXPECT_GE(config["options"]["cone-angle"].get<double>(), 0);
  const std::vector<Json> metrics = MetricsLog::Read(run.metrics());
  ASSERT_EQ(metrics.size(), 2u);  // step 50 and the last
  EXPECT_EQ(metrics[1]["step"], 60);
}

TEST_F(TrainJobTest, RefusesAnExistingRunUnlessTold) {
  RunTrain(Job("existing", 20), KnownMethods(), {});
  const std::string before = Checkpoint("existing");
  const std::string message = ErrorOf([] { RunTrain(Job("existing", 30), KnownMethods(), {}); });
  EXPECT_NE(message.find("--resume"), std::string::npos) << message;
  EXPECT_NE(message.find("--restart"), std::string::npos) << message;
  EXPECT_EQ(Checkpoint("existing"), before);
  // A finished run has nothing to resume: the same parameters again.
  TrainJobOptions resume = Job("existing", 20);
  resume.resume = true;
  TakeLog();
  EXPECT_EQ(RunTrain(resume, KnownMethods(), {}).steps, 20);
  EXPECT_EQ(Checkpoint("existing"), before);
  EXPECT_EQ(TakeLog().find("not used"), std::string::npos);
  // Options that a resumed training does not take are said.
  resume.options.As<RadianceOptions>().steps = 33;
  resume.minutes = 2;
  EXPECT_EQ(RunTrain(resume, KnownMethods(), {}).steps, 20);
  const std::string log = TakeLog();
  EXPECT_MENTIONS(log, "--steps 33 is not used");
  EXPECT_MENTIONS(log, "--minutes 2 is not used");
  TrainJobOptions restart = Job("existing", 10);
  restart.restart = true;
  EXPECT_EQ(RunTrain(restart, KnownMethods(), {}).steps, 10);
  EXPECT_NE(Checkpoint("existing"), before);
}

TEST_F(TrainJobTest, InterruptedAndResumedIsTheSameAsInOneGo) {
  RunTrain(Job("whole", 150), KnownMethods(), {});
  StopToken stop;
  const JobControl control = {.progress =
                                  [&](const Progress& p) {
                                    if (p.done >= 100) stop.RequestStop();
                                  },
                              .stop = &stop};
  EXPECT_EQ(ErrorOf([&] { RunTrain(Job("halves", 150), KnownMethods(), control); }, ErrorKind::kInterrupted),
            "interrupted");
  TrainJobOptions resume;  // options, plan and capture stand in the run
  resume.out = Path("halves");
  resume.resume = true;
  EXPECT_EQ(RunTrain(resume, KnownMethods(), {}).steps, 150);
  EXPECT_EQ(Checkpoint("halves"), Checkpoint("whole"));
  int64_t last = 0;
  for (const Json& line : MetricsLog::Read(RunFolder::Open(Path("halves")).metrics())) {
    EXPECT_GT(line["step"].get<int64_t>(), last);
    last = line["step"].get<int64_t>();
  }
}

// What is left of a finished training is the field; of one that goes on, the optimizer and the checkpoint
// before.
TEST_F(TrainJobTest, AFinishedRunKeepsNoOptimizer) {
  TrainJobOptions job = Job("finished", 150);
  job.checkpoint_seconds = 0.0001;
  StopToken stop;
  EXPECT_EQ(ErrorOf(
                [&] {
                  RunTrain(job, KnownMethods(),
                           {.progress =
                                [&](const Progress& p) {
                                  if (p.done >= 100) stop.RequestStop();
                                },
                            .stop = &stop});
                },
                ErrorKind::kInterrupted),
            "interrupted");
  const std::filesystem::path path = Run("finished").radiance_checkpoint();
  EXPECT_MENTIONS(Checkpoint("finished"), "grid.first_moment");
  EXPECT_TRUE(std::filesystem::exists(PreviousCheckpoint(path)));
  const auto stopped_bytes = std::filesystem::file_size(path);
  job.resume = true;
  EXPECT_EQ(RunTrain(job, KnownMethods(), {}).steps, 150);
  EXPECT_EQ(Checkpoint("finished").find("moment"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(PreviousCheckpoint(path)));
  EXPECT_LT(2 * std::filesystem::file_size(path), stopped_bytes);
  EXPECT_EQ(RunTrain(job, KnownMethods(), {}).steps, 150);  // nothing left to do, and no moments to miss
}

// Photos that do not fit rotate; which ones a step sees does not hang on where a training was stopped.
TEST_F(TrainJobTest, RotatingPhotosGiveTheSameBitsResumedAndInOneGo) {
  WriteSynthetic({.views = 24, .width = 240, .height = 180}, *folder_ / "larger");  // 21 train on, 2.6 MiB
  const auto job = [&](const std::string& name) {
    TrainJobOptions options = Job(name, 150);
    options.capture = Path("larger");
    options.image_cache = 2;
    return options;
  };
  TakeLog();
  RunTrain(job("rotating"), KnownMethods(), {});
  EXPECT_MENTIONS(TakeLog(), "at a time");
  EXPECT_EQ(Run("rotating").ReadConfigSection("train")["image-cache"], 2);
  RunTrain(job("rotating2"), KnownMethods(), {});
  EXPECT_EQ(Checkpoint("rotating"), Checkpoint("rotating2"));
  StopToken stop;
  const JobControl control = {.progress =
                                  [&](const Progress& p) {
                                    if (p.done >= 50) stop.RequestStop();
                                  },
                              .stop = &stop};
  EXPECT_EQ(ErrorOf([&] { RunTrain(job("rotating3"), KnownMethods(), control); }, ErrorKind::kInterrupted),
            "interrupted");
  TrainJobOptions resume;
  resume.out = Path("rotating3");
  resume.resume = true;
  EXPECT_EQ(RunTrain(resume, KnownMethods(), {}).steps, 150);
  EXPECT_EQ(Checkpoint("rotating3"), Checkpoint("rotating"));
  TrainJobOptions all = job("resident");
  all.image_cache = 0;
  RunTrain(all, KnownMethods(), {});
  EXPECT_NE(Checkpoint("resident"), Checkpoint("rotating"));
}

// Minutes become whole steps once; whoever repeats the run from its config.json gets the same bits.
TEST_F(TrainJobTest, PlanOfMinutesIsKeptAndRepeatable) {
  TrainJobOptions timed = Job("timed", 0);
  timed.minutes = 0.001;  // the fewest steps a plan may have
  const int steps = RunTrain(timed, KnownMethods(), {}).steps;
  EXPECT_GE(steps, 100);
  const Json section = RunFolder::Open(Path("timed")).ReadConfigSection("train");
  EXPECT_EQ(section["plan"]["minutes"], 0.001);
  EXPECT_EQ(section["plan"]["steps"], steps);
  EXPECT_EQ(section["options"]["steps"], steps);
  EXPECT_GT(section["plan"]["seconds_per_step"].get<double>(), 0);
  TrainJobOptions repeat;
  repeat.out = Path("repeated");
  repeat.config = Path("timed") + "/config.json";
  EXPECT_EQ(RunTrain(repeat, KnownMethods(), {}).steps, steps);
  EXPECT_EQ(Checkpoint("repeated"), Checkpoint("timed"));
  EXPECT_EQ(RunFolder::Open(Path("repeated")).ReadConfigSection("train"), section);
}

// As one that was remade while it was trained: the same bits in one go, stopped after and stopped before.
TEST_F(TrainJobTest, APlanThatWasRemadeIsRepeatable) {
  TrainJobOptions first = Job("remade-first", 60);
  first.options.As<RadianceOptions>().average_last = 0.3;
  RunTrain(first, KnownMethods(), {});
  Json config = ReadJsonFile(Path("remade-first") + "/config.json");
  KeepChange({.at_step = 30, .steps = 90}, 60, &config["train"]);
  WriteJsonFile(*folder_ / "remade.json", config);
  TrainJobOptions repeat;
  repeat.config = (*folder_ / "remade.json").string();
  repeat.out = Path("remade");
  EXPECT_EQ(RunTrain(repeat, KnownMethods(), {}).steps, 90);
  EXPECT_NE(Checkpoint("remade"), Checkpoint("remade-first"));
  EXPECT_EQ(Run("remade").ReadConfigSection("train"), config["train"]);

  repeat.out = Path("remade-pieces");
  repeat.checkpoint_seconds = 0;
  for (const int until : {20, 50, 80}) {
    StopToken stop;
    const JobControl control = {.progress =
                                    [&](const Progress& p) {
                                      if (p.done >= until) stop.RequestStop();
                                    },
                                .stop = &stop};
    ErrorOf([&] { RunTrain(repeat, KnownMethods(), control); }, ErrorKind::kInterrupted);
    const TrainJobOptions defaults;
    repeat = defaults;
    repeat.out = Path("remade-pieces");
    repeat.resume = true;
    repeat.checkpoint_seconds = 0;
  }
  EXPECT_EQ(RunTrain(repeat, KnownMethods(), {}).steps, 90);
  EXPECT_EQ(Checkpoint("remade-pieces"), Checkpoint("remade"));
}

TEST_F(TrainJobTest, APlanThatIsTooShortSaysSoAndHurriesThroughItsPhases) {
  TrainJobOptions job = Job("short", 0);
  job.minutes = 0.05;
  job.options.As<RadianceOptions>().coarse_phases = 5;
  job.options.As<RadianceOptions>().phase_steps = 100000;
  TakeLog();
  RunTrain(job, KnownMethods(), {});
  EXPECT_MENTIONS(TakeLog(), "the field will be rough");
  const Json options = Run("short").ReadConfigSection("train")["options"];
  EXPECT_LE(options["phase-steps"].get<int>() * 2 * 5, std::max(10, options["steps"].get<int>()));
}

TEST_F(TrainJobTest, TwoPlansAreRefused) {
  TrainJobOptions job = Job("two", 10);
  job.minutes = 1;
  EXPECT_MENTIONS(ErrorOf([&] { RunTrain(job, KnownMethods(), {}); }),
                  "--minutes 1 and --steps 10 are two plans");
  EXPECT_FALSE(std::filesystem::exists(Path("two")));
}

TEST_F(TrainJobTest, TheFileIsTheSameTwiceAndWithAnyNumberOfThreads) {
  TakeLog();
  RunTrain(Job("threads", 120), KnownMethods(), {});
  for (const int threads : {1, 2, 5}) {
    const ScopedThreads scope(threads);
    TrainJobOptions again = Job("threads" + std::to_string(threads), 120);
    again.deterministic = true;
    RunTrain(again, KnownMethods(), {});
    EXPECT_EQ(Checkpoint("threads" + std::to_string(threads)), Checkpoint("threads")) << threads;
  }
  TrainJobOptions other_seed = Job("seed", 120);
  other_seed.options.As<RadianceOptions>().seed += 1;
  RunTrain(other_seed, KnownMethods(), {});
  EXPECT_NE(Checkpoint("seed"), Checkpoint("threads"));
}

// What a plan of minutes becomes hangs on the machine; repeating one does not.
TEST_F(TrainJobTest, DeterministicRefusesOnlyWhatTheClockDecides) {
  TrainJobOptions timed = Job("clock", 0);
  timed.minutes = 0.001;
  timed.deterministic = true;
  EXPECT_MENTIONS(ErrorOf([&] { RunTrain(timed, KnownMethods(), {}); }), "--deterministic");
  EXPECT_FALSE(std::filesystem::exists(Path("clock")));
  timed.deterministic = false;
  RunTrain(timed, KnownMethods(), {});
  TrainJobOptions repeat;
  repeat.out = Path("clock-again");
  repeat.config = Path("clock") + "/config.json";
  repeat.deterministic = true;
  RunTrain(repeat, KnownMethods(), {});
  EXPECT_EQ(Checkpoint("clock-again"), Checkpoint("clock"));
  timed.deterministic = timed.resume = true;
  RunTrain(timed, KnownMethods(), {});
}

// A plan can be repeated on another capture: the run then says which.
TEST_F(TrainJobTest, ARepeatedPlanOnAnotherCaptureIsSaid) {
  RunTrain(Job("plan", 20), KnownMethods(), {});
  WriteSynthetic({.views = kTinyViews, .width = kTinyWidth, .height = kTinyHeight, .seed = 7},
                 *folder_ / "another");
  TrainJobOptions repeat;
  repeat.capture = Path("another");
  repeat.out = Path("on-another");
  repeat.config = Path("plan") + "/config.json";
  TakeLog();
  RunTrain(repeat, KnownMethods(), {});
  EXPECT_MENTIONS(TakeLog(), "was made for another capture");
  const Json section = RunFolder::Open(Path("on-another")).ReadConfigSection("train");
  EXPECT_EQ(section["capture"], Path("another"));
  EXPECT_NE(section["capture_hash"], Run("plan").ReadConfigSection("train")["capture_hash"]);
  EXPECT_NE(Checkpoint("on-another"), Checkpoint("plan"));
  TakeLog();
  OpenRun(Path("on-another"), KnownMethods());
  EXPECT_EQ(TakeLog().find("changed"), std::string::npos);
}

TEST_F(TrainJobTest, PresetFillsWhatWasNotSet) {
  TrainJobOptions job = Job("preset", 5);
  job.preset = "fast";
  RunTrain(job, KnownMethods(), {});
  const Json options = RunFolder::Open(Path("preset")).ReadConfigSection("train")["options"];
  EXPECT_EQ(options["steps"], 5);             // ours
  EXPECT_EQ(options["log2-table-size"], 11);  // ours, though the preset has its own
  EXPECT_EQ(options["samples-per-step"], 2048);
}

// train --preset fast --log2-table-size 18, where 18 is the usual value and 17 the preset's.
TEST_F(TrainJobTest, AGivenValueThatIsTheDefaultWinsOverThePreset) {
  TrainJobOptions job = Job("given", 5);
  job.preset = "fast";
  job.options.As<RadianceOptions>().log2_table_size = RadianceOptions().log2_table_size;
  job.given = {"log2-table-size"};
  RunTrain(job, KnownMethods(), {});
  const Json options = RunFolder::Open(Path("given")).ReadConfigSection("train")["options"];
  EXPECT_EQ(options["log2-table-size"], 18);
}

TEST_F(TrainJobTest, WrongInputIsAnErrorBeforeAnythingIsWritten) {
  TrainJobOptions no_out = Job("x", 5);
  no_out.out.clear();
  EXPECT_NE(ErrorOf([&] { RunTrain(no_out, KnownMethods(), {}); }).find("--out"), std::string::npos);
  TrainJobOptions no_capture = Job("nowhere", 5);
  no_capture.capture.clear();
  EXPECT_NE(ErrorOf([&] { RunTrain(no_capture, KnownMethods(), {}); }), "");
  TrainJobOptions wrong = Job("nowhere", 5);
  wrong.capture = (*folder_ / "missing").string();
  EXPECT_NE(ErrorOf([&] { RunTrain(wrong, KnownMethods(), {}); }), "");
  wrong = Job("nowhere", 5);
  wrong.preset = "no-such-preset";
  EXPECT_NE(ErrorOf([&] { RunTrain(wrong, KnownMethods(), {}); }), "");
  wrong = Job("nowhere", 5);
  std::ofstream(*folder_ / "other.json") << R"({"hello": 1})";
  wrong.config = (*folder_ / "other.json").string();
  wrong.capture.clear();
  EXPECT_NE(ErrorOf([&] { RunTrain(wrong, KnownMethods(), {}); }), "");
  EXPECT_FALSE(std::filesystem::exists(Path("nowhere")));
}

// The config of another run is a file from outside.
TEST_F(TrainJobTest, DamagedConfigsAreErrors) {
  for (const char* text : {"", "[]", R"({"train": 3})", R"({"train": {}})", R"({"train": {"options": {}}})",
                           R"({"train": {"options": [], "capture": "x"}})", R"({"train": {"capture": 5}})"}) {
    std::ofstream(*folder_ / "damaged.json") << text;
    TrainJobOptions job;
    job.out = Path("damaged");
    job.config = (*folder_ / "damaged.json").string();
    EXPECT_NE(ErrorOf([&] { RunTrain(job, KnownMethods(), {}); }), "") << text;
  }
}

}  // namespace
}  // namespace semfield
