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
  const Json fine = RunCheck(job, {});
  EXPECT_EQ(fine["exit_code"], 0);
  EXPECT_EQ(fine["verdict"], "fine");
  EXPECT_EQ(fine["problems"], Json::array());
  EXPECT_EQ(fine["compared"]["views"], kTinyViews);
  EXPECT_FALSE(fine["notes"].empty());  // few views
  EXPECT_EQ(fine["text"][0].get<std::string>().rfind("verdict", 0), 0u);

  Json pose_file = ReadJsonFile(folder / "room/transforms.json");
  for (const char* key : {"fl_x", "fl_y", "cx", "cy"}) pose_file[key] = 4 * pose_file[key].get<double>();
  WriteJsonFile(folder / "room/transforms.json", pose_file);
  const Json wrong = RunCheck(job, {});
  EXPECT_EQ(wrong["exit_code"], 1);
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
