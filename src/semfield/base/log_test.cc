#include "semfield/base/log.h"

#include <gtest/gtest.h>

#include <vector>

#include "semfield/base/error.h"
#include "semfield/base/job_control.h"

namespace semfield {
namespace {

TEST(Log, GoesToStandardErrorOnly) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  LogInfo("{} views", 12);
  LogWarning("view {} is dark {{}}", "a");
  LogDebug("not shown");
  const std::string error = testing::internal::GetCapturedStderr();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(error, "12 views\nwarning: view a is dark {}\n");
}

TEST(Log, LevelAndSink) {
  std::vector<std::string> seen;
  SetLogSink([&](LogLevel, const std::string& message) { seen.push_back(message); });
  SetLogLevel(LogLevel::kWarning);
  LogInfo("a");
  LogWarning("b");
  LogWarning("b");
  SetLogLevel(LogLevel::kSilent);
  LogWarning("c");
  SetLogLevel(LogLevel::kDebug);
  LogDebug("d");
  SetLogLevel(LogLevel::kInfo);
  SetLogSink({});
  EXPECT_EQ(seen, (std::vector<std::string>{"b", "b", "d"}));
}

TEST(JobControl, EmptyIsHarmlessAndStopThrowsInterrupted) {
  JobControl job;
  job.Report({});
  job.ThrowIfStopped();
  EXPECT_FALSE(job.StopRequested());
  StopToken stop;
  job.stop = &stop;
  job.ThrowIfStopped();
  stop.RequestStop();
  EXPECT_TRUE(job.StopRequested());
  try {
    job.ThrowIfStopped();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInterrupted);
  }
}

}  // namespace
}  // namespace semfield
