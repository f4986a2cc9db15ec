#include "semfield/ops/small_mlp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/ops/simd_target.h"
#include "semfield/ops/small_mlp_reference.h"

namespace semfield::ops {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kCanary = -12345.0f;

size_t Padded(int num_columns) {
  return static_cast<size_t>(PaddedColumns(num_columns));
}

// A tile whose first num_columns columns are random and all the others NaN.
Buffer<float> RandomTile(int rows, size_t stride, int num_columns, Random& random) {
  Buffer<float> tile(rows * stride);
  tile.Fill(kNan);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < num_columns; ++c) tile[r * stride + c] = random.Uniform(-1, 1);
  }
  return tile;
}

Buffer<float> FilledTile(int rows, size_t stride, float value) {
  Buffer<float> tile(rows * stride);
  tile.Fill(value);
  return tile;
}

// A network, a tile through it, and everything a forward and backward pass needs.
struct Pass {
  Pass(const MlpShape& s, int columns)
      : shape(s), num_columns(columns), stride(Padded(columns) + kColumnBlock) {
    Random random(7, static_cast<uint64_t>(columns));
    parameters.Resize(MlpNumParameters(shape));
    MlpInitialize(shape, random, parameters.data());
    if (shape.bias) {
      for (float& p : parameters) p += random.Uniform(-0.05f, 0.05f);
    }
    input = RandomTile(shape.input, stride, columns, random);
    d_output = RandomTile(shape.output, stride, columns, random);
    tape.Begin(MlpTapeRows(shape), stride, MlpTape::Number::kFloat);
    for (int r = 0; r < tape.num_rows(); ++r) std::fill_n(tape.Row<float>(r), stride, kCanary);
    output = FilledTile(shape.output, stride, kCanary);
    d_input = FilledTile(shape.input, stride, kCanary);
    d_parameters.Resize(parameters.size());
    d_parameters.Fill(0.5f);  // the gradient is added to what is there
  }
  MlpInput Input() const { return {input.data(), stride, num_columns}; }
  MlpGradients Gradients(float* to_input) { return {d_output.data(), d_parameters.data(), to_input}; }
  void Forward(bool keep_tape = true) {
    MlpForward(shape, parameters.data(), Input(), output.data(), keep_tape ? &tape : nullptr);
  }
  void Backward() { Backward(d_input.data()); }
  void Backward(float* to_input) {
    MlpBackward(shape, parameters.data(), Input(), tape, Gradients(to_input));
  }
  Buffer<float> Activations() const {
    Buffer<float> floats(tape.num_rows() * stride);
    for (int r = 0; r < tape.num_rows(); ++r)
      std::copy_n(tape.Row<float>(r), stride, floats.data() + r * stride);
    return floats;
  }

  MlpShape shape;
  int num_columns;
  size_t stride;
  MlpTape tape;
  Buffer<float> parameters, input, output, d_output, d_parameters, d_input;
};

// The first num_columns columns agree; nothing beyond the padding has been written.
void ExpectTileNear(const Buffer<float>& got, const Buffer<float>& expected, const Pass& pass,
                    float tolerance, const char* what) {
  const size_t rows = got.size() / pass.stride;
  for (size_t r = 0; r < rows; ++r) {
    for (int c = 0; c < pass.num_columns; ++c) {
      ASSERT_NEAR(got[r * pass.stride + c], expected[r * pass.stride + c], tolerance)
          << what << " row " << r << " column " << c << " of " << pass.num_columns;
    }
    for (size_t c = Padded(pass.num_columns); c < pass.stride; ++c) {
      ASSERT_EQ(got[r * pass.stride + c], kCanary) << what << " row " << r << " column " << c;
    }
  }
}

struct NamedShape {
  const char* name;
  MlpShape shape;
};
constexpr NamedShape kShapes[] = {
    {"Density", {32, 64, 1, 16, false, 0}},
    {"Color", {32, 64, 2, 3, false, 0}},
    {"Linear", {19, 64, 0, 5, true, 0}},
    {"OneInOneOut", {1, 16, 1, 1, true, 0.2f}},
    {"OddEverywhere", {3, 17, 3, 7, true, 0.01f}},
    {"OddWithoutBias", {13, 37, 2, 11, false, 0}},
    {"FeatureHead", {163, 128, 1, 256, true, 0.01f}},
    {"Widest", {70, 256, 2, 33, true, 0}},
};

class SmallMlpTest : public testing::TestWithParam<std::tuple<std::string, int>> {
 protected:
  void SetUp() override { ForceTarget(std::get<0>(GetParam())); }
  void TearDown() override { ForceTarget(""); }
  MlpShape shape() const { return kShapes[std::get<1>(GetParam())].shape; }
  static constexpr int kColumnCounts[] = {0, 1, 15, 16, 17, 47, 64, 100, 1000, 1024};
};

