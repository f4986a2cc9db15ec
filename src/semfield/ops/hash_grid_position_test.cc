#include "semfield/ops/hash_grid_position.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "semfield/base/random.h"
#include "semfield/ops/hash_grid_reference.h"
#include "semfield/ops/simd_target.h"

namespace semfield::ops {
namespace {

struct Points {
  std::vector<float> x, y, z;
  GridPoints view() const { return {x.data(), y.data(), z.data(), static_cast<int64_t>(x.size())}; }
  std::vector<float>& axis(int k) { return k == 0 ? x : k == 1 ? y : z; }
};

Points RandomPoints(int count, Random& random) {
  Points points;
  for (int i = 0; i < count; ++i) {
    for (int k = 0; k < 3; ++k) points.axis(k).push_back(random.Uniform());
  }
  return points;
}

std::vector<float> RandomValues(size_t count, Random& random) {
  std::vector<float> values(count);
  for (float& value : values) value = random.Uniform(-1, 1);
  return values;
}

class HashGridPositionTest : public testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  HashGridPositionTest() : layout_(MakeHashGridLayout({5, std::get<1>(GetParam()), 10, 4, 60})) {
    ForceTarget(std::get<0>(GetParam()));
    for (size_t i = 0; i < layout_.num_parameters; ++i) {
      half_.push_back(FloatToHalf(random_.Uniform(-1, 1)));
      exact_.push_back(HalfToFloat(half_.back()));
    }
  }
  ~HashGridPositionTest() override { ForceTarget(""); }
  int features() const { return layout_.config.features_per_level; }

  // d_points [3, stride], from zero.
  std::vector<float> Backward(int level, const Points& points, const std::vector<float>& d_out,
                              size_t stride) {
    std::vector<float> d_points(3 * stride);
    HashGridPositionBackward(layout_, level, half_.data(), points.view(),
                             {.d_out = d_out.data(),
                              .d_out_stride = stride,
                              .factor = 1,
                              .d_points = d_points.data(),
                              .d_points_stride = stride});
    return d_points;
  }

