#include "semfield/image/pixel_text.h"

#include <gtest/gtest.h>

#include <string>

namespace semfield {
namespace {

// The dots of a picture, a line a row.
std::string Dots(const ImageU8& rgb) {
  std::string dots;
  for (int y = 0; y < rgb.height; ++y) {
    for (int x = 0; x < rgb.width; ++x) dots += rgb.At(x, y) == 255 ? '#' : rgb.At(x, y) == 0 ? '.' : ' ';
    dots += '\n';
  }
  return dots;
}

TEST(PixelText, LettersStandWhereTheyAreAsked) {
  ImageU8 rgb(TextWidth(2, 1) + 1, 9, 3, 100);
  DrawText(rgb, "L7", 1, 0, 1);
  EXPECT_EQ(Dots(rgb),
            " .............\n"
            " .#.....#####.\n"
            " .#.........#.\n"
            " .#........#..\n"
            " .#.......#...\n"
            " .#......#....\n"
            " .#......#....\n"
            " .#####..#....\n"
            " .............\n");
}

TEST(PixelText, CapitalsAreAlikeAndWhatIsUnknownIsABox) {
  ImageU8 small(20, 9, 3), large(20, 9, 3), box(20, 9, 3), space(20, 9, 3);
  DrawText(small, "a", 0, 0, 1);
  DrawText(large, "A", 0, 0, 1);
  DrawText(box, "\xc3", 0, 0, 1);
  DrawText(space, " ", 0, 0, 1);
  EXPECT_EQ(small.data, large.data);
  EXPECT_NE(box.data, space.data);
}

TEST(PixelText, WhatLeavesThePictureIsCutOff) {
  ImageU8 rgb(10, 5, 3, 100);
  DrawText(rgb, "HELLO", -4, -3, 3);
  EXPECT_EQ(Dots(rgb).find(' '), std::string::npos);
  DrawText(rgb, "X", 50, 50, 1);
}

}  // namespace
}  // namespace semfield
