#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "semfield/base/random.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

using Rgb = std::array<uint8_t, 3>;

Rgb PixelAt(const ImageU8& image, int x, int y) {
  return {image.At(x, y, 0), image.At(x, y, 1), image.At(x, y, 2)};
}

TEST(Colorize, ClampsAndShowsNanBlack) {
  ImageF scalar(6, 1, 1);
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  scalar.data = {2, 5, 1, inf, nan, -inf};
  const ImageU8 colors = Colorize(scalar, 2, 5);
  EXPECT_EQ(PixelAt(colors, 2, 0), PixelAt(colors, 0, 0));
  EXPECT_EQ(PixelAt(colors, 5, 0), PixelAt(colors, 0, 0));
  EXPECT_EQ(PixelAt(colors, 3, 0), PixelAt(colors, 1, 0));
  EXPECT_EQ(PixelAt(colors, 4, 0), (Rgb{0, 0, 0}));
  EXPECT_NE(PixelAt(colors, 0, 0), PixelAt(colors, 1, 0));
  Colorize(scalar, 3, 3);  // an empty range is no reason to divide by zero
}

TEST(Colorize, IsSmoothAndTellsValuesApart) {
  ImageF ramp(512, 1, 1);
  for (int i = 0; i < 512; ++i) ramp.data[i] = static_cast<float>(i) / 511;
  const ImageU8 colors = Colorize(ramp, 0, 1);
  std::set<Rgb> seen;
  for (int i = 0; i < 512; ++i) {
    seen.insert(PixelAt(colors, i, 0));
    for (int c = 0; c < 3 && i > 0; ++c) EXPECT_NEAR(colors.At(i, 0, c), colors.At(i - 1, 0, c), 5);
  }
  EXPECT_GT(seen.size(), 400u);
}

// Features that vary along one known direction u by a ramp: the first component is the ramp itself.
TEST(PcaToRgb, FindsTheDirectionOfMostChange) {
  ImageF features(101, 1, 8);
  for (int x = 0; x <= 100; ++x) {
    for (int c = 0; c < 8; ++c) {
      features.At(x, 0, c) = 3 + (c == 2 ? 0.8f : (c == 5 ? -0.6f : 0)) * static_cast<float>(x) +
                             (c == 7 ? 0.5f * static_cast<float>(x % 2) : 0);
    }
  }
  const ImageU8 rgb = PcaToRgb(features);
  EXPECT_EQ(rgb.At(0, 0, 0), 0);
  EXPECT_EQ(rgb.At(100, 0, 0), 255);
  for (int x = 1; x < 100; ++x) EXPECT_NEAR(rgb.At(x, 0, 0), 255.0 * (x - 1) / 98, 1.5) << x;
  for (int x = 0; x <= 100; ++x)
    EXPECT_EQ(rgb.At(x, 0, 1) > 127, x % 2 == 1) << x;  // second: the alternation
}

TEST(PcaToRgb, SharesColorsThroughABasis) {
  Random random(3);
  ImageF both(40, 20, 16), half(20, 20, 16);
  for (float& value : both.data) value = random.Uniform(-1, 1);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) {
      for (int c = 0; c < 16; ++c) half.At(x, y, c) = both.At(x + 20, y, c);
    }
  }
  const ImageU8 expected = PcaToRgb(both), shared = PcaToRgb(half, &both);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) ASSERT_EQ(PixelAt(shared, x, y), PixelAt(expected, x + 20, y));
  }
}

TEST(PcaToRgb, SurvivesConstantNanAndFewChannels) {
  EXPECT_EQ(PixelAt(PcaToRgb(ImageF(4, 4, 5, 2.0f)), 1, 1), (Rgb{128, 128, 128}));
  ImageF broken(4, 4, 2, 1.0f);
  broken.At(0, 0, 1) = std::numeric_limits<float>::quiet_NaN();
  broken.At(3, 3, 0) = 5;
  EXPECT_EQ(PixelAt(PcaToRgb(broken), 0, 0), (Rgb{0, 0, 0}));
  PcaToRgb(ImageF(4, 4, 3, std::numeric_limits<float>::infinity()));
  ImageF huge(8, 8, 3, 3e38f);
  huge.data[5] = -3e38f;
  PcaToRgb(huge);
}

TEST(OverlayMask, TintsInsideAndOutlines) {
  const ImageU8 rgb(5, 5, 3, 100);
  ImageU8 mask(5, 5, 1);
  for (int y = 1; y < 4; ++y) {
    for (int x = 1; x < 4; ++x) mask.At(x, y) = 255;
  }
  mask.At(0, 0) = 127;  // not yet inside
  const ImageU8 out = OverlayMask(rgb, mask, {200, 0, 50});
  EXPECT_EQ(PixelAt(out, 0, 0), (Rgb{100, 100, 100}));
  EXPECT_EQ(PixelAt(out, 2, 2), (Rgb{150, 50, 75}));
  EXPECT_EQ(PixelAt(out, 1, 2), (Rgb{200, 0, 50}));
  EXPECT_EQ(PixelAt(out, 3, 3), (Rgb{200, 0, 50}));
  // A mask over everything has no outline.
  EXPECT_EQ(PixelAt(OverlayMask(rgb, ImageU8(5, 5, 1, 255), {200, 0, 50}), 0, 0), (Rgb{150, 50, 75}));
}

TEST(DrawDot, FillsADiscWithARimAndClips) {
  ImageU8 rgb(21, 21, 3, 255);
  DrawDot(rgb, 10.5, 10.5, 4, {0, 200, 0});
  EXPECT_EQ(PixelAt(rgb, 10, 10), (Rgb{0, 200, 0}));
  EXPECT_EQ(PixelAt(rgb, 14, 10), (Rgb{0, 200, 0}));  // centre at distance 4
  EXPECT_EQ(PixelAt(rgb, 15, 10), (Rgb{20, 20, 20}));
  EXPECT_EQ(PixelAt(rgb, 16, 10), (Rgb{255, 255, 255}));
  EXPECT_EQ(PixelAt(rgb, 14, 14), (Rgb{255, 255, 255}));
  const ImageU8 before = rgb;
  for (const double far : {-1e300, 1e300, 1e9, std::numeric_limits<double>::quiet_NaN()}) {
    DrawDot(rgb, far, 3, 2, {1, 2, 3});
    DrawDot(rgb, 3, far, 2, {1, 2, 3});
  }
  EXPECT_EQ(rgb.data, before.data);
  DrawDot(rgb, 0, 0, 2, {1, 2, 3});
  EXPECT_EQ(PixelAt(rgb, 0, 0), (Rgb{1, 2, 3}));
}

}  // namespace
}  // namespace semfield
