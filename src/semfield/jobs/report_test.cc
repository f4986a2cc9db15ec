#include "semfield/jobs/report.h"
#include "semfield/catalog/methods.h"

#include <gtest/gtest.h>

#include "semfield/image/codecs.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/jobs/jobs_test_util.h"

namespace semfield {
namespace {

class ReportJobTest : public ImitatedRunTest {
 protected:
  static Json Report(const std::string& run) {
    ReportJobOptions job;
    job.run = Path(run);
    job.teacher = "toy";
    job.views = 1;
    return RunReport(job, KnownMethods(), {}).ToJson();
  }
  static std::string Notes(const Json& answer) { return answer["notes"].dump(); }
  static void Evaluate(const std::string& run) {
    EvaluateJobOptions job;
    job.run = Path(run);
    job.teacher = "toy";
    job.protocol = "all";
    job.max_views = 1;
    RunEvaluate(job, KnownMethods(), {});
  }
};

TEST_F(ReportJobTest, SaysWhatIsMissingAndHowToMakeIt) {
  Train("bare", 20);
  const Json answer = Report("bare");
  EXPECT_MENTIONS(Notes(answer), "semfield evaluate " + Path("bare") + " --protocol views");
  EXPECT_MENTIONS(Notes(answer), "semfield imitate " + Path("bare") + " --teacher toy");
  const std::string html = FileBytes(answer["report"].get<std::string>());
  EXPECT_NE(html.find("</html>"), std::string::npos);
}

TEST_F(ReportJobTest, ShowsNumbersPicturesAndMasksOfThisState) {
  CopyOfRun("scored");
  Evaluate("scored");
  // A mask of the user's, and one that a stranger's link would show.
  std::filesystem::create_directories(Run("scored").masks_dir());
  WritePng(Run("scored").masks_dir() / "my chair_sheet.png", ImageU8(8, 6, 3, 70));
  WritePng(*folder_ / "secret.png", ImageU8(8, 6, 3, 70));
  std::filesystem::create_symlink(*folder_ / "secret.png", Run("scored").masks_dir() / "theirs_sheet.png");
  const Json answer = Report("scored");
  EXPECT_TRUE(answer["notes"].empty()) << Notes(answer);
  EXPECT_EQ(answer["report"], Run("scored").report().string());
  const std::string html = FileBytes(Run("scored").report());
  EXPECT_NE(html.find("my chair"), std::string::npos);
  EXPECT_EQ(html.find("theirs"), std::string::npos);
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
  EXPECT_GT(html.find("data:image/jpeg;base64,"), 0u);
  EXPECT_NE(html.find("<polyline"), std::string::npos) << "no curves";
}

// Numbers of an earlier state are shown, but said to be so.
TEST_F(ReportJobTest, NoticesThatTheRunWasTrainedSince) {
  const std::string run = CopyOfRun("moved_on");
  Evaluate("moved_on");
  ImitateJobOptions imitate = TinyImitation(run, 7);
  imitate.restart = true;
  RunImitate(imitate, KnownMethods(), {});
  EXPECT_MENTIONS(Notes(Report("moved_on")), "earlier imitation");
  EXPECT_EQ(Notes(Report("moved_on")).find("earlier state"), std::string::npos);
  TrainJobOptions train = TinyTraining(Path("capture"), run, 10);
  train.restart = true;
  RunTrain(train, KnownMethods(), {});
  EXPECT_MENTIONS(Notes(Report("moved_on")), "earlier state");
}

TEST_F(ReportJobTest, ADamagedEvaluationIsAnErrorThatNamesIt) {
  CopyOfRun("bent");
  for (const char* text : {"", "[]", "{}", R"({"protocol": 3})", R"({"protocol": "san"})"}) {
    std::ofstream(EvaluationFile(Run("bent"), "views")) << text;
    EXPECT_MENTIONS(ErrorOf([] { Report("bent"); }), "evaluation-views.json");
  }
  EXPECT_FALSE(std::filesystem::exists(Run("bent").report()));
  // Of the right kind but with nothing usable inside: a page is made all the same.
  std::ofstream(EvaluationFile(Run("bent"), "views"))
      << R"({"protocol": "views", "metrics": 3, "per_view": [1, {}], "radiance_checkpoint": 7})";
  std::ofstream(EvaluationFile(Run("bent"), "san"))
      << R"({"protocol": "san", "teacher": 4, "worst": [1, {"view": "x", "click": ["a"]}], "features_checkpoint": "0"})";
  Report("bent");
  EXPECT_TRUE(std::filesystem::exists(Run("bent").report()));
}

}  // namespace
}  // namespace semfield
