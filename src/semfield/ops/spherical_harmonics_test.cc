#include "semfield/ops/spherical_harmonics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "semfield/base/random.h"
#include "semfield/ops/simd_target.h"
#include "semfield/ops/spherical_harmonics_reference.h"

namespace semfield::ops {
namespace {

class SphericalHarmonicsTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ForceTarget(GetParam()); }
  void TearDown() override { ForceTarget(""); }
};

TEST_P(SphericalHarmonicsTest, IsTheReferenceAndWritesExactlyTheCount) {
  constexpr float kCanary = 99;
  for (const int count : {0, 1, 7, 8, 9, 15, 16, 17, 33, 1024}) {
    std::vector<float> x(count), y(count), z(count);
    Random random(11);
    for (int i = 0; i < count; ++i) {
      z[i] = random.Uniform(-1, 1);
      const double azimuth = random.Uniform(-3.2f, 3.2f);
      const double radius = std::sqrt(1 - static_cast<double>(z[i]) * z[i]);
      x[i] = static_cast<float>(radius * std::cos(azimuth));
      y[i] = static_cast<float>(radius * std::sin(azimuth));
    }
    const size_t stride = count + 3;
    std::vector<float> out(kNumSphericalHarmonics * stride, kCanary);
    std::vector<float> truth = out;
    SphericalHarmonics(x.data(), y.data(), z.data(), count, out.data(), stride);
    reference::SphericalHarmonics(x.data(), y.data(), z.data(), count, truth.data(), stride);
    for (size_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out[i], truth[i], 3e-6f) << i << " of " << count;
  }
}

// Gauss-Legendre in z times equal angles: exact for products of two functions of degree 3.
TEST_P(SphericalHarmonicsTest, IsOrthonormalOverTheSphere) {
  const double inner = std::sqrt(3.0 / 7 - 2.0 / 7 * std::sqrt(1.2));
  const double outer = std::sqrt(3.0 / 7 + 2.0 / 7 * std::sqrt(1.2));
  const double nodes[4] = {-outer, -inner, inner, outer};
  const double inner_weight = (18 + std::sqrt(30.0)) / 36;
  const double outer_weight = (18 - std::sqrt(30.0)) / 36;
  const double weights[4] = {outer_weight, inner_weight, inner_weight, outer_weight};
  constexpr int kAngles = 8;
  std::vector<float> x, y, z;
  std::vector<double> area;
  for (int node = 0; node < 4; ++node) {
    for (int a = 0; a < kAngles; ++a) {
      const double azimuth = 2 * std::numbers::pi * a / kAngles + 0.1;
      const double radius = std::sqrt(1 - nodes[node] * nodes[node]);
      x.push_back(static_cast<float>(radius * std::cos(azimuth)));
      y.push_back(static_cast<float>(radius * std::sin(azimuth)));
      z.push_back(static_cast<float>(nodes[node]));
      area.push_back(weights[node] * 2 * std::numbers::pi / kAngles);
    }
  }
  std::vector<float> out(kNumSphericalHarmonics * x.size());
  SphericalHarmonics(x.data(), y.data(), z.data(), static_cast<int>(x.size()), out.data(), x.size());
  for (int j = 0; j < kNumSphericalHarmonics; ++j) {
    for (int k = 0; k < kNumSphericalHarmonics; ++k) {
      double integral = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        integral += area[i] * out[j * x.size() + i] * out[k * x.size() + i];
      }
      EXPECT_NEAR(integral, j == k ? 1.0 : 0.0, 2e-6) << j << " " << k;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, SphericalHarmonicsTest, testing::ValuesIn(SupportedTargets()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace semfield::ops
