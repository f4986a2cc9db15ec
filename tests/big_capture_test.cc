// What large captures may take of memory: 100 photos of 1920x1080, 622 MB decoded.
#include "big_capture.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>

#include "semfield/base/atomic_file.h"
#include "semfield/base/json.h"
#include "semfield/base/log.h"
#include "semfield/base/memory.h"
#include "semfield/base/parallel.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/decoding_limit.h"
#include "semfield/capture/image_store.h"
#include "semfield/capture/reader.h"
#include "semfield/catalog/methods.h"
#include "semfield/geometry/pose.h"
#include "semfield/image/codecs.h"
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

// Sixteen bits a sample and an alpha channel: 134 MB decoded as the file has them, 67 MB as they are used.
TEST_F(BigCapture, LargePicturesWithAlphaAreNotDecodedTwiceOver) {
  constexpr int kSide = 4096;
  const std::filesystem::path folder = *folder_ / "alpha";
  Json pose_file = {{"w", kSide}, {"h", kSide}, {"fl_x", 4000}, {"frames", Json::array()}};
  {
    ImageU16 picture(kSide, kSide, 4, 65535);
    picture.At(kSide - 1, kSide - 1, 3) = 0;
    const std::vector<std::byte> bytes = EncodePng16(picture);
    for (int i = 0; i < 3; ++i) {
      WriteFileAtomically(folder / fmt::format("{}.png", i), bytes);
      const Pose pose = LookAt(Vec3(3, i, 1), Vec3::Zero(), Vec3::UnitZ());
      Json matrix = Json::array();
      const Mat4 rows = FlipOpenGlOpenCv(pose).Matrix();
      for (int row = 0; row < 4; ++row)
        matrix.push_back({rows(row, 0), rows(row, 1), rows(row, 2), rows(row, 3)});
      pose_file["frames"].push_back({{"file_path", fmt::format("{}.png", i)}, {"transform_matrix", matrix}});
    }
  }
  WriteJsonFile(folder / "transforms.json", pose_file);
  malloc_trim(0);
  if (!ForgetPeak()) GTEST_SKIP() << "this kernel does not forget a peak";
  uint64_t before = PeakMemory();
  const Capture capture = ReadCapture(folder);
  EXPECT_TRUE(capture.HasAlpha());
  EXPECT_LT(PeakMemory() - before, 8 * kMiB);
  ASSERT_TRUE(ForgetPeak());
  before = PeakMemory();
  const ImageStore store(capture, 8, size_t{64} << 20);
  ParallelFor(3, [&](int64_t i, int) { store.Image(static_cast<int>(i)); });
  // All at once where they fit together, each once as bytes; never as floats.
  EXPECT_LT(PeakMemory() - before, 3 * 4 * size_t{kSide} * kSide + 40 * kMiB);
  EXPECT_LE(PeakMemory() - before, DecodingBytes(capture.views[0].camera, 3) + 40 * kMiB);
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
