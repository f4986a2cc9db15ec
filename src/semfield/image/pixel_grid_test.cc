#include "semfield/image/pixel_grid.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace semfield {
namespace {

// The lines stand where their numbers say, however large the picture is.
TEST(DrawPixelGrid, LinesStandAtRoundPixels) {
  struct Case {
    int width, height, spacing;
  };
  for (const Case& c : {Case{640, 480, 50}, Case{1600, 1200, 100}, Case{64, 48, 5}, Case{4000, 3000, 250}}) {
    ImageU8 picture(c.width, c.height, 3, 200);
    DrawPixelGrid(picture);
    const int row = (c.height / c.spacing - 1) * c.spacing + c.spacing / 2;  // between two lines
    int lines = 0;
    for (int x = 24 * std::max(1, c.width / 640); x < c.width; ++x) {  // right of the numbers
      if (picture.At(x, row) == 200 || picture.At(x - 1, row) != 200) continue;
      EXPECT_EQ(x % c.spacing, 0) << x;
      ++lines;
    }
    EXPECT_GE(lines, 6) << c.width;
    EXPECT_EQ(picture.At((c.width - 1) / c.spacing * c.spacing, row), 90);
  }
}

TEST(DrawPixelGrid, NumbersAreWritten) {
  ImageU8 picture(640, 480, 3, 200);
  DrawPixelGrid(picture);
  // "100" right of its line: white dots of the digits on black.
  int white = 0, black = 0;
  for (int y = 0; y < 9; ++y) {
    for (int x = 101; x < 120; ++x) {
      white += picture.At(x, y) == 255;
      black += picture.At(x, y) == 0;
    }
  }
  EXPECT_EQ(white, 10 + 19 + 19);  // dots of 1, 0, 0
  EXPECT_EQ(white + black, 9 * 19);
}

TEST(DrawPixelGrid, TinyPicturesStayWhole) {
  for (int side = 1; side < 20; ++side) {
    ImageU8 picture(side, side, 3, 10);
    DrawPixelGrid(picture);
    EXPECT_EQ(picture.width, side);
  }
}

}  // namespace
}  // namespace semfield
