#include "semfield/methods/feature_field/feature_head.h"

#include <algorithm>
#include <cmath>

namespace semfield {
namespace {

constexpr size_t kStride = ops::kTileStride;
constexpr float kNormEpsilon = 1e-6f;

void CopyRows(const float* from, int rows, int columns, float* to) {
  for (int row = 0; row < rows; ++row)
    std::copy_n(from + row * kStride, ops::PaddedColumns(columns), to + row * kStride);
}

}  // namespace

FeatureHead::FeatureHead(const FeatureOptions& options, int input_rows, int output_channels)
    : input_rows_(input_rows),
      output_channels_(output_channels),
      two_stages_(options.head_skip && options.head_layers >= 3),
      layer_norm_(options.layer_norm),
      leaky_slope_(static_cast<float>(options.leaky_slope)) {
  const ops::MlpShape base = {.hidden = options.head_width, .bias = true, .leaky_slope = leaky_slope_};
  first_ = second_ = base;
  first_.input = input_rows;
  if (two_stages_) {
    first_.num_hidden = 1;
    first_.output = options.head_width;
    second_.input = options.head_width + input_rows;
    second_.num_hidden = options.head_layers - 3;
    second_.output = output_channels;
    second_offset_ = ops::MlpNumParameters(first_);
    num_parameters_ = second_offset_ + ops::MlpNumParameters(second_);
  } else {
    first_.num_hidden = options.head_layers - 1;
    first_.output = output_channels;
    num_parameters_ = ops::MlpNumParameters(first_);
  }
  norm_offset_ = num_parameters_;
  if (layer_norm_) num_parameters_ += 2 * static_cast<size_t>(output_channels);
}

void FeatureHead::Initialize(Random& random, float* parameters) const {
  ops::MlpInitialize(first_, random, parameters);
  if (two_stages_) ops::MlpInitialize(second_, random, parameters + second_offset_);
  if (layer_norm_) {
    std::fill_n(parameters + norm_offset_, output_channels_, 1.0f);
    std::fill_n(parameters + norm_offset_ + output_channels_, output_channels_, 0.0f);
  }
}

void FeatureHead::Prepare(Workspace& work) const {
  // What only Backward uses costs nothing until then.
  const auto rows = [](Buffer<float>& buffer, int n) {
    if (buffer.size() < n * kStride) buffer.ResizeUninitialized(n * kStride);
  };
  work.tapes[0].Reserve(ops::MlpTapeRows(first_), kStride);
  rows(work.norm_sums, 2);
  rows(work.linear_output, output_channels_);
  rows(work.mean, 1);
  rows(work.inverse_deviation, 1);
  if (two_stages_) {
    work.tapes[1].Reserve(ops::MlpTapeRows(second_), kStride);
    rows(work.between, first_.output);
    rows(work.d_between, first_.output);
    rows(work.joined, second_.input);
    rows(work.d_joined, second_.input);
  }
}

void FeatureHead::Forward(const float* parameters, const float* input, int num_columns, Workspace& work,
                          float* output) const {
  Prepare(work);
  Run({first_, second_, &work.tapes[0], &work.tapes[1]}, parameters, {input, kStride, num_columns}, work,
      output);
}

void FeatureHead::Answer(const float* parameters, const float* input, int num_columns, Workspace& work,
                         float* output) const {
  Prepare(work);
  Stages stages{first_, second_, nullptr, nullptr};
  stages.first.bfloat16 = stages.second.bfloat16 = true;
  Run(stages, parameters, {input, kStride, num_columns}, work, output);
}

void FeatureHead::Run(const Stages& stages, const float* parameters, const ops::MlpInput& input,
                      Workspace& work, float* output) const {
  const int num_columns = input.num_columns;
  if (!two_stages_) {
    ops::MlpForward(stages.first, parameters, input, output, stages.first_tape);
  } else {
    ops::MlpForward(stages.first, parameters, input, work.between.data(), stages.first_tape);
    for (int row = 0; row < first_.output; ++row) {
      for (int c = 0; c < ops::PaddedColumns(num_columns); ++c) {
        const float v = work.between[row * kStride + c];
        work.joined[row * kStride + c] = v > 0 ? v : leaky_slope_ * v;
      }
    }
    CopyRows(input.rows, input_rows_, num_columns, work.joined.data() + first_.output * kStride);
    ops::MlpForward(stages.second, parameters + second_offset_, {work.joined.data(), kStride, num_columns},
                    output, stages.second_tape);
  }
  if (layer_norm_) Normalize(parameters + norm_offset_, num_columns, work, output);
}

void FeatureHead::Normalize(const float* scale_and_shift, int num_columns, Workspace& work,
                            float* output) const {
  CopyRows(output, output_channels_, num_columns, work.linear_output.data());
  const int columns = ops::PaddedColumns(num_columns);
  float *mean = work.mean.data(), *inverse = work.inverse_deviation.data();
  std::fill_n(mean, columns, 0.0f);
  std::fill_n(inverse, columns, 0.0f);
  for (int row = 0; row < output_channels_; ++row) {
    for (int c = 0; c < columns; ++c) mean[c] += output[row * kStride + c];
  }
  for (int c = 0; c < columns; ++c) mean[c] /= output_channels_;
  for (int row = 0; row < output_channels_; ++row) {
    for (int c = 0; c < columns; ++c) {
      const float d = output[row * kStride + c] - mean[c];
      inverse[c] += d * d;
    }
  }
  for (int c = 0; c < columns; ++c)
    inverse[c] = 1.0f / std::sqrt(inverse[c] / output_channels_ + kNormEpsilon);
  for (int row = 0; row < output_channels_; ++row) {
    const float scale = scale_and_shift[row], shift = scale_and_shift[output_channels_ + row];
    for (int c = 0; c < columns; ++c) {
      float& v = output[row * kStride + c];
      v = (v - mean[c]) * inverse[c] * scale + shift;
    }
  }
}

void FeatureHead::NormalizeBackward(const float* scale_and_shift, int num_columns, Workspace& work,
                                    float* d_output, float* d_scale_and_shift) const {
  // y = scale * h + shift, h = (x - mean) / deviation:
  //   dx = (dh - mean(dh) - h mean(dh h)) / deviation,  dh = scale dy
  const float *mean = work.mean.data(), *inverse = work.inverse_deviation.data();
  const float* x = work.linear_output.data();
  float* sum_dh = work.norm_sums.data();
  float* sum_dh_h = work.norm_sums.data() + kStride;
  std::fill_n(sum_dh, num_columns, 0.0f);
  std::fill_n(sum_dh_h, num_columns, 0.0f);
  for (int row = 0; row < output_channels_; ++row) {
    float d_scale = 0, d_shift = 0;
    for (int c = 0; c < num_columns; ++c) {
      const float dy = d_output[row * kStride + c];
      const float h = (x[row * kStride + c] - mean[c]) * inverse[c];
      d_scale += dy * h;
      d_shift += dy;
      sum_dh[c] += dy * scale_and_shift[row];
      sum_dh_h[c] += dy * scale_and_shift[row] * h;
    }
    d_scale_and_shift[row] += d_scale;
    d_scale_and_shift[output_channels_ + row] += d_shift;
  }
  for (int row = 0; row < output_channels_; ++row) {
    for (int c = 0; c < num_columns; ++c) {
      float& d = d_output[row * kStride + c];
      const float h = (x[row * kStride + c] - mean[c]) * inverse[c];
      d = (d * scale_and_shift[row] - (sum_dh[c] + h * sum_dh_h[c]) / output_channels_) * inverse[c];
    }
  }
}

void FeatureHead::Backward(const float* parameters, const float* input, int num_columns, Workspace& work,
                           const Gradients& gradients) const {
  const auto [d_output, d_parameters, d_input] = gradients;
  if (layer_norm_) {
    NormalizeBackward(parameters + norm_offset_, num_columns, work, d_output, d_parameters + norm_offset_);
  }
  if (!two_stages_) {
    ops::MlpBackward(first_, parameters, {input, kStride, num_columns}, work.tapes[0],
                     {d_output, d_parameters, d_input});
    return;
  }
  ops::MlpBackward(second_, parameters + second_offset_, {work.joined.data(), kStride, num_columns},
                   work.tapes[1], {d_output, d_parameters + second_offset_, work.d_joined.data()});
  work.d_between.Fill(0);
  for (int row = 0; row < first_.output; ++row) {
    for (int c = 0; c < num_columns; ++c) {
      const size_t i = row * kStride + c;
      work.d_between[i] = work.d_joined[i] * (work.between[i] > 0 ? 1.0f : leaky_slope_);
    }
  }
  ops::MlpBackward(first_, parameters, {input, kStride, num_columns}, work.tapes[0],
                   {work.d_between.data(), d_parameters, d_input});
  for (int row = 0; row < input_rows_; ++row) {
    const float* through = work.d_joined.data() + (first_.output + row) * kStride;
    for (int c = 0; c < num_columns; ++c) d_input[row * kStride + c] += through[c];
  }
}

}  // namespace semfield
