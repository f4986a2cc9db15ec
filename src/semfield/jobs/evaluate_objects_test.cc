#include "semfield/jobs/evaluate_objects.h"

#include <gtest/gtest.h>

#include "semfield/catalog/methods.h"
#include "semfield/evaluation/box_objects_test_util.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {

class EvaluateObjectsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
    WriteStandIn(user_.models(), "toy");
    BoxObjects objects(user_ / "objects/box");
  }
  EvaluateJobOptions Job(const std::string& protocol) const {
    EvaluateJobOptions job;
    job.run = (user_ / "objects").string();
    job.protocol = protocol;
    job.objects.teacher = "toy";
    job.objects.cache = (user_ / "kept").string();
    return job;
  }
  TestUser user_;
};

TEST_F(EvaluateObjectsTest, TheTeacherIsARowAndItsAnswersAreKept) {
  const Json first = RunEvaluate(Job("parts"), KnownMethods(), {}).ToJson();
  EXPECT_EQ(first["protocol"], "parts");
  EXPECT_EQ(first["object_teacher"], "toy");
  const Json& rows = first["metrics"]["box"]["cross_instance"];
  EXPECT_NEAR(rows["same place"]["part_iou"].get<double>(), (8.0 / 12 + 4.0 / 8) / 2, 1e-12);
  ASSERT_TRUE(rows.contains("teacher"));
  EXPECT_EQ(first["metrics"]["box"]["other_view"]["pairs"], 4);
  const std::filesystem::directory_iterator kept(user_ / "kept");
  EXPECT_EQ(std::distance(begin(kept), end(kept)), 2);  // both views of an object are the same picture
  EXPECT_EQ(RunEvaluate(Job("parts"), KnownMethods(), {}).ToJson()["metrics"], first["metrics"]);
  // What is damaged is made again.
  for (const auto& file : std::filesystem::directory_iterator(user_ / "kept"))
    std::filesystem::resize_file(file.path(), 100);
  EXPECT_EQ(RunEvaluate(Job("parts"), KnownMethods(), {}).ToJson()["metrics"], first["metrics"]);
}

TEST_F(EvaluateObjectsTest, WhatIsNotThereIsSaid) {
  EvaluateJobOptions job = Job("keypoints");
  job.objects.category = "chair";
  EXPECT_MENTIONS(ErrorOf([&] { RunEvaluate(job, KnownMethods(), {}); }),
                  "no category 'chair'; there are: box");
  job.run = user_.models().string();
  EXPECT_MENTIONS(ErrorOf([&] { RunEvaluate(job, KnownMethods(), {}); }), "holds no category");
}

}  // namespace
}  // namespace semfield
