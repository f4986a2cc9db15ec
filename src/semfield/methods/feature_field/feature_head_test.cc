#include "semfield/methods/feature_field/feature_head.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/ops/tile.h"

namespace semfield {
namespace {

constexpr int kInputs = 11, kOutputs = 7, kColumns = 37;
constexpr size_t kStride = ops::kTileStride;

struct Form {
  const char* name;
  int layers;
  bool skip, layer_norm;
  double leaky_slope;
};

FeatureOptions OptionsOf(const Form& form) {
  FeatureOptions options;
  options.head_width = 16;
  options.head_layers = form.layers;
  options.head_skip = form.skip;
  options.layer_norm = form.layer_norm;
  options.leaky_slope = form.leaky_slope;
  return options;
}

class FeatureHeadTest : public testing::TestWithParam<Form> {
 protected:
  FeatureHeadTest() : head_(OptionsOf(GetParam()), kInputs, kOutputs) {
    Random random(17);
    parameters_.Resize(head_.num_parameters());
    head_.Initialize(random, parameters_.data());
    // Away from the start: biases that are not 0, a LayerNorm that is not the identity.
    for (float& value : parameters_.span()) value += random.Uniform(-0.1f, 0.1f);
    input_.Resize(kInputs * kStride);
    for (float& value : input_.span()) value = random.Uniform(-1, 1);  // the padding too
    weights_.Resize(kOutputs * kStride);
    for (int row = 0; row < kOutputs; ++row) {
      for (int c = 0; c < kColumns; ++c) weights_[row * kStride + c] = random.Uniform(-1, 1);
    }
  }

  // sum of weights * output; leaves the outputs in output_.
  double Loss() {
    output_.Resize(kOutputs * kStride);
    head_.Forward(parameters_.data(), input_.data(), kColumns, work_, output_.data());
    double loss = 0;
    for (int row = 0; row < kOutputs; ++row) {
      for (int c = 0; c < kColumns; ++c)
        loss += double{weights_[row * kStride + c]} * output_[row * kStride + c];
    }
    return loss;
  }
  void Gradients(Buffer<float>* d_parameters, Buffer<float>* d_input) {
    Loss();
    d_parameters->Resize(parameters_.size());
    d_input->Resize(input_.size());
    Buffer<float> d_output(weights_.size());
    std::copy(weights_.begin(), weights_.end(), d_output.begin());
    head_.Backward(parameters_.data(), input_.data(), kColumns, work_,
                   {d_output.data(), d_parameters->data(), d_input->data()});
  }
  // Directions of +-1 over a part of the values; see TilePassTest for why the tolerance is a share of |g|.
  void ExpectGradient(Buffer<float>& values, const Buffer<float>& gradient, size_t begin, size_t end,
                      const char* what) {
    double norm = 0;
    for (size_t i = begin; i < end; ++i) norm += double{gradient[i]} * gradient[i];
    norm = std::sqrt(norm);
    ASSERT_GT(norm, 1e-3) << what;
    Random random(23);
    const std::vector<float> before(values.begin(), values.end());
    constexpr float kStep = 3e-4f;
    for (int trial = 0; trial < 10; ++trial) {
      double expected = 0;
      std::vector<float> direction(values.size());
      for (size_t i = begin; i < end; ++i) {
        direction[i] = random.Below(2) == 0 ? -1.0f : 1.0f;
        expected += double{direction[i]} * gradient[i];
      }
      const auto at = [&](float t) {
        for (size_t i = begin; i < end; ++i) values[i] = before[i] + t * direction[i];
        return Loss();
      };
      EXPECT_NEAR((at(kStep) - at(-kStep)) / (2 * kStep), expected, 0.02 * norm) << what << ", " << trial;
      std::copy(before.begin(), before.end(), values.begin());
    }
  }

