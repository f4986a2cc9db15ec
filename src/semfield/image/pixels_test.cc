#include "semfield/image/pixels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/image/srgb.h"

namespace semfield {
namespace {

template <class T>
Image<T> Row(std::vector<T> values) {
  Image<T> image(static_cast<int>(values.size()), 1, 1);
  image.data = std::move(values);
  return image;
}

ImageF RandomFloats(int width, int height, int channels, uint64_t seed) {
  ImageF image(width, height, channels);
  Random random(seed);
  for (float& value : image.data) value = random.Uniform();
  return image;
}

void ExpectValues(const ImageF& image, const std::vector<float>& expected) {
  ASSERT_EQ(image.data.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(image.data[i], expected[i], 1e-6) << i;
}

TEST(Resize, ShrinkingAveragesArea) {
  ExpectValues(Resize(Row<float>({1, 3, 5, 7}), 2, 1), {2, 6});
  // 3 -> 2: each output covers one and a half inputs.
  ExpectValues(Resize(Row<float>({0, 3, 9}), 2, 1), {(0 + 0.5f * 3) / 1.5f, (0.5f * 3 + 9) / 1.5f});
  ImageU8 square(2, 2, 1);
  square.data = {10, 20, 30, 41};
  EXPECT_EQ(Resize(square, 1, 1).data, (std::vector<uint8_t>{25}));  // 25.25
}

TEST(Resize, EnlargingIsBilinearAndClamped) {
  ExpectValues(Resize(Row<float>({0, 4}), 4, 1), {0, 1, 3, 4});
}

TEST(Resize, KeepsConstantsAndTheMean) {
  for (const auto& [w, h] : {std::pair{7, 5}, {100, 3}, {31, 64}, {1, 1}}) {
    const ImageU8 flat = Resize(ImageU8(31, 23, 3, 201), w, h);
    EXPECT_TRUE(std::all_of(flat.data.begin(), flat.data.end(), [](uint8_t v) { return v == 201; }));
  }
  const ImageF image = RandomFloats(97, 61, 1, 1);
  const ImageF small = Resize(image, 13, 17);
  const auto mean = [](const ImageF& i) {
    double sum = 0;
    for (const float value : i.data) sum += value;
    return sum / i.data.size();
  };
  EXPECT_NEAR(mean(image), mean(small), 1e-5);
}

TEST(Resize, ChannelsDoNotMixAndThreadsDoNotMatter) {
  const ImageF image = RandomFloats(41, 39, 5, 2);
  const ImageF all = Resize(image, 17, 90);
  for (int c = 0; c < 5; ++c) {
    ImageF one(41, 39, 1);
    for (size_t i = 0; i < one.data.size(); ++i) one.data[i] = image.data[5 * i + c];
    const ImageF alone = Resize(one, 17, 90);
    for (size_t i = 0; i < alone.data.size(); ++i) ASSERT_EQ(alone.data[i], all.data[5 * i + c]);
  }
  const ThreadShare serial(1);
  EXPECT_EQ(Resize(image, 17, 90).data, all.data);
}

// interpolate(mode="bilinear", align_corners=False): position (i + 0.5) * in / out - 0.5, two neighbours
// only.
TEST(ResizeBilinear, TakesTwoNeighborsAtHalfPixelCenters) {
  // 5 -> 2: positions 0.75 and 3.25.
  ExpectValues(ResizeBilinear(Row<float>({0, 10, 20, 50, 90}), 2, 1), {7.5f, 60});
  // 4 -> 8: -0.25 (clamped), 0.25, 0.75, ...
  ExpectValues(ResizeBilinear(Row<float>({0, 4, 8, 4}), 8, 1), {0, 1, 3, 5, 7, 7, 5, 4});
  // 8 -> 2: positions 1.5 and 5.5, no antialiasing.
  ExpectValues(ResizeBilinear(Row<float>({0, 1, 5, 9, 9, 2, 4, 9}), 2, 1), {3, 3});
  ImageF square(2, 2, 1);
  square.data = {0, 1, 2, 3};
  ExpectValues(ResizeBilinear(square, 3, 3), {0, 0.5f, 1, 1, 1.5f, 2, 2, 2.5f, 3});
}

TEST(ResizeNearest, PicksThePixelUnderTheCenter) {
  EXPECT_EQ(ResizeNearest(Row<uint16_t>({1, 2, 3}), 6, 1).data, (std::vector<uint16_t>{1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(ResizeNearest(Row<uint8_t>({1, 2, 3, 4, 5}), 2, 1).data, (std::vector<uint8_t>{2, 4}));
  EXPECT_EQ(ResizeNearest(Row<uint8_t>({1, 2, 3, 4, 5, 6}), 2, 1).data, (std::vector<uint8_t>{2, 5}));
}

TEST(Convert, FloatAndBytes) {
  const ImageU8 all = [] {
    ImageU8 image(256, 1, 1);
    for (int i = 0; i < 256; ++i) image.data[i] = static_cast<uint8_t>(i);
    return image;
  }();
  EXPECT_EQ(ToU8(ToFloat(all)).data, all.data);
  EXPECT_EQ(ToFloat(all).data[255], 1.0f);
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(ToU8(Row<float>({-1, 2, nan, inf, -inf, 0.5f})).data,
            (std::vector<uint8_t>{0, 255, 0, 255, 0, 128}));
}

TEST(ToRgb, BlendsOverTheBackground) {
  ImageU8 rgba(3, 1, 4);
  rgba.data = {10, 20, 30, 255, 10, 20, 30, 0, 100, 0, 200, 51};  // 51 / 255 = 1 / 5
  EXPECT_EQ(ToRgb(rgba, {50, 60, 70}).data, (std::vector<uint8_t>{10, 20, 30, 50, 60, 70, 60, 48, 96}));
  EXPECT_EQ(ToRgb(Row<uint8_t>({7, 9}), {0, 0, 0}).data, (std::vector<uint8_t>{7, 7, 7, 9, 9, 9}));
  const ImageU8 rgb(2, 2, 3, 5);
  EXPECT_EQ(ToRgb(rgb, {1, 1, 1}).data, rgb.data);
}

ImageF BruteForceDistance(const ImageU8& mask) {
  ImageF out(mask.width, mask.height, 1);
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      int best = std::numeric_limits<int>::max();
      for (int v = -1; v <= mask.height; ++v) {
        for (int u = -1; u <= mask.width; ++u) {
          const bool outside = u < 0 || v < 0 || u == mask.width || v == mask.height;
          if (outside || mask.At(u, v) == 0) best = std::min(best, (u - x) * (u - x) + (v - y) * (v - y));
        }
      }
      out.At(x, y) = static_cast<float>(best);
    }
  }
  return out;
}

TEST(DistanceToBorder, ByHand) {
  ExpectValues(DistanceToBorder(ImageU8(3, 3, 1, 255)), {1, 1, 1, 1, 4, 1, 1, 1, 1});
  ImageU8 mask(5, 5, 1, 1);
  mask.At(0, 0) = 0;
  EXPECT_EQ(DistanceToBorder(mask).At(0, 0), 0);
  EXPECT_EQ(DistanceToBorder(mask).At(1, 1), 2);
  EXPECT_EQ(DistanceToBorder(mask).At(2, 2), 8);  // the corner pixel, not the border at 3
}

TEST(DistanceToBorder, EqualsBruteForce) {
  Random random(5);
  for (int trial = 0; trial < 40; ++trial) {
    ImageU8 mask(1 + static_cast<int>(random.Below(24)), 1 + static_cast<int>(random.Below(24)), 1);
    const float fill = random.Uniform(0.3f, 1.05f);
    for (uint8_t& value : mask.data) value = random.Uniform() < fill ? 200 : 0;
    ASSERT_EQ(DistanceToBorder(mask).data, BruteForceDistance(mask).data) << trial;
  }
}

TEST(Srgb, IsItsOwnInverseAndKnowsItsPoints) {
  for (int i = 0; i <= 255; ++i) {
    const double stored = i / 255.0;
    EXPECT_NEAR(SrgbFromLinear(LinearFromSrgb(stored)), stored, 1e-6);
  }
  EXPECT_NEAR(LinearFromSrgb(0.5), 0.21404, 1e-5);
  EXPECT_EQ(LinearFromSrgb(0), 0);
  EXPECT_NEAR(LinearFromSrgb(1), 1, 1e-12);
}

TEST(SampleBilinear, IsExactForWhatIsLinearAndGoesOnAtTheBorder) {
  ImageF image(5, 4, 2);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 5; ++x) {
      image.At(x, y, 0) = static_cast<float>(2 * x - 3 * y);
      image.At(x, y, 1) = 7;
    }
  }
  EXPECT_NEAR(SampleBilinear(image, 2.3, 1.9), 2 * 1.8 - 3 * 1.4, 1e-6);
  EXPECT_EQ(SampleBilinear(image, 2.3, 1.9, 1), 7);
  EXPECT_EQ(SampleBilinear(image, -4, 0.5), 0);
  EXPECT_EQ(SampleBilinear(image, 99, 99), 2 * 4 - 3 * 3);
  EXPECT_EQ(SampleBilinear(ImageF(1, 1, 1, 3.0f), 0.2, 0.9), 3);
}

}  // namespace
}  // namespace semfield