TEST_P(SmallMlpTest, ForwardIsTheReference) {
  for (const int columns : kColumnCounts) {
    Pass pass(shape(), columns);
    Pass truth(shape(), columns);
    pass.Forward();
    Buffer<float> activations(MlpTapeRows(shape()) * truth.stride);
    reference::MlpForward(shape(), truth.parameters.data(), truth.Input(), truth.output.data(),
                          activations.data());
    ExpectTileNear(pass.Activations(), activations, pass, 2e-5f, "activations");
    ExpectTileNear(pass.output, truth.output, pass, 2e-5f, "output");
  }
}

TEST_P(SmallMlpTest, BackwardIsTheReferenceWhateverThePaddingHolds) {
  for (const int columns : kColumnCounts) {
    Pass pass(shape(), columns);
    Pass truth(shape(), columns);
    pass.Forward();
    pass.Backward();
    reference::MlpBackward(shape(), pass.parameters.data(), pass.Input(), pass.Activations().data(),
                           {pass.d_output.data(), truth.d_parameters.data(), truth.d_input.data()});
    ExpectTileNear(pass.d_input, truth.d_input, pass, 2e-5f, "d_input");
    const float tolerance = 2e-6f * (10 + static_cast<float>(columns));
    for (size_t p = 0; p < pass.d_parameters.size(); ++p) {
      ASSERT_NEAR(pass.d_parameters[p], truth.d_parameters[p], tolerance)
          << "parameter " << p << ", " << columns;
    }
  }
}

TEST_P(SmallMlpTest, TheTapeMayBeLeftOut) {
  for (const int columns : {1, 100, 1024}) {
    Pass kept(shape(), columns);
    Pass left_out(shape(), columns);
    kept.Forward();
    left_out.Forward(false);
    for (int o = 0; o < shape().output; ++o) {
      for (int c = 0; c < columns; ++c) {
        ASSERT_EQ(left_out.output[o * kept.stride + c], kept.output[o * kept.stride + c]) << o << " " << c;
      }
    }
  }
}

TEST_P(SmallMlpTest, InputGradientMayBeLeftOutOrReplaceTheInput) {
  Pass pass(shape(), 333);
  pass.Forward();
  pass.Backward();
  Pass without(shape(), 333);
  without.Forward();
  without.Backward(nullptr);
  Pass in_place(shape(), 333);
  in_place.Forward();
  in_place.Backward(in_place.input.data());
  for (size_t p = 0; p < pass.d_parameters.size(); ++p) {
    ASSERT_EQ(without.d_parameters[p], pass.d_parameters[p]) << p;
    ASSERT_EQ(in_place.d_parameters[p], pass.d_parameters[p]) << p;
  }
  for (int i = 0; i < shape().input; ++i) {
    for (int c = 0; c < 333; ++c) {
      ASSERT_EQ(in_place.input[i * pass.stride + c], pass.d_input[i * pass.stride + c]) << i << " " << c;
    }
  }
}

// Loss = sum d_output * output, whose derivative the backward pass gives, and which hidden units are above
// zero.
struct LossAndUnits {
  double loss = 0;
  std::vector<bool> above;
};

LossAndUnits Evaluate(Pass& pass) {
  pass.Forward();
  LossAndUnits result;
  for (int c = 0; c < pass.num_columns; ++c) {
    for (int o = 0; o < pass.shape.output; ++o) {
      const size_t index = o * pass.stride + c;
      result.loss += static_cast<double>(pass.d_output[index]) * pass.output[index];
    }
    for (int r = 0; r < pass.tape.num_rows(); ++r) result.above.push_back(pass.tape.Value(r, c) > 0);
  }
  return result;
}

// Nothing if a hidden unit changes sides within the step: the loss has a kink there.
std::optional<double> CentralDifference(Pass& pass, float& value) {
  constexpr float kStep = 2e-3f;
  const float old = value;
  const float high = old + kStep;
  const float low = old - kStep;
  value = high;
  const LossAndUnits at_high = Evaluate(pass);
  value = low;
  const LossAndUnits at_low = Evaluate(pass);
  value = old;
  if (at_high.above != at_low.above) return std::nullopt;
  return (at_high.loss - at_low.loss) / (static_cast<double>(high) - low);
}

TEST_P(SmallMlpTest, GradientsAreCentralDifferences) {
  constexpr int kColumns = 5;
  Pass pass(shape(), kColumns);
  pass.Forward();
  pass.Backward();
  Random random(3);
  int compared_parameters = 0;
  int compared_inputs = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const uint32_t p = random.Below(static_cast<uint32_t>(pass.parameters.size()));
    if (const auto expected = CentralDifference(pass, pass.parameters[p])) {
      ++compared_parameters;
      EXPECT_NEAR(pass.d_parameters[p] - 0.5f, *expected, 3e-3 * (1 + std::abs(*expected)))
          << "parameter " << p;
    }
    const size_t row = random.Below(static_cast<uint32_t>(pass.shape.input));
    const size_t index = row * pass.stride + random.Below(kColumns);
    if (const auto expected = CentralDifference(pass, pass.input[index])) {
      ++compared_inputs;
      EXPECT_NEAR(pass.d_input[index], *expected, 3e-3 * (1 + std::abs(*expected))) << "input " << index;
    }
  }
  EXPECT_GT(compared_parameters, 100);
  EXPECT_GT(compared_inputs, 100);
}