  Random random_{11, 1};
  HashGridLayout layout_;
  std::vector<Half> half_;
  std::vector<double> exact_;
};

TEST_P(HashGridPositionTest, EqualsReferenceForEveryCount) {
  bool dense = false, hashed = false;
  for (int level = 0; level < layout_.config.num_levels; ++level) {
    (layout_.levels[level].dense ? dense : hashed) = true;
    for (const int count : {0, 1, 7, 15, 16, 17, 33, 160, 211}) {
      const Points points = RandomPoints(count, random_);
      const size_t stride = count + 3;
      const std::vector<float> d_out = RandomValues(features() * stride, random_);
      const std::vector<double> d_out_exact(d_out.begin(), d_out.end());
      std::vector<double> expected(3 * stride);
      reference::HashGridPositionBackward(layout_, level, exact_.data(), points.view(),
                                          {d_out_exact.data(), stride, expected.data(), stride});
      const std::vector<float> d_points = Backward(level, points, d_out, stride);
      // A position is rounded to single precision, in cells; slopes are per unit of the cube.
      const double scale = layout_.levels[level].scale;
      for (size_t i = 0; i < d_points.size(); ++i) {
        ASSERT_NEAR(d_points[i], expected[i], scale * (1e-5 + 1e-5 * scale))
            << level << " " << count << " " << i;
      }
    }
  }
  EXPECT_TRUE(dense && hashed);
}

// Inside a cell the interpolation is linear along an axis: differences of the forward kernel are exact there.
TEST_P(HashGridPositionTest, AgreesWithDifferencesOfTheForwardPass) {
  constexpr int kCount = 50;
  for (int level = 0; level < layout_.config.num_levels; ++level) {
    const float scale = layout_.levels[level].scale;
    Points points;
    for (int i = 0; i < kCount; ++i) {
      for (int k = 0; k < 3; ++k) {
        const auto cell = static_cast<float>(1 + random_.Below(static_cast<uint32_t>(scale) - 1));
        points.axis(k).push_back((cell - 0.5f + random_.Uniform(0.3f, 0.7f)) / scale);
      }
    }
    const std::vector<float> d_out = RandomValues(features() * kCount, random_);
    const std::vector<float> d_points = Backward(level, points, d_out, kCount);
    const auto loss = [&](const Points& at, int i) {
      std::vector<float> out(features() * kCount);
      HashGridForward(layout_, level, half_.data(), at.view(), out.data(), kCount);
      double sum = 0;
      for (int f = 0; f < features(); ++f) sum += double{d_out[f * kCount + i]} * out[f * kCount + i];
      return sum;
    };
    for (int axis = 0; axis < 3; ++axis) {
      Points above = points, below = points;
      for (float& v : above.axis(axis)) v += 0.2f / scale;
      for (float& v : below.axis(axis)) v -= 0.2f / scale;
      for (int i = 0; i < kCount; ++i) {
        const double difference =
            (loss(above, i) - loss(below, i)) / (above.axis(axis)[i] - below.axis(axis)[i]);
        ASSERT_NEAR(d_points[axis * kCount + i], difference, 1e-4 * scale)
            << level << " " << axis << " " << i;
      }
    }
  }
}

TEST_P(HashGridPositionTest, ClampedPointsDoNotMoveAlongTheClampedAxis) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Points points;
  for (const float outside : {-2.0f, 0.0f, 1.0f, 1.5f, nan}) {
    for (int axis = 0; axis < 3; ++axis) {
      for (int k = 0; k < 3; ++k) points.axis(k).push_back(k == axis ? outside : 0.37f + 0.1f * k);
    }
  }
  const size_t count = points.x.size();
  const std::vector<float> d_points = Backward(2, points, RandomValues(features() * count, random_), count);
  for (size_t i = 0; i < count; ++i) {
    for (size_t axis = 0; axis < 3; ++axis) {
      if (axis == i % 3) {
        EXPECT_EQ(d_points[axis * count + i], 0) << i;
      } else {
        EXPECT_NE(d_points[axis * count + i], 0) << i;
      }
    }
  }
}

TEST_P(HashGridPositionTest, AddsWithItsFactorAndKeepsNeighborsApart) {
  constexpr int kCount = 40;
  const Points points = RandomPoints(kCount, random_);
  const std::vector<float> d_out = RandomValues(features() * kCount, random_);
  const std::vector<float> once = Backward(3, points, d_out, kCount);
  std::vector<float> sum(3 * kCount, 1.0f);
  HashGridPositionBackward(layout_, 3, half_.data(), points.view(),
                           {.d_out = d_out.data(),
                            .d_out_stride = kCount,
                            .factor = 0.5f,
                            .d_points = sum.data(),
                            .d_points_stride = kCount});
  for (size_t i = 0; i < sum.size(); ++i)
    EXPECT_NEAR(sum[i], 1 + 0.5f * once[i], 1e-5f * std::abs(once[i]) + 1e-6f);
  // The same points in another order and number give the same bits.
  for (int i = 0; i < kCount; i += 9) {
    Points one;
    std::vector<float> d_one;
    for (int k = 0; k < 3; ++k) one.axis(k).push_back(Points(points).axis(k)[i]);
    for (int f = 0; f < features(); ++f) d_one.push_back(d_out[f * kCount + i]);
    const std::vector<float> alone = Backward(3, one, d_one, 1);
    for (int k = 0; k < 3; ++k) EXPECT_EQ(alone[k], once[k * kCount + i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, HashGridPositionTest,
                         testing::Combine(testing::ValuesIn(SupportedTargets()), testing::Values(2, 4, 8)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_features" +
                                  std::to_string(std::get<1>(info.param));
                         });

}  // namespace
}  // namespace semfield::ops
