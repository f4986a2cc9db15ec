#include "semfield/training/checkpoint.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/random.h"
#include "semfield/base/test_file_limit.h"
#include "semfield/base/test_folder.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

template <class Call>
std::string MessageOf(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class CheckpointTest : public testing::Test {
 protected:
  CheckpointTest() {
    SetLogSink([this](LogLevel, const std::string& message) { warnings_.push_back(message); });
  }
  ~CheckpointTest() override { SetLogSink({}); }

  // All elements hold the step, so that a mixture of two saves would show.
  void Save(int step, size_t size = 5000) {
    const std::vector<float> values(size, static_cast<float>(step));
    const std::vector<int32_t> steps(1, step);
    SaveCheckpoint(path_, "radiance",
                   std::vector{MakeTensorView<float>("values", {static_cast<int64_t>(size)}, values),
                               MakeTensorView<int32_t>("step", {1}, steps)},
                   {{"step", std::to_string(step)}});
  }
  static int StepOf(const Checkpoint& checkpoint) {
    const int step = checkpoint.file.Get<int32_t>("step", {1})[0];
    for (const float value : checkpoint.file.Get<float>("values", {-1})) {
      if (value != static_cast<float>(step)) return -1;
    }
    return std::to_string(step) == checkpoint.file.Metadata("step") ? step : -1;
  }
  void Damage(const fs::path& path, size_t from_end) {
    std::string text = ReadTextFile(path);
    text[text.size() - from_end] ^= 4;
    // In place, as a failing disk would: a hard link must not be spared.
    std::FILE* file = std::fopen(path.c_str(), "r+b");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
  }

  TestFolder folder_;
  fs::path path_ = folder_ / "radiance.safetensors";
  std::vector<std::string> warnings_;
};

TEST_F(CheckpointTest, StateIsCheckedBeforeItIsUsed) {
  const auto message = [&](const std::string& state) {
    const std::vector<float> values(2, 1.0f);
    SaveCheckpoint(path_, "radiance", std::vector{MakeTensorView<float>("values", {2}, values)},
                   {{"state", state}});
    return MessageOf([&] { CheckpointState(LoadCheckpoint(path_, "radiance").file, {"seconds"}); });
  };
  EXPECT_EQ(message(R"({"step": 3, "seconds": 1.5})"), "");
  for (const char* bad :
       {"", "3", "[]", "null", "{}", R"({"step": "3", "seconds": 1})", R"({"step": 3.5, "seconds": 1})",
        R"({"step": -1, "seconds": 1})", R"({"step": 4294967296, "seconds": 1})"}) {
    EXPECT_TRUE(Contains(message(bad), path_.string() + ": state")) << bad << ": " << message(bad);
  }
  for (const char* bad : {R"({"step": 3})", R"({"step": 3, "seconds": null})",
                          R"({"step": 3, "seconds": 1e300})", R"({"step": 3, "seconds": -1})"}) {
    EXPECT_TRUE(Contains(message(bad), "state.seconds: expected a number")) << bad << ": " << message(bad);
  }
}

TEST_F(CheckpointTest, RoundTripAndPrevious) {
  EXPECT_FALSE(CheckpointExists(path_));
  Save(1);
  EXPECT_FALSE(fs::exists(PreviousCheckpoint(path_)));
  Save(2);
  Save(3);
  EXPECT_TRUE(CheckpointExists(path_));
  const Checkpoint checkpoint = LoadCheckpoint(path_, "radiance");
  EXPECT_EQ(StepOf(checkpoint), 3);
  EXPECT_FALSE(checkpoint.from_previous);
  EXPECT_EQ(StepOf(LoadCheckpoint(PreviousCheckpoint(path_), "radiance")), 2);
  EXPECT_EQ(folder_.NumEntries(), 2);
  EXPECT_TRUE(warnings_.empty());
  RemoveCheckpoint(path_);
  EXPECT_FALSE(CheckpointExists(path_));
  RemoveCheckpoint(path_);
}

TEST_F(CheckpointTest, DamagedFallsBackWithOneWarning) {
  Save(1);
  Save(2);
  Damage(path_, 10);
  const Checkpoint checkpoint = LoadCheckpoint(path_, "radiance");
  EXPECT_EQ(StepOf(checkpoint), 1);
  EXPECT_TRUE(checkpoint.from_previous);
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_TRUE(Contains(warnings_[0], "damaged (checksum)") && Contains(warnings_[0], path_.string()));
}

TEST_F(CheckpointTest, NumbersThatAreNoneAreDamage) {
  for (const float wrong : {std::nanf(""), -std::numeric_limits<float>::infinity()}) {
    RemoveCheckpoint(path_);
    std::vector<float> values(100, 1.0f);
    values[57] = wrong;
    SaveCheckpoint(path_, "radiance", std::vector{MakeTensorView<float>("values", {100}, values)}, {});
    const std::string message = MessageOf([&] { LoadCheckpoint(path_, "radiance"); });
    EXPECT_TRUE(Contains(message, path_.string() + ": damaged (tensor 'values': number 57 of 100"))
        << message;
    EXPECT_TRUE(Contains(message, "--restart")) << message;
  }
  RemoveCheckpoint(path_);
  Save(1);
  const std::vector<float> none(4, std::nanf(""));
  SaveCheckpoint(path_, "radiance", std::vector{MakeTensorView<float>("values", {4}, none)}, {});
  EXPECT_EQ(StepOf(LoadCheckpoint(path_, "radiance")), 1);
  Save(2);  // and it does not push out the good one
  EXPECT_EQ(StepOf(LoadCheckpoint(PreviousCheckpoint(path_), "radiance")), 1);
}

TEST_F(CheckpointTest, TruncatedOrMissingFallsBack) {
  Save(1);
  Save(2);
  for (const uintmax_t size : {5000u, 300u, 8u, 0u}) {
    fs::resize_file(path_, size);
    EXPECT_EQ(StepOf(LoadCheckpoint(path_, "radiance")), 1) << size;
  }
  fs::remove(path_);
  EXPECT_TRUE(CheckpointExists(path_));
  EXPECT_EQ(StepOf(LoadCheckpoint(path_, "radiance")), 1);
  EXPECT_EQ(warnings_.size(), 5u);
}

TEST_F(CheckpointTest, DamagedNeverPushesOutTheGoodPrevious) {
  Save(1);
  Save(2);
  Damage(path_, 10);
  Save(3);
  EXPECT_EQ(StepOf(LoadCheckpoint(PreviousCheckpoint(path_), "radiance")), 1);
  EXPECT_EQ(StepOf(LoadCheckpoint(path_, "radiance")), 3);
}

TEST_F(CheckpointTest, BothDamagedNamesBoth) {
  EXPECT_TRUE(Contains(MessageOf([&] { LoadCheckpoint(path_, "radiance"); }), path_.string()));
  Save(1);
  Save(2);
  Damage(path_, 10);
  Damage(PreviousCheckpoint(path_), 10);
  const std::string message = MessageOf([&] { LoadCheckpoint(path_, "radiance"); });
  EXPECT_TRUE(Contains(message, path_.string() + ": damaged")) << message;
  EXPECT_TRUE(Contains(message, PreviousCheckpoint(path_).string() + ": damaged")) << message;
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(CheckpointTest, AnotherFormatSaysWhoWroteItAndDoesNotFallBack) {
  Save(1);
  Save(2);
  WriteSafetensors(path_, {}, {{"kind", "radiance"}, {"format", "99"}, {"semfield_version", "9.8.7"}});
  const std::string message = MessageOf([&] { LoadCheckpoint(path_, "radiance"); });
  EXPECT_TRUE(Contains(message, "written by semfield 9.8.7 in checkpoint format 99")) << message;
  EXPECT_TRUE(Contains(message, "use the version that wrote it"));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(CheckpointTest, AnotherKindIsRefused) {
  Save(1);
  const std::string message = MessageOf([&] { LoadCheckpoint(path_, "features"); });
  EXPECT_TRUE(Contains(message, "expected a checkpoint of kind 'features', got 'radiance'")) << message;
}

TEST_F(CheckpointTest, FullDiskKeepsWhatWasThere) {
  Save(1);
  Save(2);
  {
    const TestFileLimit limit(100'000);
    try {
      Save(3, 100'000);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kResource);
    }
  }
  EXPECT_EQ(StepOf(LoadCheckpoint(path_, "radiance")), 2);
  EXPECT_EQ(folder_.NumEntries(), 2);
  Save(4);
  EXPECT_EQ(StepOf(LoadCheckpoint(path_, "radiance")), 4);
  EXPECT_EQ(StepOf(LoadCheckpoint(PreviousCheckpoint(path_), "radiance")), 2);
  EXPECT_EQ(folder_.NumEntries(), 2);
}

TEST_F(CheckpointTest, KilledAtAnyMomentLeavesAGoodOne) {
  Save(0);
  Random random(3);
  int last = 0;
  for (int round = 0; round < 25; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int step = last + 1;; ++step) Save(step);
    }
    ::usleep(1000 + random.Below(20'000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const int step = StepOf(LoadCheckpoint(path_, "radiance"));
    ASSERT_GE(step, last) << round;
    last = step;
    RemoveStaleTemporaries(folder_.path());
  }
  EXPECT_GT(last, 0);
  EXPECT_LE(folder_.NumEntries(), 3);  // a ".link" may be left, the next save removes it
}

}  // namespace
}  // namespace semfield