std::string ParameterName(const testing::TestParamInfo<std::tuple<std::string, int>>& info) {
  return std::get<0>(info.param) + "_" + kShapes[std::get<1>(info.param)].name;
}
INSTANTIATE_TEST_SUITE_P(Targets, SmallMlpTest,
                         testing::Combine(testing::ValuesIn(SupportedTargets()),
                                          testing::Range(0, static_cast<int>(std::size(kShapes)))),
                         ParameterName);

TEST(SmallMlpParametersTest, CountsWeightsAndBiases) {
  EXPECT_EQ(MlpNumParameters({32, 64, 1, 16, false, 0}), 32u * 64 + 64 * 16);
  EXPECT_EQ(MlpNumParameters({32, 64, 2, 3, true, 0}), 33u * 64 + 65 * 64 + 65 * 3);
  EXPECT_EQ(MlpNumParameters({163, 99, 0, 7, true, 0}), 164u * 7);
}

TEST(SmallMlpParametersTest, InitialWeightsAreUniformWithTheVarianceOfHe) {
  const MlpShape shape{24, 64, 1, 150, true, 0};
  std::vector<float> parameters(MlpNumParameters(shape));
  Random random(1);
  MlpInitialize(shape, random, parameters.data());
  size_t begin = 0;
  for (const auto& [fan_in, outputs] : {std::pair{24, 64}, std::pair{64, 150}}) {
    const size_t count = static_cast<size_t>(fan_in) * outputs;
    double sum = 0;
    double sum_squares = 0;
    for (size_t p = begin; p < begin + count; ++p) {
      EXPECT_LE(std::abs(parameters[p]), std::sqrt(6.0 / fan_in) * 1.0001);
      sum += parameters[p];
      sum_squares += static_cast<double>(parameters[p]) * parameters[p];
    }
    EXPECT_NEAR(sum / count, 0, 0.02);
    EXPECT_NEAR(sum_squares / count * fan_in / 2, 1, 0.05);
    for (int o = 0; o < outputs; ++o) EXPECT_EQ(parameters[begin + count + o], 0);
    begin += count + outputs;
  }
}

TEST(SmallMlpParametersTest, NonsenseIsRefused) {
  EXPECT_THROW(MlpNumParameters({0, 64, 1, 16, false, 0}), BugError);
  EXPECT_THROW(MlpNumParameters({32, 64, 1, 16, false, 1.5f}), BugError);
  Pass pass({4, 16, 1, 2, false, 0}, 17);
  EXPECT_THROW(
      MlpForward(pass.shape, pass.parameters.data(), {pass.input.data(), 17, 17}, pass.output.data()),
      BugError);
}

TEST(SmallMlpTapeTest, OfAnotherNetworkOrStrideIsRefused) {
  Pass pass({4, 16, 2, 2, false, 0}, 17);
  EXPECT_NO_THROW((pass.Forward(), pass.Backward()));
  Pass narrower({4, 16, 1, 2, false, 0}, 17);
  narrower.Forward();
  EXPECT_THROW(MlpBackward(pass.shape, pass.parameters.data(), pass.Input(), narrower.tape,
                           pass.Gradients(pass.d_input.data())),
               BugError);
  MlpTape wider;
  wider.Begin(32, pass.stride + kColumnBlock, MlpTape::Number::kFloat);
  EXPECT_THROW(MlpBackward(pass.shape, pass.parameters.data(), pass.Input(), wider,
                           pass.Gradients(pass.d_input.data())),
               BugError);
  MlpTape rounded;
  rounded.Begin(32, pass.stride, MlpTape::Number::kBfloat16);
  EXPECT_THROW(MlpBackward(pass.shape, pass.parameters.data(), pass.Input(), rounded,
                           pass.Gradients(pass.d_input.data())),
               BugError);
}

TEST(SmallMlpThreadsTest, EveryWorkerGivesTheSameBits) {
  const MlpShape shape{32, 64, 2, 16, false, 0};
  Pass once(shape, 500);
  once.Forward();
  once.Backward();
  std::vector<Pass> passes;
  for (int task = 0; task < 8; ++task) passes.emplace_back(shape, 500);
  ParallelFor(8, [&](int64_t task, int) {
    passes[task].Forward();
    passes[task].Backward();
  });
  for (const Pass& pass : passes) {
    EXPECT_TRUE(std::equal(pass.d_parameters.begin(), pass.d_parameters.end(), once.d_parameters.begin()));
  }
}

}  // namespace
}  // namespace semfield::ops
