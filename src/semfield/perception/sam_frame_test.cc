#include "semfield/perception/sam_frame.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "semfield/base/parallel.h"
#include "semfield/image/pixels.h"
#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {

constexpr std::array<double, 3> kMean = {123.675, 116.28, 103.53};
constexpr std::array<double, 3> kStd = {58.395, 57.12, 57.375};

TEST(SamFrame, ScalesTheLongestSideAndRoundsTheOther) {
  const SamFrame landscape = MakeSamFrame(600, 400, 1024);
  EXPECT_EQ(landscape.width, 1024);
  EXPECT_EQ(landscape.height, 683);  // 682.67
  const SamFrame portrait = MakeSamFrame(1080, 1920, 1024);
  EXPECT_EQ(portrait.width, 576);
  EXPECT_EQ(portrait.height, 1024);
  const SamFrame line = MakeSamFrame(5000, 1, 1024);
  EXPECT_EQ(line.height, 1);
}

TEST(SamFrame, RefusesSizesThatAreNotPictures) {
  EXPECT_THROW(MakeSamFrame(0, 5, 1024), Error);
  EXPECT_THROW(MakeSamFrame(5, -1, 1024), Error);
  EXPECT_THROW(MakeSamFrame(1 << 20, 1 << 20, 1024), Error);
}

TEST(SamInput, NormalisesFirstAndPadsWithZeroAfterwards) {
  ImageU8 picture(8, 4, 3);
  for (size_t i = 0; i < picture.num_pixels(); ++i) {
    picture.data[3 * i] = 255;
    picture.data[3 * i + 1] = 116;
    picture.data[3 * i + 2] = 0;
  }
  const std::vector<float> input = SamInput(picture, 16, kMean, kStd);
  ASSERT_EQ(input.size(), size_t{3 * 16 * 16});
  // By hand: (255 - 123.675) / 58.395, (116 - 116.28) / 57.12, (0 - 103.53) / 57.375.
  const float expected[3] = {2.2489083f, -0.00490196f, -1.8044444f};
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 16; ++y)
      for (int x = 0; x < 16; ++x)
        ASSERT_NEAR(input[(c * 16 + y) * 16 + x], y < 8 ? expected[c] : 0.0f, 1e-6)
            << c << " " << y << " " << x;
}

TEST(SamInput, KeepsPixelsWhereTheyAreWhenNothingIsScaled) {
  ImageU8 picture(6, 10, 3);
  picture.At(4, 7, 1) = 200;
  const std::vector<float> input = SamInput(picture, 10, {0, 0, 0}, {1, 1, 1});
  for (size_t i = 0; i < input.size(); ++i) EXPECT_EQ(input[i], i == 100 + 7 * 10 + 4 ? 200.0f : 0.0f);
}

TEST(SamInput, RefusesPicturesThatAreNotRgb) {
  EXPECT_THROW(SamInput(ImageU8(4, 4, 1), 16, kMean, kStd), Error);
  EXPECT_THROW(SamInput(ImageU8(), 16, kMean, kStd), Error);
}

TEST(SamPrompt, MapsPixelCentersOfANonSquareImage) {
  const SamFrame frame = MakeSamFrame(600, 400, 1024);
  const SamPrompt sam = MakeSamPrompt({{{300, 200, true}, {0.5, 399.5, false}}, {}}, frame);
  ASSERT_EQ(sam.labels, (std::vector<float>{1, 0, -1}));
  EXPECT_FLOAT_EQ(sam.coords[0], 511.5f);  // 300 * 1024 / 600 - 0.5
  EXPECT_FLOAT_EQ(sam.coords[1], 341.0f);  // 200 * 683 / 400 - 0.5
  EXPECT_FLOAT_EQ(sam.coords[2], 0.5f * 1024 / 600 - 0.5f);
  EXPECT_FLOAT_EQ(sam.coords[3], 399.5f * 683 / 400 - 0.5f);
  EXPECT_EQ(sam.coords[4], 0);
  EXPECT_EQ(sam.coords[5], 0);
}

TEST(SamPrompt, ABoxIsTwoCornersWithoutPadding) {
  const SamFrame frame = MakeSamFrame(1024, 1024, 1024);
  const SamPrompt box = MakeSamPrompt({{}, {{10, 20, 30, 40}}}, frame);
  EXPECT_EQ(box.labels, (std::vector<float>{2, 3}));
  EXPECT_EQ(box.coords, (std::vector<float>{9.5f, 19.5f, 29.5f, 39.5f}));
  const SamPrompt both = MakeSamPrompt({{{5, 6, false}}, {{10, 20, 30, 40}}}, frame);
  EXPECT_EQ(both.labels, (std::vector<float>{0, 2, 3}));
}

