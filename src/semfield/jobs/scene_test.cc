#include "semfield/jobs/scene.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "semfield/jobs/jobs_test_util.h"
#include "semfield/jobs/run_context.h"
#include "semfield/jobs/segment.h"

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
  // Until the first report of a stage that has a step done.
  static std::string StopIn(const std::string& stage, const SceneJobOptions& job) {
    StopToken stop;
    const JobControl control = {.progress =
                                    [&](const Progress& p) {
                                      if (p.stage == stage && p.done > 0) stop.RequestStop();
                                    },
                                .stop = &stop};
    return ErrorOf([&] { RunScene(job, control); }, ErrorKind::kInterrupted);
  }
};

TEST_F(SceneJobTest, TrainsThenImitates) {
  std::vector<std::string> stages;
  const Json answer = RunScene(Job("both"), {.progress = [&](const Progress& p) {
                                 if (stages.empty() || stages.back() != p.stage) stages.push_back(p.stage);
                               }});
  EXPECT_EQ(stages, (std::vector<std::string>{"train", "imitate"}));
  EXPECT_GE(answer["train"]["steps"], 100);
  EXPECT_GT(answer["imitate"]["steps"], 0);
  EXPECT_TRUE(OpenFeatures(OpenRun(Path("both")), "toy").finished);
  // Again: nothing is left to do, nothing changes.
  const std::string field = FileBytes(Run("both").radiance_checkpoint());
  const std::string features = FileBytes(Run("both").features_checkpoint("toy"));
  const Json again = RunScene(Job("both"), {});
  EXPECT_EQ(again["imitate"]["steps"], answer["imitate"]["steps"]);
  EXPECT_EQ(FileBytes(Run("both").radiance_checkpoint()), field);
  EXPECT_EQ(FileBytes(Run("both").features_checkpoint("toy")), features);
}

TEST_F(SceneJobTest, GoesOnWhereItWasStopped) {
  const SceneJobOptions job = Job("stopped");
  EXPECT_EQ(StopIn("train", job), "interrupted");
  const Json train = Run("stopped").ReadConfigSection("train");
  EXPECT_TRUE(Run("stopped").ReadConfigSection("imitate-toy").is_null());
  EXPECT_EQ(StopIn("imitate", job), "interrupted");
  const Json imitate = Run("stopped").ReadConfigSection("imitate-toy");
  EXPECT_EQ(Run("stopped").ReadConfigSection("train"), train) << "the plan was made anew";

  // With the first features there it can be clicked.
  SegmentJobOptions click;
  click.run = Path("stopped");
  click.teacher = "toy";
  click.view = "test:0";
  click.click = {"16,12"};
  TakeLog();
  EXPECT_EQ(RunSegment(click, {})["views"].size(), 1u);
  EXPECT_MENTIONS(TakeLog(), "masks will still improve");

  const Json answer = RunScene(job, {});
  EXPECT_EQ(answer["train"]["steps"], train["options"]["steps"]);
  EXPECT_EQ(answer["imitate"]["steps"], imitate["options"]["steps"]);
  EXPECT_EQ(Run("stopped").ReadConfigSection("imitate-toy"), imitate);
}

TEST_F(SceneJobTest, WrongInputIsAnError) {
  SceneJobOptions job = Job("");
  job.out.clear();
  EXPECT_MENTIONS(ErrorOf([&] { RunScene(job, {}); }), "--out");
  job = Job("wrong");
  job.capture = Path("nowhere");
  EXPECT_MENTIONS(ErrorOf([&] { RunScene(job, {}); }), "nowhere");
  // Known before minutes are spent on the field.
  job = Job("wrong");
  job.teacher = "toyy";
  EXPECT_MENTIONS(ErrorOf([&] { RunScene(job, {}); }), "toy");
  EXPECT_FALSE(std::filesystem::exists(Path("wrong")));
}

}  // namespace
}  // namespace semfield
