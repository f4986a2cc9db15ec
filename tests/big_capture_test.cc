// What large captures may take of memory: 100 photos of 1920x1080, 622 MB decoded.
#include "big_capture.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>

#include "semfield/base/log.h"
#include "semfield/base/memory.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/catalog/methods.h"
#include "semfield/jobs/train.h"
#include "semfield/jobs/train_memory.h"
#include "semfield/methods/feature_field/feature_options.h"
#include "semfield/methods/radiance/model/radiance_options.h"

namespace semfield {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class BigCapture : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    SetLogSink([](LogLevel, const std::string&) {});
    mallopt(M_ARENA_MAX, 1);  // as the command does
    folder_ = std::make_unique<TestFolder>();
    WriteBigCapture({.frames = 100, .pictures = 4}, *folder_ / "capture");
  }
  static void TearDownTestSuite() {
    folder_.reset();
    SetLogSink({});
  }
  // Makes PeakMemory() count from now on.
  static bool ForgetPeak() {
    std::ofstream file("/proc/self/clear_refs");
    file << "5" << std::flush;
    return static_cast<bool>(file);
  }
  static inline std::unique_ptr<TestFolder> folder_;
};

TEST_F(BigCapture, OpensWithoutDecoding) {
  if (!ForgetPeak()) GTEST_SKIP() << "this kernel does not forget a peak";
  const uint64_t before = PeakMemory();
  const Capture capture = ReadCapture(*folder_ / "capture");
  EXPECT_EQ(capture.views.size(), 100u);
  EXPECT_LT(PeakMemory() - before, 20 * kMiB);
}

TEST_F(BigCapture, TrainsWithinItsImageCache) {
  if (!ForgetPeak()) GTEST_SKIP() << "this kernel does not forget a peak";
  TrainJobOptions job;
  job.capture = (*folder_ / "capture").string();
  job.out = (*folder_ / "run").string();
  job.image_cache = 128;
  job.ChooseMethod(KnownMethods());
  RadianceOptions& radiance = job.options.As<RadianceOptions>();
  radiance.steps = 20;
  radiance.log2_table_size = 14;
  radiance.samples_per_step = 8192;
  radiance.occupancy_resolution = 32;
  const uint64_t before = PeakMemory();
  EXPECT_EQ(RunTrain(job, KnownMethods(), {}).steps, 20);
  const uint64_t taken = PeakMemory() - before;
  // All photos pass through memory once even in so few steps; never more of them at a time than were allowed.
  EXPECT_LT(taken, 128 * kMiB + 80 * kMiB);
  const Capture capture = ReadCapture(job.capture);
  const TrainMemory estimate = EstimateTrainMemory(
      capture, {.image_cache_mib = 128,
                .method = &KnownMethods().Find("radiance"),
                .options = KnownMethods().Find("radiance").Resolve(job.options, capture)});
  EXPECT_LT(taken, estimate.total());
  EXPECT_GT(2 * taken, estimate.total());
}

}  // namespace
}  // namespace semfield
