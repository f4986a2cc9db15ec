#include "semfield/image/sharpness.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

ImageU8 Picture(int width, int height, int (*value)(int x, int y)) {
  ImageU8 image(width, height, 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) image.At(x, y) = static_cast<uint8_t>(value(x, y));
  }
  return image;
}

TEST(LaplacianVariance, IsZeroWhereNothingBends) {
  EXPECT_EQ(LaplacianVariance(Picture(9, 7, [](int, int) { return 100; })), 0);
  EXPECT_EQ(LaplacianVariance(Picture(9, 7, [](int x, int y) { return 3 * x + 2 * y; })), 0);
}

// A chessboard of 0 and 200: the Laplacian is 4 * 200 on black and -4 * 200 on white fields. The inner 6 x 6
// pixels have as many of each, so that the mean is 0 and the variance 800^2.
TEST(LaplacianVariance, OfAChessboardIsKnown) {
  EXPECT_DOUBLE_EQ(LaplacianVariance(Picture(8, 8, [](int x, int y) { return (x + y) % 2 * 200; })),
                   800.0 * 800.0);
}

TEST(LaplacianVariance, FallsWithBlur) {
  const ImageU8 edge = Picture(16, 16, [](int x, int) { return x < 8 ? 0 : 240; });
  const ImageU8 soft = Picture(16, 16, [](int x, int) { return x < 6 ? 0 : x > 9 ? 240 : (x - 5) * 48; });
  EXPECT_GT(LaplacianVariance(edge), 4 * LaplacianVariance(soft));
  EXPECT_GT(LaplacianVariance(soft), 0);
}

TEST(LaplacianVariance, NeedsThreeByThreePixels) {
  EXPECT_EQ(LaplacianVariance(Picture(2, 9, [](int x, int y) { return (x + y) % 2 * 200; })), 0);
}

}  // namespace
}  // namespace semfield
