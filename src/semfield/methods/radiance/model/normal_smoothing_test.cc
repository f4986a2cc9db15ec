#include "semfield/methods/radiance/model/normal_smoothing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "semfield/base/random.h"
#include "semfield/geometry/types.h"

namespace semfield {
namespace {

constexpr int kWidth = 320, kHeight = 240;

// Two walls that meet in a corner straight ahead, 3 units away, each at 45 degrees; and before the left one
// a board that faces the camera.
struct Walls {
  Camera camera = PinholeCamera(kWidth, kHeight, 1.0);
  ImageF depth{kWidth, kHeight, 1}, truth{kWidth, kHeight, 3}, noisy{kWidth, kHeight, 3};

  Walls() {
    Random random(7, 1);
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const Vec3 direction = camera.DirectionAt(Vec2(x + 0.5, y + 0.5));
        const double slope = direction.x() / direction.z();
        const bool board = x > 30 && x < 90 && y > 60 && y < 180;
        // On the left z = 3 + x, on the right z = 3 - x.
        const double z = board ? 1.0 : slope < 0 ? 3 / (1 - slope) : 3 / (1 + slope);
        const double c = std::numbers::sqrt2 / 2;
        const Vec3 normal = board ? Vec3(0, 0, -1) : slope < 0 ? Vec3(c, 0, -c) : Vec3(-c, 0, -c);
        depth.At(x, y) = static_cast<float>(z * (1 + 0.002 * random.Uniform(-1, 1)));
        Vec3 speckled = normal;
        for (int k = 0; k < 3; ++k) speckled[k] += random.Uniform(-0.9f, 0.9f);
        speckled.normalize();
        for (int k = 0; k < 3; ++k) {
          truth.At(x, y, k) = static_cast<float>(normal[k]);
          noisy.At(x, y, k) = static_cast<float>(speckled[k]);
        }
      }
    }
  }

  // Mean angle to the truth in degrees, over the columns [from, to) of the rows where the walls are alone.
  double ErrorOf(const ImageF& normals, int from, int to) const {
    double sum = 0;
    int count = 0;
    for (int y = 200; y < kHeight; ++y) {
      for (int x = from; x < to; ++x, ++count) {
        double cosine = 0;
        for (int k = 0; k < 3; ++k) cosine += normals.At(x, y, k) * truth.At(x, y, k);
        sum += std::acos(std::clamp(cosine, -1.0, 1.0)) * 180 / std::numbers::pi;
      }
    }
    return sum / count;
  }
};

TEST(SmoothNormals, AWallHasOneNormal) {
  const Walls walls;
  const ImageF smooth = SmoothNormals(walls.noisy, walls.depth, walls.camera);
  EXPECT_GT(walls.ErrorOf(walls.noisy, 0, kWidth), 25);
  EXPECT_LT(walls.ErrorOf(smooth, 0, 140), 6);
  EXPECT_LT(walls.ErrorOf(smooth, 180, kWidth), 6);
}

TEST(SmoothNormals, CornersAndEdgesStaySharp) {
  const Walls walls;
  const ImageF smooth = SmoothNormals(walls.noisy, walls.depth, walls.camera);
  EXPECT_LT(walls.ErrorOf(smooth, 145, 175), 15);  // the walls' normals differ by 90 degrees there
  // A few pixels inside the board and beside it.
  for (const int x : {36, 84}) EXPECT_LT(smooth.At(x, 120, 2), -0.97f) << x;
  for (const int x : {24, 96}) EXPECT_GT(smooth.At(x, 120, 0), 0.6f) << x;
}

TEST(SmoothNormals, NothingStaysNothing) {
  Walls walls;
  for (int x = 0; x < 50; ++x) {
    walls.depth.At(x, 10) = 0;
    for (int k = 0; k < 3; ++k) walls.noisy.At(x, 10, k) = 0;
  }
  const ImageF smooth = SmoothNormals(walls.noisy, walls.depth, walls.camera);
  for (int x = 0; x < 50; ++x) {
    for (int k = 0; k < 3; ++k) EXPECT_EQ(smooth.At(x, 10, k), 0);
  }
}

}  // namespace
}  // namespace semfield