  FeatureHead head_;
  Buffer<float> parameters_, input_, weights_, output_;
  FeatureHead::Workspace work_;
};

TEST_P(FeatureHeadTest, GradientOfParametersAndInput) {
  Buffer<float> d_parameters, d_input;
  Gradients(&d_parameters, &d_input);
  // In parts, so that a large layer does not hide a small one.
  const size_t n = parameters_.size();
  for (int part = 0; part < 4; ++part) {
    ExpectGradient(parameters_, d_parameters, n * part / 4, n * (part + 1) / 4, "parameters");
  }
  ExpectGradient(parameters_, d_parameters, n - 2 * kOutputs, n, "last parameters");
  for (int row : {0, kInputs - 1}) {
    ExpectGradient(input_, d_input, row * kStride, row * kStride + kColumns, "input");
  }
}

TEST_P(FeatureHeadTest, GradientsAddUp) {
  Buffer<float> once, twice, d_input;
  Gradients(&once, &d_input);
  Loss();
  twice.Resize(once.size());
  for (int i = 0; i < 2; ++i) {
    Buffer<float> d_output(weights_.size());
    std::copy(weights_.begin(), weights_.end(), d_output.begin());
    head_.Backward(parameters_.data(), input_.data(), kColumns, work_,
                   {d_output.data(), twice.data(), d_input.data()});
  }
  for (size_t i = 0; i < once.size(); ++i)
    ASSERT_NEAR(twice[i], 2 * once[i], 1e-5 + 1e-5 * std::abs(once[i])) << i;
}

TEST_P(FeatureHeadTest, ColumnsDoNotDependOnTheirNeighbors) {
  Loss();
  const float before = output_[3 * kStride + 5];
  for (int row = 0; row < kInputs; ++row) input_[row * kStride + 6] += 10;
  Loss();
  EXPECT_EQ(output_[3 * kStride + 5], before);
}

INSTANTIATE_TEST_SUITE_P(Forms, FeatureHeadTest,
                         testing::Values(Form{"Linear", 1, false, false, 0},
                                         Form{"Paper", 2, false, false, 0},
                                         Form{"Deep", 4, false, false, 0.1}, Form{"Norm", 2, false, true, 0},
                                         Form{"Skip", 3, true, false, 0.01},
                                         Form{"Released", 5, true, true, 0.01}),
                         [](const auto& info) { return info.param.name; });

TEST(FeatureHead, LayerNormNormalisesTheChannels) {
  const FeatureHead head(OptionsOf({"", 2, false, true, 0}), kInputs, kOutputs);
  Random random(1);
  Buffer<float> parameters(head.num_parameters()), input(kInputs * kStride), output(kOutputs * kStride);
  head.Initialize(random, parameters.data());
  for (float& value : input.span()) value = random.Uniform(-3, 3);
  FeatureHead::Workspace work;
  head.Forward(parameters.data(), input.data(), kColumns, work, output.data());
  for (int c = 0; c < kColumns; ++c) {
    double mean = 0, square = 0;
    for (int row = 0; row < kOutputs; ++row) mean += output[row * kStride + c] / kOutputs;
    for (int row = 0; row < kOutputs; ++row)
      square += std::pow(output[row * kStride + c] - mean, 2) / kOutputs;
    EXPECT_NEAR(mean, 0, 1e-5);
    EXPECT_NEAR(square, 1, 1e-3);
  }
}

TEST(FeatureHead, CountsItsParameters) {
  // Paper form: two linear layers with biases. Released form: five, the third one sees the input again, and
  // LayerNorm.
  EXPECT_EQ(FeatureHead(OptionsOf({"", 2, false, false, 0}), kInputs, kOutputs).num_parameters(),
            size_t{kInputs * 16 + 16 + 16 * kOutputs + kOutputs});
  EXPECT_EQ(FeatureHead(OptionsOf({"", 5, true, true, 0}), kInputs, kOutputs).num_parameters(),
            size_t{kInputs * 16 + 16 + 16 * 16 + 16 + (16 + kInputs) * 16 + 16 + 16 * 16 + 16 +
                   16 * kOutputs + kOutputs + 2 * kOutputs});
}

}  // namespace
}  // namespace semfield
