#include "semfield/training/metrics_log.h"

#include <gtest/gtest.h>

#include <limits>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/test_file_limit.h"
#include "semfield/base/test_folder.h"

namespace semfield {
namespace {

class MetricsLogTest : public testing::Test {
 protected:
  MetricsLogTest() {
    SetLogSink([this](LogLevel, const std::string& message) { warnings_.push_back(message); });
  }
  ~MetricsLogTest() override { SetLogSink({}); }
  std::vector<int64_t> Steps() const {
    std::vector<int64_t> steps;
    for (const Json& entry : MetricsLog::Read(path_)) steps.push_back(entry["step"].get<int64_t>());
    return steps;
  }
  TestFolder folder_;
  std::filesystem::path path_ = folder_ / "metrics.jsonl";
  std::vector<std::string> warnings_;
};

TEST_F(MetricsLogTest, AppendAndRead) {
  EXPECT_TRUE(MetricsLog::Read(path_).empty());
  MetricsLog log(path_);
  log.Append("train", 100, 1.25, {{"loss", 0.5}, {"note", "two\nlines"}});
  log.Append("train", 200, 2.5, {{"loss", std::numeric_limits<double>::quiet_NaN()}});
  const std::vector<Json> entries = MetricsLog::Read(path_);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].dump(),
            R"({"stage":"train","step":100,"seconds":1.25,"loss":0.5,"note":"two\nlines"})");
  EXPECT_TRUE(entries[1]["loss"].is_null());
}

TEST_F(MetricsLogTest, EveryTornLastLineIsLeftOutAndCutOff) {
  MetricsLog(path_).Append("train", 1, 1);
  const std::string first = ReadTextFile(path_);
  MetricsLog(path_).Append("train", 2, 2);
  const std::string whole = ReadTextFile(path_);
  for (size_t size = 0; size < whole.size(); ++size) {
    WriteFileAtomically(path_, whole.substr(0, size));
    EXPECT_EQ(Steps().size(), size < first.size() ? 0u : 1u) << size;
    MetricsLog(path_).Append("train", 3, 3);
    EXPECT_EQ(Steps(), (size < first.size() ? std::vector<int64_t>{3} : std::vector<int64_t>{1, 3})) << size;
  }
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(MetricsLogTest, ResumingRemovesWhatComesAfter) {
  MetricsLog log(path_);
  log.Append("train", 100, 1);
  log.Append("evaluate", 250, 1);
  log.Append("train", 200, 2);
  log.Append("train", 300, 3);
  MetricsLog resumed(path_);
  resumed.TruncateAfter("train", 200);
  EXPECT_EQ(Steps(), (std::vector<int64_t>{100, 250, 200}));
  resumed.TruncateAfter("train", 200);
  resumed.Append("train", 300, 3);
  EXPECT_EQ(Steps(), (std::vector<int64_t>{100, 250, 200, 300}));
}

TEST_F(MetricsLogTest, SecondsOfAStageUpToAStep) {
  MetricsLog log(path_);
  EXPECT_EQ(log.SecondsAt("train", 100), 0);
  log.Append("train", 100, 1.5);
  log.Append("imitate", 100, 7);
  log.Append("train", 200, 2.5, {{"seconds", "many"}});
  log.Append("train", 300, 3.5);
  EXPECT_EQ(log.SecondsAt("train", 99), 0);
  EXPECT_EQ(log.SecondsAt("train", 100), 1.5);
  EXPECT_EQ(log.SecondsAt("train", 250), 1.5);
  EXPECT_EQ(log.SecondsAt("train", 1000), 3.5);
  EXPECT_EQ(log.SecondsAt("imitate", 1000), 7);
}

TEST_F(MetricsLogTest, UnreadableLinesInsideAreLeftOutWithOneWarning) {
  WriteFileAtomically(path_,
                      "{\"stage\":\"a\",\"step\":1}\nrubbish\n[]\n\n{\"stage\":1,\"step\":1}\n"
                      "{\"stage\":\"a\",\"step\":\"1\"}\n{\"stage\":\"a\",\"step\":2}\n");
  EXPECT_EQ(Steps(), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(MetricsLogTest, FullDiskIsAResourceErrorAndTheLogGoesOnLater) {
  MetricsLog log(path_);
  log.Append("train", 1, 1);
  {
    const TestFileLimit limit(60);
    try {
      log.Append("train", 2, 2);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kResource);
    }
  }
  MetricsLog(path_).Append("train", 3, 3);
  EXPECT_EQ(Steps(), (std::vector<int64_t>{1, 3}));
}

}  // namespace
}  // namespace semfield
