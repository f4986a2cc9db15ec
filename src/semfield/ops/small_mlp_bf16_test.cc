#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/base/check.h"
#include "semfield/ops/simd_target.h"
#include "semfield/ops/small_mlp.h"
#include "semfield/ops/small_mlp_reference.h"
#include "semfield/ops/tile.h"

// Networks whose products are taken in bfloat16. Where the processor has no such products the float kernels
// answer, and all of this must hold for them as well.

namespace semfield::ops {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Columns beyond the count hold NaN.
struct Pass {
  MlpShape shape;
  int columns;
  size_t stride;
  MlpTape tape;
  Buffer<float> parameters, input, output, d_output, d_parameters, d_input;

  Pass(const MlpShape& s, int num_columns)
      : shape(s), columns(num_columns), stride(PaddedColumns(num_columns) + 16) {
    shape.bfloat16 = true;
    Random random(5, static_cast<uint64_t>(columns));
    parameters.Resize(MlpNumParameters(shape));
    MlpInitialize(shape, random, parameters.data());
    for (float& p : parameters) p += shape.bias ? random.Uniform(-0.05f, 0.05f) : 0.0f;
    const auto tile = [&](Buffer<float>& buffer, int rows) {
      buffer.Resize(rows * stride);
      buffer.Fill(kNan);
      for (int r = 0; r < rows; ++r) {
        for (int c = 0; c < columns; ++c) buffer[r * stride + c] = random.Uniform(-1, 1);
      }
    };
    tile(input, shape.input);
    tile(d_output, shape.output);
    tile(output, shape.output);
    tile(d_input, shape.input);
    d_parameters.Resize(parameters.size());
  }
  // All numbers become multiples of 1/8 below 2: bfloat16 holds them exactly.
  void MakeExact() {
    for (Buffer<float>* buffer : {&parameters, &input, &d_output}) {
      for (float& value : *buffer) value = std::round(std::clamp(value, -1.9f, 1.9f) * 8) / 8;
    }
  }
  MlpInput Input() const { return {input.data(), stride, columns}; }
  void Forward() { MlpForward(shape, parameters.data(), Input(), output.data(), &tape); }
  // As floats, whatever the forward pass has left.
  Buffer<float> Activations() const {
    Buffer<float> floats(tape.num_rows() * stride);
    for (int r = 0; r < tape.num_rows(); ++r) {
      for (int c = 0; c < columns; ++c) floats[r * stride + c] = tape.Value(r, c);
    }
    return floats;
  }
  void Backward() { Backward(d_input.data()); }
  void Backward(float* to_input) {
    MlpBackward(shape, parameters.data(), Input(), tape, {d_output.data(), d_parameters.data(), to_input});
  }
};

// sqrt(sum of squared differences / sum of squares) over the columns that count.
double RelativeError(const Buffer<float>& got, const Buffer<float>& expected, size_t stride, int columns) {
  double error = 0, norm = 1e-30;
  for (size_t row = 0; row + columns <= got.size(); row += stride) {
    for (int c = 0; c < columns; ++c) {
      error += std::pow(double{got[row + c]} - expected[row + c], 2);
      norm += std::pow(double{expected[row + c]}, 2);
    }
  }
  return std::sqrt(error / norm);
}

const std::vector<MlpShape> kShapes = {{32, 64, 1, 16, false, 0},       {32, 64, 2, 3, false, 0},
                                       {19, 64, 0, 5, true, 0},         {1, 16, 1, 1, true, 0.2f},
                                       {3, 17, 3, 7, true, 0.01f},      {13, 37, 2, 11, false, 0},
                                       {163, 128, 1, 256, true, 0.01f}, {70, 256, 2, 33, true, 0}};
const std::vector<int> kColumnCounts = {1, 15, 16, 17, 31, 33, 47, 64, 100, 1000, 1024};

TEST(SmallMlpBfloat16Test, ForwardIsTheReferenceUpToRounding) {
  for (const MlpShape& shape : kShapes) {
    for (const int columns : kColumnCounts) {
      Pass pass(shape, columns), truth(shape, columns);
      pass.Forward();
      reference::MlpForward(shape, truth.parameters.data(), truth.Input(), truth.output.data(), nullptr);
      EXPECT_LT(RelativeError(pass.output, truth.output, pass.stride, columns), 1.5e-2)
          << shape.input << "-" << shape.hidden << "x" << shape.num_hidden << "-" << shape.output << ", "
          << columns;
    }
  }
}

TEST(SmallMlpBfloat16Test, BackwardIsTheReferenceUpToRounding) {
  for (const MlpShape& shape : kShapes) {
    for (const int columns : kColumnCounts) {
      Pass pass(shape, columns), truth(shape, columns);
      pass.Forward();
      pass.Backward();
      reference::MlpBackward(shape, pass.parameters.data(), pass.Input(), pass.Activations().data(),
                             {pass.d_output.data(), truth.d_parameters.data(), truth.d_input.data()});
      EXPECT_LT(RelativeError(pass.d_input, truth.d_input, pass.stride, columns), 2e-2) << columns;
      const int count = static_cast<int>(pass.d_parameters.size());
      EXPECT_LT(RelativeError(pass.d_parameters, truth.d_parameters, count, count), 2e-2) << columns;
    }
  }
}

// One linear layer: every product and sum is exact, so the bits are those of the reference.
TEST(SmallMlpBfloat16Test, NumbersThatItHoldsAreExact) {
  for (const int columns : kColumnCounts) {
    Pass pass({19, 64, 0, 5, true, 0}, columns), truth(pass.shape, columns);
    pass.MakeExact();
    truth.MakeExact();
    pass.Forward();
    pass.Backward();
    reference::MlpForward(pass.shape, truth.parameters.data(), truth.Input(), truth.output.data(), nullptr);
    reference::MlpBackward(pass.shape, truth.parameters.data(), truth.Input(), nullptr,
                           {truth.d_output.data(), truth.d_parameters.data(), truth.d_input.data()});
    for (int r = 0; r < 5; ++r) {
      for (int c = 0; c < columns; ++c)
        ASSERT_EQ(pass.output[r * pass.stride + c], truth.output[r * pass.stride + c]);
    }
    for (int r = 0; r < 19; ++r) {
      for (int c = 0; c < columns; ++c) {
        ASSERT_EQ(pass.d_input[r * pass.stride + c], truth.d_input[r * pass.stride + c]);
      }
    }
    for (size_t p = 0; p < pass.d_parameters.size(); ++p)
      ASSERT_EQ(pass.d_parameters[p], truth.d_parameters[p]);
  }
}

TEST(SmallMlpBfloat16Test, InputGradientMayBeLeftOutOrReplaceTheInput) {
  const MlpShape shape{32, 64, 2, 3, false, 0};
  Pass pass(shape, 333), without(shape, 333), in_place(shape, 333);
  for (Pass* p : {&pass, &without, &in_place}) p->Forward();
  pass.Backward();
  without.Backward(nullptr);
  in_place.Backward(in_place.input.data());
  for (size_t p = 0; p < pass.d_parameters.size(); ++p) {
    ASSERT_EQ(without.d_parameters[p], pass.d_parameters[p]);
    ASSERT_EQ(in_place.d_parameters[p], pass.d_parameters[p]);
  }
  EXPECT_EQ(RelativeError(in_place.input, pass.d_input, pass.stride, 333), 0);
}

TEST(SmallMlpBfloat16Test, TheTapeSaysWhichNumbersItHolds) {
  Pass pass({32, 64, 2, 3, false, 0}, 33);
  pass.Forward();
  EXPECT_EQ(pass.tape.number(), MlpHasBfloat16() ? MlpTape::Number::kBfloat16 : MlpTape::Number::kFloat);
  if (!MlpHasBfloat16()) return;
  pass.shape.bfloat16 = false;  // such a network would read the tape's numbers as floats
  EXPECT_THROW(pass.Backward(), BugError);
}

TEST(SmallMlpBfloat16Test, WhatIsNoNumberStaysNone) {
  Pass pass({32, 64, 2, 3, false, 0}, 64);
  pass.input[5] = kNan;
  pass.Forward();
  EXPECT_TRUE(std::isnan(pass.output[5]));
  EXPECT_FALSE(std::isnan(pass.output[4]));
}

TEST(SmallMlpBfloat16Test, OtherInstructionSetsTakeTheFloatKernels) {
  const MlpShape shape{32, 64, 1, 16, false, 0};
  ForceTarget(SupportedTargets().back());
  EXPECT_FALSE(MlpHasBfloat16());
  Pass rounded(shape, 100), plain(shape, 100);
  plain.shape.bfloat16 = false;
  rounded.Forward();
  plain.Forward();
  ForceTarget("");
  EXPECT_EQ(RelativeError(rounded.output, plain.output, plain.stride, 100), 0);
}

}  // namespace
}  // namespace semfield::ops
