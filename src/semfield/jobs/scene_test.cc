#include "semfield/jobs/scene.h"
#include "semfield/catalog/methods.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "semfield/jobs/jobs_test_util.h"
#include "semfield/jobs/segment.h"
#include "semfield/run/opened_run.h"

namespace semfield {
namespace {

// Both halves are planned by time; presets that make them tiny keep the tests quick.
class SceneJobTest : public ToyTeacherTest {
 protected:
  static void SetUpTestSuite() {
    ToyTeacherTest::SetUpTestSuite();
    WriteJsonFile(*folder_ / "configs" / "train" / "default.json", {{"levels", 4},
                                                                    {"log2-table-size", 11},
                                                                    {"finest-resolution", 64},
                                                                    {"hidden", 16},
                                                                    {"occupancy-resolution", 16},
                                                                    {"samples-per-step", 2048},
                                                                    {"steps-across", 32}});
    WriteJsonFile(
        *folder_ / "configs" / "imitate" / "default.json",
        {{"teacher-resolution", 64}, {"log2-table-size", 8}, {"head-width", 16}, {"cache-size", 8}});
    setenv("SEMFIELD_CONFIGS", Path("configs").c_str(), 1);
  }
  static void TearDownTestSuite() {
    unsetenv("SEMFIELD_CONFIGS");
    ToyTeacherTest::TearDownTestSuite();
  }
  static SceneJobOptions Job(const std::string& out) {
    SceneJobOptions job;
    job.capture = Path("capture");
    job.out = Path(out);
    job.teacher = "toy";
    job.minutes = 0.001;  // the shortest plans there are
    return job;
  }
  // With first features after one step of training.
  static SceneJobOptions EarlyJob(const std::string& out) {
    SceneJobOptions job = Job(out);
    job.first_field_minutes = 1e-6;
    job.first_features_minutes = 2e-4;
    return job;
  }
  // Until the first report of the nth run of a stage that has a step done.
  static std::string StopIn(const std::string& stage, const SceneJobOptions& job, int nth = 1) {
    StopToken stop;
    std::string last;
    int runs = 0;
    const auto note = [&](const Progress& p) {
      if (p.stage != last && p.stage == stage) ++runs;
      last = p.stage;
      if (p.stage == stage && runs == nth && p.done > 0) stop.RequestStop();
    };
    return ErrorOf([&] { RunScene(job, KnownMethods(), {.progress = note, .stop = &stop}); },
                   ErrorKind::kInterrupted);
  }
  static std::string Field(const std::string& run) { return FileBytes(Run(run).radiance_checkpoint()); }
  static std::string Features(const std::string& run) {
    return FileBytes(Run(run).features_checkpoint("toy"));
  }
  // What is logged when the run is clicked.
  static std::string ClickLog(const std::string& run) {
    SegmentJobOptions click;
    click.run = Path(run);
    click.teacher = "toy";
    click.view = "test:0";
    click.click = {"16,12"};
    TakeLog();
    EXPECT_EQ(RunSegment(click, KnownMethods(), {}).ToJson()["views"].size(), 1u);
    return TakeLog();
  }
  // Whether a click says nothing against the features.
  static bool IsWhole(const std::string& run) {
    const std::string log = ClickLog(run);
    return log.find("will still improve") == std::string::npos &&
           log.find("another radiance") == std::string::npos;
  }
};

TEST_F(SceneJobTest, TrainsThenImitates) {
  std::vector<std::string> stages;
  const SceneResult answer = RunScene(Job("both"), KnownMethods(), {.progress = [&](const Progress& p) {
                                        if (stages.empty() || stages.back() != p.stage)
                                          stages.push_back(p.stage);
                                      }});
  EXPECT_EQ(stages, (std::vector<std::string>{"train", "surface", "encode photos", "imitate"}));
  EXPECT_GE(answer.train.steps, 100);
  EXPECT_GT(answer.imitate.steps, 0);
  EXPECT_TRUE(OpenFeatures(OpenRun(Path("both"), KnownMethods()), "toy").finished);
  // Again: nothing is left to do, nothing changes.
  const std::string field = Field("both"), features = Features("both");
  const SceneResult again = RunScene(Job("both"), KnownMethods(), {});
  EXPECT_EQ(again.imitate.steps, answer.imitate.steps);
  EXPECT_EQ(Field("both"), field);
  EXPECT_EQ(Features("both"), features);
}

TEST_F(SceneJobTest, GoesOnWhereItWasStopped) {
  const SceneJobOptions job = Job("stopped");
  EXPECT_EQ(StopIn("train", job), "interrupted");
  const Json train = Run("stopped").ReadConfigSection("train");
  EXPECT_TRUE(Run("stopped").ReadConfigSection("imitate-toy").is_null());
  EXPECT_EQ(StopIn("imitate", job), "interrupted");
  const Json imitate = Run("stopped").ReadConfigSection("imitate-toy");
  EXPECT_EQ(Run("stopped").ReadConfigSection("train"), train) << "the plan was made anew";

  // With features there it can be clicked.
  EXPECT_MENTIONS(ClickLog("stopped"), "masks will still improve");

  const SceneResult answer = RunScene(job, KnownMethods(), {});
  EXPECT_EQ(answer.train.steps, train["options"]["steps"]);
  EXPECT_EQ(answer.imitate.steps, imitate["options"]["steps"]);
  EXPECT_EQ(Run("stopped").ReadConfigSection("imitate-toy"), imitate);
}

// A long training pauses early, so that there is something to click. What is there at the end is, byte for
// byte, what is there without: the shortest plans are the same whatever the machine.
TEST_F(SceneJobTest, FirstFeaturesComeBeforeTheTrainingEndsAndLeaveNothing) {
  SceneJobOptions plain = EarlyJob("plain");
  plain.first_features = false;
  RunScene(plain, KnownMethods(), {});
  EXPECT_EQ(TakeLog().find("pauses"), std::string::npos);

  std::vector<std::string> stages;
  const auto note = [&](const Progress& p) {
    if (stages.empty() || stages.back() != p.stage) stages.push_back(p.stage);
  };
  const SceneResult answer = RunScene(EarlyJob("early"), KnownMethods(), {.progress = note});
  EXPECT_EQ(stages,
            (std::vector<std::string>{"train", "imitate", "train", "surface", "encode photos", "imitate"}));
  EXPECT_MENTIONS(TakeLog(), "clickable now: semfield segment");
  EXPECT_TRUE(answer.train.finished);
  EXPECT_TRUE(IsWhole("early"));
  EXPECT_FALSE(std::filesystem::exists(Path("early/cache")));
  EXPECT_EQ(Field("early"), Field("plain"));
  EXPECT_EQ(Features("early"), Features("plain"));
  EXPECT_EQ(Run("early").ReadConfigSection("imitate-toy")["options"],
            Run("plain").ReadConfigSection("imitate-toy")["options"]);
  // Again: nothing is left to do.
  RunScene(EarlyJob("early"), KnownMethods(), {});
  EXPECT_EQ(Features("early"), Features("plain"));

  // The same after a stop in each of the four stages.
  int run = 0;
  for (const auto& [stage, nth] : {std::pair{"train", 1}, {"imitate", 1}, {"train", 2}, {"imitate", 2}}) {
    SCOPED_TRACE(std::string(stage) + std::to_string(nth));
    const std::string name = "early" + std::to_string(++run);
    EXPECT_EQ(StopIn(stage, EarlyJob(name), nth), "interrupted");
    if (run > 1) {
      EXPECT_MENTIONS(ClickLog(name), "masks will still improve");
    }
    EXPECT_EQ(RunScene(EarlyJob(name), KnownMethods(), {}).imitate.steps, answer.imitate.steps);
    EXPECT_EQ(Field(name), Field("plain"));
    EXPECT_EQ(Features(name), Features("plain"));
    EXPECT_TRUE(IsWhole(name));
    EXPECT_FALSE(std::filesystem::exists(Path(name + "/cache")));
  }
}

// First features never pass for those of the whole field, and nobody has to say that they may go.
TEST_F(SceneJobTest, AnyImitationReplacesFirstFeatures) {
  EXPECT_EQ(StopIn("train", EarlyJob("first"), 2), "interrupted");
  EXPECT_TRUE(IsOfFirstFeatures(Run("first").ReadConfigSection("imitate-toy")));
  EXPECT_FALSE(OpenFeatures(OpenRun(Path("first"), KnownMethods()), "toy").finished);
  const std::string before = Features("first");
  ImitateJobOptions job = TinyImitation(Path("first"), 30);
  job.checkpoint_seconds = 1e6;
  // They stay until there are others.
  std::string during;
  RunImitate(job, KnownMethods(), {.progress = [&](const Progress& p) {
               if (during.empty() && p.done > 0) during = Features("first");
             }});
  EXPECT_EQ(during, before);
  EXPECT_FALSE(IsOfFirstFeatures(Run("first").ReadConfigSection("imitate-toy")));
  EXPECT_TRUE(OpenFeatures(OpenRun(Path("first"), KnownMethods()), "toy").finished);
}

TEST_F(SceneJobTest, ShortTrainingsHaveNoFirstFeatures) {
  SceneJobOptions job = Job("short");
  job.first_field_minutes = job.minutes;
  RunScene(job, KnownMethods(), {});
  EXPECT_EQ(TakeLog().find("pauses"), std::string::npos);
}

TEST_F(SceneJobTest, WrongInputIsAnError) {
  SceneJobOptions job = Job("");
  job.out.clear();
  EXPECT_MENTIONS(ErrorOf([&] { RunScene(job, KnownMethods(), {}); }), "--out");
  job = Job("wrong");
  job.capture = Path("nowhere");
  EXPECT_MENTIONS(ErrorOf([&] { RunScene(job, KnownMethods(), {}); }), "nowhere");
  // Known before minutes are spent on the field.
  job = Job("wrong");
  job.teacher = "toyy";
  EXPECT_MENTIONS(ErrorOf([&] { RunScene(job, KnownMethods(), {}); }), "toy");
  EXPECT_FALSE(std::filesystem::exists(Path("wrong")));
}

}  // namespace
}  // namespace semfield
