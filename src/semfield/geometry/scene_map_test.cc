#include "semfield/geometry/scene_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "semfield/base/random.h"

namespace semfield {
namespace {

using Point = std::array<float, 3>;

Point Unit(const SceneMap& map, const Point& p) {
  Point u;
  map.UnitFromWorld(p.data(), u.data());
  return u;
}

SceneMap Contracted() {
  return {.contracted = true, .center = {1, -2, 0.5f}, .half_extent = 2};
}

TEST(SceneMap, BoundedIsAffine) {
  const SceneMap map{.contracted = false, .center = {1, 2, 3}, .half_extent = 2};
  EXPECT_EQ(Unit(map, {1, 2, 3}), (Point{0.5f, 0.5f, 0.5f}));
  EXPECT_EQ(Unit(map, {-1, 4, 3}), (Point{0, 1, 0.5f}));
  EXPECT_EQ(Unit(map, {7, 2, 3}), (Point{2, 0.5f, 0.5f}));  // outside is told apart, not clamped
}

TEST(SceneMap, ContractionByHand) {
  const SceneMap map{.contracted = true, .center = {0, 0, 0}, .half_extent = 1};
  EXPECT_EQ(Unit(map, {0, 0, 0}), (Point{0.5f, 0.5f, 0.5f}));
  EXPECT_EQ(Unit(map, {1, -1, 0.5f}), (Point{0.75f, 0.25f, 0.625f}));  // the inner cube is the middle half
  // m = 4: q' = q (2 - 1/4) / 4 = (1.75, -0.875, 0)
  EXPECT_EQ(Unit(map, {4, -2, 0}), (Point{0.9375f, 0.28125f, 0.5f}));
}

TEST(SceneMap, ContractionStaysInTheUnitCube) {
  const SceneMap map = Contracted();
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const float size = std::pow(10.0f, random.Uniform(-3, 30));
    const Point u =
        Unit(map, {random.Uniform(-size, size), random.Uniform(-size, size), random.Uniform(-size, size)});
    for (const float value : u) {
      ASSERT_GE(value, 0.0f);
      ASSERT_LE(value, 1.0f);
    }
  }
  const float infinity = std::numeric_limits<float>::infinity();
  const Point far = Unit(map, {infinity, 0, -infinity});
  EXPECT_EQ(far[0], 1);
  EXPECT_EQ(far[2], 0);
}

TEST(SceneMap, ContractionIsContinuousAcrossTheInnerCube) {
  const SceneMap map = Contracted();
  Random random(2);
  for (int i = 0; i < 1000; ++i) {
    Point inside, outside;
    const int face = static_cast<int>(random.Below(3));
    for (int k = 0; k < 3; ++k) {
      const float q = k == face ? 1.0f : random.Uniform(-0.999f, 0.999f);
      inside[k] = map.center[k] + map.half_extent * q * (1 - 1e-5f);
      outside[k] = map.center[k] + map.half_extent * q * (1 + 1e-5f);
    }
    const Point a = Unit(map, inside), b = Unit(map, outside);
    for (int k = 0; k < 3; ++k) ASSERT_NEAR(a[k], b[k], 2e-5f);
  }
}

TEST(SceneMap, PullBackAgreesWithDifferences) {
  SceneMap bounded = Contracted();
  bounded.contracted = false;
  Random random(4);
  int off = 0;
  for (const SceneMap& map : {Contracted(), bounded}) {
    for (int i = 0; i < 500; ++i) {
      const float size = std::pow(10.0f, random.Uniform(-1, 2));
      Point p, d_u, d_p;
      for (int k = 0; k < 3; ++k) {
        p[k] = map.center[k] + random.Uniform(-size, size);
        d_u[k] = random.Uniform(-1, 1);
      }
      map.PullBack(p.data(), d_u.data(), d_p.data());
      for (int axis = 0; axis < 3; ++axis) {
        const float step = 1e-3f * std::max(0.5f, std::abs(p[axis] - map.center[axis]));
        Point above = p, below = p;
        above[axis] += step;
        below[axis] -= step;
        const Point u_above = Unit(map, above), u_below = Unit(map, below);
        double difference = 0;
        for (int k = 0; k < 3; ++k) difference += double{d_u[k]} * (u_above[k] - u_below[k]);
        difference /= above[axis] - below[axis];
        // Differences of single precision, and across an edge now and then a mean of both sides.
        if (std::abs(d_p[axis] - difference) > 5e-7 / step + 1e-3 * std::abs(difference)) ++off;
      }
    }
  }
  EXPECT_LE(off, 30);
}

TEST(SceneMap, ContractionIsMonotonicAlongRaysFromTheCenter) {
  const SceneMap map = Contracted();
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    const Point d = {random.Uniform(-1, 1), random.Uniform(-1, 1), random.Uniform(-1, 1)};
    float previous = -1;
    for (float t = 0.01f; t < 1e4f; t *= 1.2f) {
      const Point u =
          Unit(map, {map.center[0] + t * d[0], map.center[1] + t * d[1], map.center[2] + t * d[2]});
      const float reach = std::max({std::abs(u[0] - 0.5f), std::abs(u[1] - 0.5f), std::abs(u[2] - 0.5f)});
      ASSERT_GE(reach, previous - 1e-7f);
      previous = reach;
    }
  }
}

}  // namespace
}  // namespace semfield
