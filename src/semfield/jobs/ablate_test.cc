#include "semfield/jobs/ablate.h"

#include <gtest/gtest.h>

#include "semfield/jobs/jobs_test_util.h"

namespace semfield {
namespace {

class AblateJobTest : public ToyTeacherTest {
 protected:
  static AblateJobOptions Job(const std::string& run) {
    AblateJobOptions job;
    job.run = run;
    job.teacher = "toy";
    job.steps = 3;
    job.seeds = 2;
    job.max_views = 1;
    job.extra = {{"teacher-resolution", 64}, {"log2-table-size", 8}, {"head-width", 16}};
    return job;
  }
  // How many imitations a call made.
  static int Made(const AblateJobOptions& job, const StopToken* stop = nullptr,
                  StopToken* stop_at_second = nullptr) {
    int made = 0;
    const JobControl control = {.progress =
                                    [&](const Progress& p) {
                                      if (p.stage != "imitate" || p.done != 3) return;
                                      if (++made == 2 && stop_at_second) stop_at_second->RequestStop();
                                    },
                                .stop = stop};
    if (stop_at_second) {
      EXPECT_EQ(ErrorOf([&] { RunAblate(job, KnownMethods(), control); }, ErrorKind::kInterrupted),
                "interrupted");
    } else {
      RunAblate(job, KnownMethods(), control);
    }
    return made;
  }
};

TEST_F(AblateJobTest, MeasuresEveryRowWithEverySeedAndLeavesTheRunAlone) {
  const std::string run = CopyOfRun("table");
  const std::string config = FileBytes(Run("table").config());
  const AblateResult result = RunAblate(Job(run), KnownMethods(), {});
  ASSERT_EQ(result.cells.size(), 6u);
  for (const AblationCell& cell : result.cells) {
    EXPECT_GT(cell.feature_mse, 0) << cell.row;
    EXPECT_GE(cell.iou, 0) << cell.row;
    EXPECT_EQ(cell.views, 3) << cell.row;  // steps before the cache is full see fresh views
  }
  EXPECT_NE(result.cells[0].feature_mse, result.cells[1].feature_mse) << "another seed";
  EXPECT_NE(result.cells[0].feature_mse, result.cells[2].feature_mse) << "without augmentation";
  EXPECT_EQ(FileBytes(Run("table").config()), config);
  EXPECT_FALSE(std::filesystem::exists(Path("table/ablations/san")));
  const std::vector<std::string> text = result.Text();
  EXPECT_MENTIONS(text[2], "full");
  EXPECT_MENTIONS(text[2], "0.0026, 0.822, 90");
  EXPECT_EQ(result.ToJson()["rows"][1]["options"]["augment"], false);
}

TEST_F(AblateJobTest, GoesOnWhereItWasInterruptedAndMeasuresOtherStepsAnew) {
  AblateJobOptions job = Job(CopyOfRun("goes-on"));
  job.seeds = 1;
  StopToken stop;
  EXPECT_EQ(Made(job, &stop, &stop), 2);
  EXPECT_LE(Made(job), 2);  // the first was measured, the second had made its steps
  EXPECT_EQ(Made(job), 0);
  job.steps = 2;
  EXPECT_EQ(RunAblate(job, KnownMethods(), {}).cells.front().views, 2);
}

TEST_F(AblateJobTest, WrongInputIsAnError) {
  AblateJobOptions job = Job(CopyOfRun("wrong-table"));
  job.table = "nerf";
  EXPECT_MENTIONS(ErrorOf([&] { RunAblate(job, KnownMethods(), {}); }), "known are: san");
  job = Job(Path("wrong-table"));
  job.teacher = "nobody";
  EXPECT_MENTIONS(ErrorOf([&] { RunAblate(job, KnownMethods(), {}); }), "nobody");
}

}  // namespace
}  // namespace semfield