TEST(SamPrompt, RefusesWhatIsNotAPromptOfThisImage) {
  const SamFrame frame = MakeSamFrame(100, 50, 1024);
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  EXPECT_MENTIONS(ErrorOf([&] { MakeSamPrompt({}, frame); }), "empty");
  const std::string outside = ErrorOf([&] { MakeSamPrompt({{{100.5, 10, true}}, {}}, frame); });
  EXPECT_MENTIONS(outside, "(100.5, 10)");
  EXPECT_MENTIONS(outside, "100 x 50");
  for (const PromptPoint& point :
       std::vector<PromptPoint>{{-0.1, 1}, {1, 50.1}, {nan, 1}, {1, nan}, {inf, 1}})
    EXPECT_THROW(MakeSamPrompt({{point}, {}}, frame), Error);
  for (const PromptBox& box :
       std::vector<PromptBox>{{5, 5, 5, 9}, {9, 5, 5, 9}, {5, 5, 9, nan}, {0, 0, 101, 9}})
    EXPECT_THROW(MakeSamPrompt({{}, {box}}, frame), Error);
  EXPECT_MENTIONS(ErrorOf([&] { MakeSamPrompt({{}, {{1, 1, 2, 2}, {3, 3, 4, 4}}}, frame); }), "one box");
  EXPECT_THROW(MakeSamPrompt({std::vector<PromptPoint>(65, {1, 1, true}), {}}, frame), Error);
  EXPECT_NO_THROW(MakeSamPrompt({{{0, 0}, {100, 50}}, {}}, frame));
}

// The plain way: enlarge to the frame, cut, resize to the image.
ImageF TwoStepLogits(const std::vector<float>& low_res, int mask_size, const SamFrame& frame) {
  ImageF low(mask_size, mask_size, 1);
  low.data = low_res;
  const ImageF padded = ResizeBilinear(low, frame.input_size, frame.input_size);
  ImageF cut(frame.width, frame.height, 1);
  for (int y = 0; y < frame.height; ++y)
    for (int x = 0; x < frame.width; ++x) cut.At(x, y) = padded.At(x, y);
  return ResizeBilinear(cut, frame.image_width, frame.image_height);
}

TEST(SamLogits, OneStepEqualsEnlargeCutAndResize) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 5);
  std::vector<float> low_res(32 * 32);
  for (float& value : low_res) value = normal(random);
  for (const auto& [width, height] : {std::pair{75, 50}, {50, 75}, {128, 128}, {300, 37}, {9, 400}, {1, 1}}) {
    const SamFrame frame = MakeSamFrame(width, height, 128);
    const ImageF expected = TwoStepLogits(low_res, 32, frame);
    const ImageF got = SamLogitsToImage(low_res, 32, frame);
    ASSERT_EQ(got.data.size(), expected.data.size());
    for (size_t i = 0; i < got.data.size(); ++i)
      ASSERT_NEAR(got.data[i], expected.data[i], 1e-4) << width << " " << i;
  }
}

TEST(SamLogits, PaddingDoesNotReachTheImage) {
  // Bottom half of the frame, which is padding here, says "inside" loudly; a bilinear step may see one sample
  // of it.
  std::vector<float> low_res(16 * 16, -1.0f);
  for (int i = 16 * 9; i < 16 * 16; ++i) low_res[i] = 100.0f;
  const ImageF image = SamLogitsToImage(low_res, 16, MakeSamFrame(64, 32, 64));
  for (float value : image.data) EXPECT_FLOAT_EQ(value, -1.0f);
}

TEST(SamLogits, SameBitsForAnyNumberOfThreads) {
  std::vector<float> low_res(16 * 16);
  for (size_t i = 0; i < low_res.size(); ++i) low_res[i] = std::sin(static_cast<float>(i));
  const SamFrame frame = MakeSamFrame(211, 97, 64);
  SetNumThreads(1);
  const ImageF one = SamLogitsToImage(low_res, 16, frame);
  SetNumThreads(3);
  const ImageF three = SamLogitsToImage(low_res, 16, frame);
  SetNumThreads(0);
  EXPECT_EQ(one.data, three.data);
}

}  // namespace
}  // namespace semfield
