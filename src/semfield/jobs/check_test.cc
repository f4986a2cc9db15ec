#include "semfield/jobs/check.h"

#include <gtest/gtest.h>

#include "semfield/jobs/jobs_test_util.h"

namespace semfield {
namespace {

TEST(Check, SaysWhatItComparedAndExitsWithOneOnProblems) {
  const TestFolder folder;
  WriteTinyCapture(folder / "room");
  CheckJobOptions job;
  job.capture = (folder / "room").string();
  const CheckResult good = RunCheck(job, {});
  EXPECT_EQ(good.exit_code(), 0);
  const Json fine = good.ToJson();
  // Pictures of 32 pixels tell nothing: that is not said to be fine.
  EXPECT_EQ(fine["verdict"], "unknown");
  EXPECT_NE(good.Text()[0].find("only 0 of 9 views could be judged"), std::string::npos) << good.Text()[0];
  EXPECT_EQ(fine["compared"]["views_not_judged"].size(), size_t{kTinyViews});
  EXPECT_EQ(fine["problems"], Json::array());
  EXPECT_EQ(fine["compared"]["views"], kTinyViews);
  EXPECT_FALSE(fine["notes"].empty());  // few views
  EXPECT_EQ(good.Text()[0].rfind("verdict", 0), 0u);

  Json pose_file = ReadJsonFile(folder / "room/transforms.json");
  for (const char* key : {"fl_x", "fl_y", "cx", "cy"}) pose_file[key] = 4 * pose_file[key].get<double>();
  WriteJsonFile(folder / "room/transforms.json", pose_file);
  const CheckResult bad = RunCheck(job, {});
  EXPECT_EQ(bad.exit_code(), 1);
  const Json wrong = bad.ToJson();
  EXPECT_EQ(wrong["verdict"], "problems");
  ASSERT_EQ(wrong["problems"].size(), 1u);
  EXPECT_EQ(wrong["problems"][0]["kind"], "wrong-intrinsics");
  EXPECT_FALSE(wrong["problems"][0]["advice"].get<std::string>().empty());
}

TEST(Check, CanBeStopped) {
  const TestFolder folder;
  WriteTinyCapture(folder / "room");
  CheckJobOptions job;
  job.capture = (folder / "room").string();
  StopToken stop;
  stop.RequestStop();
  EXPECT_THROW(RunCheck(job, {.stop = &stop}), Error);
}

}  // namespace
}  // namespace semfield
