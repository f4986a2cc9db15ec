#include "semfield/jobs/train_memory.h"

#include <gtest/gtest.h>

#include "semfield/capture/reader.h"
#include "semfield/catalog/methods.h"
#include "semfield/jobs/jobs_test_util.h"

namespace semfield {
namespace {

constexpr uint64_t kMiB = 1 << 20;

class TrainMemoryTest : public TinyCaptureTest {
 protected:
  // 35 photos to train on, about 106 MiB.
  static void SetUpTestSuite() {
    TinyCaptureTest::SetUpTestSuite();
    WriteSynthetic({.views = 40, .width = 48, .height = 32}, *folder_ / "forty");
    capture_ = std::make_unique<Capture>(ReadCapture(*folder_ / "forty", {}));
    for (View& view : capture_->views) view.camera = view.camera.Resized(1200, 800);
  }
  static void TearDownTestSuite() {
    capture_.reset();
    TinyCaptureTest::TearDownTestSuite();
  }
  static const Method& Radiance() { return KnownMethods().Find("radiance"); }
  static TrainSize Size() {
    return {.method = &Radiance(), .options = Radiance().Resolve(Radiance().NewOptions(), *capture_)};
  }
  static std::string Refusal(TrainSize size, bool fixed, uint64_t available) {
    try {
      CheckTrainMemory(*capture_, size, fixed, {available, "free here"});
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kResource);
      return error.what();
    }
    return "";
  }
  // The number after an option in a message; 0 if it is not there.
  static double ValueOf(const std::string& message, const std::string& option) {
    const size_t at = message.find(option + " ");
    return at == std::string::npos ? 0 : std::stod(message.substr(at + option.size() + 1));
  }
  static inline std::unique_ptr<Capture> capture_;
};

TEST_F(TrainMemoryTest, SizesAreWhatTheyAreMadeOf) {
  const TrainMemory memory = EstimateTrainMemory(*capture_, Size());
  EXPECT_EQ(memory.photos.photo_bytes, size_t{35} * 1200 * 800 * 3);
  EXPECT_EQ(memory.photos.look_ahead, 0);
  // 18 bytes a parameter and 12 a cell.
  EXPECT_GT(memory.training.parts[0].bytes, size_t{18} * 4 * 4 * (1 << 18));
  EXPECT_LT(memory.training.parts[0].bytes,
            size_t{18} * 8 * 4 * (1 << 18) + size_t{12} * 128 * 128 * 128 + kMiB);
  const std::string text = memory.Text(35);
  EXPECT_MENTIONS(text, "all 35 in memory");
  EXPECT_MENTIONS(text, "field and optimizer");
  TrainSize rotating = Size();
  rotating.image_cache_mib = 40;
  EXPECT_MENTIONS(EstimateTrainMemory(*capture_, rotating).Text(35), "of 35 at a time");
  rotating.downscale = 2;
  EXPECT_EQ(EstimateTrainMemory(*capture_, rotating).photos.photo_bytes, size_t{35} * 600 * 400 * 3);
}

TEST_F(TrainMemoryTest, EnoughIsSaidAndTooLittleIsRefusedWithWhatFits) {
  const TrainMemory whole = EstimateTrainMemory(*capture_, Size());
  TakeLog();
  EXPECT_EQ(Refusal(Size(), false, whole.total()), "");
  EXPECT_MENTIONS(TakeLog(), "memory: about");
  uint64_t available = whole.total() - 1;
  for (const bool fixed : {false, true}) {
    const std::string message = Refusal(Size(), fixed, available);
    const double cache = ValueOf(message, "--image-cache");
    ASSERT_GT(cache, 90) << message;
    TrainSize fits = Size();
    fits.image_cache_mib = static_cast<int>(cache);
    EXPECT_EQ(Refusal(fits, fixed, available), "");
  }
  // So little that photos must shrink; a training that is gone on with cannot do that.
  available = whole.total() - whole.photos.photo_bytes + 20 * kMiB;
  const std::string message = Refusal(Size(), false, available);
  const double downscale = ValueOf(message, "--downscale");
  ASSERT_GT(downscale, 1) << message;
  TrainSize smaller = Size();
  smaller.downscale = downscale;
  if (const double cache = ValueOf(message, "--image-cache"); cache > 0) {
    smaller.image_cache_mib = static_cast<int>(cache);
  }
  EXPECT_EQ(Refusal(smaller, false, available), "");
  EXPECT_MENTIONS(Refusal(Size(), true, available), "No option");
}

TEST_F(TrainMemoryTest, LargeTablesShrinkWhereTheyAreTheReason) {
  TrainSize size = Size();
  size.options.As<RadianceOptions>().log2_table_size = 22;
  const std::string message = Refusal(size, false, 700 * kMiB);
  const double table = ValueOf(message, "--log2-table-size");
  ASSERT_GT(table, 0) << message;
  size.options.As<RadianceOptions>().log2_table_size = static_cast<int>(table);
  if (const double downscale = ValueOf(message, "--downscale"); downscale > 0) size.downscale = downscale;
  if (const double cache = ValueOf(message, "--image-cache"); cache > 0) {
    size.image_cache_mib = static_cast<int>(cache);
  }
  EXPECT_EQ(Refusal(size, false, 700 * kMiB), "");
  EXPECT_MENTIONS(Refusal(size, false, kMiB), "No option");
}

TEST_F(TrainMemoryTest, ACacheOfTooFewPhotosIsWrongInput) {
  TrainSize size = Size();
  size.image_cache_mib = 12;
  const std::string message = ErrorOf([&] {
    CheckTrainMemory(*capture_, size, false, {4000 * kMiB, "free"});
  });
  EXPECT_MENTIONS(message, "at least 8");
  size.image_cache_mib = static_cast<int>(ValueOf(message, "give"));
  ASSERT_GT(size.image_cache_mib, 12) << message;
  EXPECT_EQ(Refusal(size, false, 4000 * kMiB), "");
}

}  // namespace
}  // namespace semfield
