#include "semfield/ops/adam.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "semfield/base/check.h"
#include "semfield/base/random.h"
#include "semfield/ops/adam_reference.h"
#include "semfield/ops/simd_target.h"

namespace semfield::ops {
namespace {

struct State {
  explicit State(size_t count, uint64_t seed = 5)
      : parameters(count),
        first(count, 0.0f),
        second(count, 0.0f),
        gradient(count, 0.0f),
        shadow(count, 0x1234) {
    Random random(seed);
    for (float& p : parameters) p = random.Uniform(-1, 1);
  }
  // Some blocks of 16 without any gradient, some with a single number in them.
  void DrawGradient(uint64_t seed) {
    Random random(seed, 1);
    for (size_t begin = 0; begin < gradient.size(); begin += 16) {
      const size_t end = std::min(begin + 16, gradient.size());
      const uint32_t kind = random.Below(3);
      if (kind == 1)
        gradient[begin + random.Below(static_cast<uint32_t>(end - begin))] = random.Uniform(-1e-3f, 1e-3f);
      for (size_t i = begin; kind == 2 && i < end; ++i) gradient[i] = random.Uniform(-1, 1);
    }
  }
  std::vector<float> parameters, first, second, gradient;
  std::vector<Half> shadow;
};

void Step(const AdamOptions& options, State& s, bool with_shadow = true) {
  AdamStep(options, s.parameters.size(),
           {s.parameters.data(), s.first.data(), s.second.data(), s.gradient.data(),
            with_shadow ? s.shadow.data() : nullptr});
}

class AdamTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ForceTarget(GetParam()); }
  void TearDown() override { ForceTarget(""); }
};

TEST_P(AdamTest, IsTheReferenceOverManySteps) {
  for (const size_t count : {0, 1, 15, 16, 17, 31, 64, 1003}) {
    for (const bool sparse : {false, true}) {
      AdamOptions options;
      options.sparse = sparse;
      options.l2 = sparse ? 0.0f : 1e-2f;
      State state(count);
      State truth(count);
      for (options.step = 1; options.step <= 30; ++options.step) {
        state.DrawGradient(options.step);
        truth.gradient = state.gradient;
        Step(options, state);
        reference::AdamStep(options, count,
                            {truth.parameters.data(), truth.first.data(), truth.second.data(),
                             truth.gradient.data(), truth.shadow.data()});
      }
      for (size_t i = 0; i < count; ++i) {
        ASSERT_NEAR(state.parameters[i], truth.parameters[i], 2e-5f) << i << " of " << count;
        ASSERT_NEAR(state.first[i], truth.first[i], 1e-6f) << i;
        ASSERT_NEAR(state.second[i], truth.second[i], 1e-6f) << i;
        ASSERT_EQ(state.gradient[i], 0.0f) << i;
        const bool written = state.shadow[i] != 0x1234;
        ASSERT_EQ(state.shadow[i], written ? FloatToHalf(state.parameters[i]) : 0x1234) << i;
        ASSERT_EQ(written, truth.shadow[i] != 0x1234) << i;
      }
    }
  }
}

// m / sqrt(v) is the gradient's sign after one step, whatever its size.
TEST_P(AdamTest, TheFirstStepIsTheLearningRateAgainstTheGradient) {
  State state(40);
  const std::vector<float> before = state.parameters;
  for (size_t i = 0; i < 40; ++i)
    state.gradient[i] = (i % 2 == 0 ? 1.0f : -1.0f) * std::pow(10.0f, i % 7 - 5.0f);
  AdamOptions options;
  options.learning_rate = 0.05f;
  Step(options, state);
  for (size_t i = 0; i < 40; ++i)
    EXPECT_NEAR(state.parameters[i] - before[i], i % 2 == 0 ? -0.05f : 0.05f, 1e-6f);
}

TEST_P(AdamTest, SparseLeavesBlocksWithoutGradientAlone) {
  AdamOptions options;
  options.l2 = 0.1f;
  State state(16 * 3 + 5);
  state.gradient.assign(state.gradient.size(), 1.0f);
  Step(options, state);
  const State before = state;
  options.sparse = true;
  options.step = 2;
  state.gradient[16] = -0.0f;  // zero as well
  state.gradient[47] = std::numeric_limits<float>::denorm_min();
  state.shadow.assign(state.shadow.size(), 0);
  Step(options, state);
  for (size_t i = 0; i < state.parameters.size(); ++i) {
    const bool touched = i >= 32 && i < 48;
    EXPECT_EQ(state.parameters[i] != before.parameters[i], touched) << i;
    EXPECT_EQ(state.first[i] != before.first[i], touched) << i;
    EXPECT_EQ(state.second[i] != before.second[i], touched) << i;
    EXPECT_EQ(state.shadow[i] != 0, touched) << i;
  }
  state.gradient[0] = std::numeric_limits<float>::quiet_NaN();
  Step(options, state);
  EXPECT_TRUE(std::isnan(state.parameters[0])) << "a gradient that is not a number must not be hidden";
}

TEST_P(AdamTest, PiecesOfSixteenGiveTheSameBitsAsTheWhole) {
  AdamOptions options;
  State whole(1003);
  whole.DrawGradient(1);
  State pieces = whole;
  Step(options, whole, false);
  for (size_t begin = 0; begin < 1003; begin += 160) {
    AdamStep(options, std::min<size_t>(160, 1003 - begin),
             {pieces.parameters.data() + begin, pieces.first.data() + begin, pieces.second.data() + begin,
              pieces.gradient.data() + begin});
  }
  EXPECT_EQ(whole.parameters, pieces.parameters);
  EXPECT_EQ(whole.first, pieces.first);
  EXPECT_EQ(whole.second, pieces.second);
}

TEST_P(AdamTest, HalvesAreRoundedToNearestEvenAndSaturateToInfinity) {
  AdamOptions options;
  options.learning_rate = 0;
  const std::vector<float> values = {0.0f,     -0.0f,    1.0f,     1.00048828125f, 1.00146484375f,
                                     65504.0f, 65519.9f, 65520.0f, -1e30f,         6.1e-5f,
                                     5.96e-8f, 2.98e-8f, 1e-20f};
  State state(values.size());
  state.parameters = values;
  state.gradient.assign(values.size(), 1.0f);
  Step(options, state);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(state.shadow[i], FloatToHalf(values[i])) << values[i];
}

TEST_P(AdamTest, FindsTheMinimumOfAQuadratic) {
  AdamOptions options;
  options.learning_rate = 0.05f;
  State state(33);
  for (options.step = 1; options.step <= 1000; ++options.step) {
    if (options.step > 600) options.learning_rate *= 0.985f;
    for (size_t i = 0; i < 33; ++i) state.gradient[i] = (1.0f + i) * (state.parameters[i] - 0.1f * i);
    Step(options, state);
  }
  for (size_t i = 0; i < 33; ++i) EXPECT_NEAR(state.parameters[i], 0.1f * i, 1e-3f) << i;
}

INSTANTIATE_TEST_SUITE_P(Targets, AdamTest, testing::ValuesIn(SupportedTargets()),
                         [](const auto& info) { return info.param; });

TEST(AdamOptionsTest, NonsenseIsRefused) {
  State state(16);
  AdamOptions options;
  options.step = 0;
  EXPECT_THROW(Step(options, state), BugError);
  options.step = 1;
  options.beta2 = 1;
  EXPECT_THROW(Step(options, state), BugError);
}

}  // namespace
}  // namespace semfield::ops
