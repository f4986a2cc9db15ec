#pragma once

#include <cstddef>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/base/random.h"
#include "semfield/methods/feature_field/feature_options.h"
#include "semfield/ops/small_mlp.h"

namespace semfield {

// The MLP of SAN Eq. 6, on tiles of tokens (ops/tile.h): composited features -> teacher channels. With
// head_skip the input joins again before the third layer, with layer_norm the output channels are normalised,
// as in the released code.
class FeatureHead {
 public:
  FeatureHead(const FeatureOptions& options, int input_rows, int output_channels);

  size_t num_parameters() const { return num_parameters_; }
  int input_rows() const { return input_rows_; }
  int output_channels() const { return output_channels_; }
  void Initialize(Random& random, float* parameters) const;

  // What one thread needs between Forward and Backward of a tile.
  struct Workspace {
    ops::MlpTape tapes[2];
    Buffer<float> between, joined, linear_output, inverse_deviation, mean, norm_sums, d_joined, d_between;
  };
  // Sizes a workspace; Forward does it too, and nothing is allocated when it is done.
  void Prepare(Workspace& work) const;
  // input [input_rows rows], output [output_channels rows], rows of kTileStride.
  void Forward(const float* parameters, const float* input, int num_columns, Workspace& work,
               float* output) const;
  // The same for those who only want the output: no Backward follows, and products are in bfloat16 where the
  // processor can.
  void Answer(const float* parameters, const float* input, int num_columns, Workspace& work,
              float* output) const;
  // d_output is overwritten (it becomes the gradient before LayerNorm), d_parameters added to, d_input
  // written.
  struct Gradients {
    float* d_output;
    float* d_parameters;
    float* d_input;
  };
  void Backward(const float* parameters, const float* input, int num_columns, Workspace& work,
                const Gradients& gradients) const;

 private:
  bool two_stages() const { return two_stages_; }
  struct Stages {
    ops::MlpShape first, second;
    ops::MlpTape *first_tape, *second_tape;  // nullptr: none is kept
  };
  void Run(const Stages& stages, const float* parameters, const ops::MlpInput& input, Workspace& work,
           float* output) const;
  void Normalize(const float* scale_and_shift, int num_columns, Workspace& work, float* output) const;
  void NormalizeBackward(const float* scale_and_shift, int num_columns, Workspace& work, float* d_output,
                         float* d_scale_and_shift) const;

  int input_rows_, output_channels_;
  bool two_stages_, layer_norm_;
  float leaky_slope_;
  ops::MlpShape first_, second_;
  size_t second_offset_ = 0, norm_offset_ = 0, num_parameters_ = 0;
};

}  // namespace semfield
