// Class probabilities of squares, seen by a frame's pixels.
#include "semfield/interaction/seen_classes.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

Camera Frame(int width, int height) {
  Camera camera;
  camera.width = width;
  camera.height = height;
  camera.fx = camera.fy = width;
  camera.cx = width / 2.0;
  camera.cy = height / 2.0;
  return camera;
}

// Class 0 in the left half of the square, 1 in the right; class 2 nowhere most likely.
FeatureMap Halves(int side) {
  FeatureMap map{3, side, side, std::vector<float>(static_cast<size_t>(3) * side * side, 0.1f), ""};
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const bool left = x < side / 2;
      map.data[y * side + x] = left ? 0.7f : 0.2f;
      map.data[(side + y) * side + x] = left ? 0.2f : 0.7f;
    }
  }
  return map;
}

TEST(SeenClasses, ThePictureIsThatOfTheSquare) {
  int asked = 0;
  const SeenClasses seen(Frame(64, 48), {}, 128, [&](const Camera& square, const Pose&, const StopToken*) {
    ++asked;
    EXPECT_EQ(square.width, 128);
    return Halves(32);
  });
  EXPECT_EQ(asked, 1);
  const ImageU8 likeliest = seen.Likeliest();
  ASSERT_EQ(likeliest.width, 64);
  ASSERT_EQ(likeliest.height, 48);
  for (int y = 0; y < 48; y += 7) {
    for (int x = 0; x < 64; ++x) {
      if (x < 30) {
        EXPECT_EQ(likeliest.At(x, y, 0), 0) << x;
      }
      if (x >= 34) {
        EXPECT_EQ(likeliest.At(x, y, 0), 1) << x;
      }
    }
  }
}

TEST(SeenClasses, ValuesBetweenTokensAreInterpolated) {
  const SquareView square(Frame(64, 64), 64);
  const SeenClasses seen(square, Halves(2));
  std::vector<float> p(3);
  ASSERT_TRUE(seen.At({32, 32}, p));
  EXPECT_NEAR(p[0], 0.45, 1e-5);
  EXPECT_NEAR(p[1], 0.45, 1e-5);
  ASSERT_TRUE(seen.At({16, 16}, p));  // the middle of a token
  EXPECT_NEAR(p[0], 0.7, 1e-5);
  ASSERT_TRUE(seen.At({1, 1}, p));  // beyond it: the border's value
  EXPECT_NEAR(p[0], 0.7, 1e-5);
}

// Two classes that are meant add up; one that is not competes with them by itself.
TEST(SeenClasses, WhatIsMeantIsCountedTogether) {
  const SquareView square(Frame(8, 8), 8);
  FeatureMap map{3, 1, 1, {0.3f, 0.3f, 0.4f}, ""};
  const SeenClasses seen(square, map);
  EXPECT_EQ(seen.Likeliest().At(4, 4, 0), 2);
  EXPECT_EQ(seen.Likeliest({false, true, false}).At(4, 4, 0), 1);
  EXPECT_EQ(seen.MaskOf({true, true, false}).At(4, 4, 0), 255);
  EXPECT_EQ(seen.MaskOf({true, false, false}).At(4, 4, 0), 0);
  EXPECT_EQ(seen.MaskOf({false, false, true}).At(4, 4, 0), 255);
  EXPECT_EQ(seen.MaskOf({false, false, false}).At(4, 4, 0), 0);
}

}  // namespace
}  // namespace semfield
