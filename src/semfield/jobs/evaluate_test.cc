#include "semfield/jobs/evaluate.h"
#include "semfield/catalog/methods.h"

#include <gtest/gtest.h>

#include "semfield/jobs/jobs_test_util.h"

namespace semfield {
namespace {

class EvaluateJobTest : public ImitatedRunTest {
 protected:
  static EvaluateJobOptions Job(const std::string& protocol) {
    EvaluateJobOptions job;
    job.run = Path("run");
    job.teacher = "toy";
    job.protocol = protocol;
    return job;
  }
  static void SetOptionByName(EvaluateJobOptions& job, const std::string& name, const Json& value) {
    OptionList list;
    job.Describe(list);
    SetOption(*list.Find(name), value, name);
  }
  static std::string Checksum(const std::filesystem::path& checkpoint, const std::string& kind) {
    return LoadCheckpoint(checkpoint, kind).file.Metadata("xxh3");
  }
};

TEST_F(EvaluateJobTest, ViewsAreScoredAndKept) {
  const Json answer = RunEvaluate(Job("views"), KnownMethods(), {}).ToJson();
  EXPECT_EQ(answer["protocol"], "views");
  for (const char* key : {"capture", "run", "metrics", "definitions", "per_view", "split"})
    EXPECT_TRUE(answer.contains(key)) << key;
  EXPECT_EQ(answer["radiance_checkpoint"], Checksum(Run("run").radiance_checkpoint(), "radiance"));
  ASSERT_EQ(answer["per_view"].size(), 2u);  // every 8th of 9
  double sum = 0;
  for (const Json& view : answer["per_view"]) {
    EXPECT_EQ(view["scored_pixels"], kTinyWidth * kTinyHeight);
    sum += view["psnr"].get<double>();
  }
  EXPECT_NEAR(answer["metrics"]["psnr"].get<double>(), sum / 2, 1e-9);
  EXPECT_GT(answer["metrics"]["psnr"].get<double>(), 8);
  Json kept = ReadJsonFile(EvaluationFile(Run("run"), "views"));
  EXPECT_FALSE(kept.contains("text"));
  EXPECT_EQ(kept["per_view"], answer["per_view"]);
  EvaluateJobOptions fewer = Job("views");
  fewer.max_views = 1;
  EXPECT_EQ(RunEvaluate(fewer, KnownMethods(), {}).ToJson()["per_view"].size(), 1u);
}

TEST_F(EvaluateJobTest, SanAsksTwelveTimesTwelveClicksAView) {
  const Json answer = RunEvaluate(Job("san"), KnownMethods(), {}).ToJson();
  EXPECT_EQ(answer["protocol"], "san");
  EXPECT_EQ(answer["teacher"], "toy");
  EXPECT_EQ(answer["features_checkpoint"], Checksum(Run("run").features_checkpoint("toy"), "features"));
  EXPECT_EQ(answer["imitation_finished"], true);
  const Json& metrics = answer["metrics"];
  EXPECT_EQ(metrics["clicks"], 2 * 12 * 12);
  for (const char* key : {"iou", "feature_mse", "feature_cosine", "truth_iou", "teacher_truth_iou"}) {
    ASSERT_TRUE(metrics[key].is_number()) << key;
    EXPECT_TRUE(answer["definitions"].contains(key)) << key;
  }
  for (const char* key : {"iou", "truth_iou", "teacher_truth_iou"}) {
    EXPECT_GE(metrics[key].get<double>(), 0);
    EXPECT_LE(metrics[key].get<double>(), 1);
  }
  EXPECT_TRUE(std::filesystem::exists(EvaluationFile(Run("run"), "san")));
}

TEST_F(EvaluateJobTest, SanAsksAsManyClicksAsWanted) {
  EvaluateJobOptions job = Job("san");
  SetOptionByName(job, "clicks-per-side", 3);
  job.max_views = 1;
  EXPECT_EQ(RunEvaluate(job, KnownMethods(), {}).ToJson()["metrics"]["clicks"], 9);
}

TEST_F(EvaluateJobTest, AllHoldsOneEntryAProtocolAndNumbersRepeat) {
  const Json answer = RunEvaluate(Job("all"), KnownMethods(), {}).ToJson(),
             views = RunEvaluate(Job("views"), KnownMethods(), {}).ToJson(),
             san = RunEvaluate(Job("san"), KnownMethods(), {}).ToJson();
  EXPECT_EQ(answer["protocol"], "all");
  EXPECT_EQ(answer["metrics"]["views"]["psnr"], views["metrics"]["psnr"]);
  EXPECT_EQ(answer["metrics"]["san"]["iou"], san["metrics"]["iou"]);
  EXPECT_EQ(answer["metrics"]["san"]["feature_mse"], san["metrics"]["feature_mse"]);
  EXPECT_EQ(answer["per_view"]["san"].size(), 2u);
}

TEST_F(EvaluateJobTest, ExposuresAreComparedWithTrueOnes) {
  EvaluateJobOptions job = Job("exposure");
  EXPECT_MENTIONS(ErrorOf([&] { RunEvaluate(job, KnownMethods(), {}); }), "--truth is missing");
  job.truth = Path("capture");
  const Json without = RunEvaluate(job, KnownMethods(), {})
                           .ToJson()["metrics"];  // photos that are true, a training that learned none
  EXPECT_NEAR(without["given_stops"].get<double>(), 0, 1e-6);
  EXPECT_NEAR(without["error_stops"].get<double>(), 0, 1e-6);
  TrainJobOptions train = TinyTraining(Path("capture"), Path("exposed"), 20);
  train.options.As<RadianceOptions>().exposure = true;
  RunTrain(train, KnownMethods(), {});
  job.run = Path("exposed");
  const Json with = RunEvaluate(job, KnownMethods(), {}).ToJson();
  EXPECT_EQ(with["protocol"], "exposure");
  EXPECT_EQ(with["per_view"].size(), 7u);
  EXPECT_GT(with["metrics"]["error_stops_most"].get<double>(),
            0);  // 20 steps: it has learned something, wrongly
  EXPECT_LT(with["metrics"]["error_stops_most"].get<double>(), 1);
}

TEST_F(EvaluateJobTest, MissingFeaturesAreSaidBeforeTheWorkBegins) {
  Train("bare", 20);
  EvaluateJobOptions job = Job("all");
  job.run = Path("bare");
  EXPECT_MENTIONS(ErrorOf([&] { RunEvaluate(job, KnownMethods(), {}); }), "semfield imitate");
  EXPECT_FALSE(std::filesystem::exists(EvaluationFile(Run("bare"), "views")));
  job.run = Path("nowhere");
  EXPECT_MENTIONS(ErrorOf([&] { RunEvaluate(job, KnownMethods(), {}); }), "semfield train");
}

TEST_F(EvaluateJobTest, StoppedOnesLeaveTheEarlierNumbers) {
  RunEvaluate(Job("views"), KnownMethods(), {}).ToJson();
  const std::string before = FileBytes(EvaluationFile(Run("run"), "views"));
  StopToken stop;
  stop.RequestStop();
  EXPECT_EQ(ErrorOf([&] { RunEvaluate(Job("views"), KnownMethods(), {.progress = {}, .stop = &stop}); },
                    ErrorKind::kInterrupted),
            "interrupted");
  EXPECT_EQ(FileBytes(EvaluationFile(Run("run"), "views")), before);
}

// A thing on nothing: what lies beside it is not asked about, and masks exclude what they exclude.
TEST_F(EvaluateJobTest, SanAsksOnlyWhereThereIsSomething) {
  WriteSynthetic({.views = 9, .width = 64, .height = 48, .scene = "object"}, *folder_ / "object");
  RunTrain(TinyTraining(Path("object"), Path("object-run"), 20), KnownMethods(), {});
  RunImitate(TinyImitation(Path("object-run"), 4), KnownMethods(), {});
  EvaluateJobOptions job = Job("san");
  job.run = Path("object-run");
  const Json answer = RunEvaluate(job, KnownMethods(), {}).ToJson();
  EXPECT_GT(answer["metrics"]["clicks"], 10);
  EXPECT_LT(answer["metrics"]["clicks"], 144);  // in 2 views of 144 cells each
  EXPECT_TRUE(answer["metrics"]["teacher_distance"].is_number());
}

}  // namespace
}  // namespace semfield
