#include "semfield/ops/sigmoid.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "semfield/ops/simd_target.h"
#include "semfield/ops/tile.h"

namespace semfield::ops {
namespace {

class SigmoidTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ForceTarget(GetParam()); }
  void TearDown() override { ForceTarget(""); }
  // Of one number at every place of a block.
  static float Of(float x) {
    std::vector<float> row(kColumnBlock, x);
    Sigmoid(row.data(), kColumnBlock);
    for (const float value : row) EXPECT_TRUE(value == row[0] || std::isnan(x)) << x;
    return row[0];
  }
};

INSTANTIATE_TEST_SUITE_P(Targets, SigmoidTest, testing::ValuesIn(SupportedTargets()),
                         [](const auto& info) { return info.param; });

TEST_P(SigmoidTest, EqualsTheLibrarysInDoubles) {
  for (int i = -3400; i <= 3400; ++i) {
    const float x = static_cast<float>(i) / 40;
    const double truth = 1 / (1 + std::exp(-static_cast<double>(x)));
    EXPECT_NEAR(Of(x), truth, 1e-6 * truth) << x;
  }
}

TEST_P(SigmoidTest, EndsAreHeldAndWhatIsNoNumberStaysNone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(Of(0), 0.5f);
  for (const float x : {100.0f, 3e38f, kInfinity}) {
    EXPECT_EQ(Of(x), 1);
    EXPECT_GE(Of(-x), 0);
    EXPECT_LT(Of(-x), 2e-38f);
  }
  EXPECT_TRUE(std::isnan(Of(std::numeric_limits<float>::quiet_NaN())));
}

TEST_P(SigmoidTest, NothingBehindTheLastBlockIsTouched) {
  for (const int count : {0, 1, 15, 16, 17, 33}) {
    const int blocks = (count + kColumnBlock - 1) / kColumnBlock * kColumnBlock;
    std::vector<float> row(blocks + 8, 2.0f);
    Sigmoid(row.data(), count);
    for (int i = 0; i < count; ++i) EXPECT_NEAR(row[i], 0.880797f, 1e-6f);
    for (size_t i = blocks; i < row.size(); ++i) EXPECT_EQ(row[i], 2.0f);
  }
}

}  // namespace
}  // namespace semfield::ops
