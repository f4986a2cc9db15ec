#pragma once

// For tests of the jobs: a tiny synthetic capture, what is made from it, and a teacher that answers at once.

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/test_folder.h"
#include "semfield/base/test_threads.h"
#include "semfield/catalog/methods.h"
#include "semfield/jobs/imitate.h"
#include "semfield/jobs/train.h"
#include "semfield/methods/feature_field/feature_options.h"
#include "semfield/methods/radiance/model/radiance_options.h"
#include "semfield/perception/perception_test_util.h"
#include "semfield/synthetic/synthetic.h"
#include "semfield/training/checkpoint.h"
#include "semfield/training/run_folder.h"

namespace semfield {

inline constexpr int kTinyViews = 9, kTinyWidth = 32, kTinyHeight = 24;

inline void WriteTinyCapture(const std::filesystem::path& folder) {
  WriteSynthetic({.views = kTinyViews, .width = kTinyWidth, .height = kTinyHeight}, folder);
}

inline TrainJobOptions TinyTraining(const std::string& capture, const std::string& out, int steps) {
  TrainJobOptions job;
  job.capture = capture;
  job.out = out;
  job.ChooseMethod(KnownMethods());
  RadianceOptions& options = job.options.As<RadianceOptions>();
  options.levels = 4;
  options.log2_table_size = 11;
  options.finest_resolution = 64;
  options.hidden = 16;
  options.occupancy_resolution = 16;
  options.samples_per_step = 2048;
  options.steps_across = 32;
  options.steps = steps;
  return job;
}

inline ImitateJobOptions TinyImitation(const std::string& run, int steps) {
  ImitateJobOptions job;
  job.run = run;
  job.teacher = "toy";
  job.prepare_clicks = false;  // tests that need it say so
  job.ChooseMethod(KnownMethods());
  FeatureOptions& options = job.options.As<FeatureOptions>();
  options.teacher_resolution = 64;
  options.log2_table_size = 8;
  options.head_width = 16;
  options.cache_size = 4;
  options.steps = steps;
  return job;
}

inline std::string FileBytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A folder with a tiny capture, shared by the tests of a suite. What is logged is collected instead of shown.
class TinyCaptureTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    SetLogSink([](LogLevel, const std::string& message) {
      const std::lock_guard<std::mutex> lock(log_mutex_);
      log_ += message + "\n";
    });
    folder_ = std::make_unique<TestFolder>();
    WriteTinyCapture(*folder_ / "capture");
  }
  static void TearDownTestSuite() {
    folder_.reset();
    SetLogSink({});
  }
  static std::string Path(const std::string& name) { return (*folder_ / name).string(); }
  static RunFolder Run(const std::string& name) { return RunFolder::Open(Path(name)); }
  static void Train(const std::string& run, int steps) {
    RunTrain(TinyTraining(Path("capture"), Path(run), steps), KnownMethods(), {});
  }
  // What was logged since the last call.
  static std::string TakeLog() {
    const std::lock_guard<std::mutex> lock(log_mutex_);
    return std::exchange(log_, {});
  }

  static inline std::unique_ptr<TestFolder> folder_;
  static inline std::mutex log_mutex_;
  static inline std::string log_;
};

// The same with the stand-in teacher "toy" and a trained "run"; skipped where there is no inference runtime.
class ToyTeacherTest : public TinyCaptureTest {
 protected:
  static void SetUpTestSuite() {
    TinyCaptureTest::SetUpTestSuite();
    if (!RuntimeIsThere()) return;
    user_ = std::make_unique<TestUser>();
    WriteStandIn(user_->models(), "toy");
    Train("run", 60);
  }
  static void TearDownTestSuite() {
    user_.reset();
    TinyCaptureTest::TearDownTestSuite();
  }
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
    TakeLog();
  }
  // A trained run of its own.
  static std::string CopyOfRun(const std::string& name) {
    std::filesystem::copy(Path("run"), Path(name), std::filesystem::copy_options::recursive);
    return Path(name);
  }
  static inline std::unique_ptr<TestUser> user_;
};

// The same with features in "run".
class ImitatedRunTest : public ToyTeacherTest {
 protected:
  static void SetUpTestSuite() {
    ToyTeacherTest::SetUpTestSuite();
    if (RuntimeIsThere()) RunImitate(TinyImitation(Path("run"), 30), KnownMethods(), {});
  }
};

}  // namespace semfield
