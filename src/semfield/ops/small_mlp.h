#pragma once

#include <cstddef>

#include "semfield/base/random.h"
#include "semfield/ops/mlp_tape.h"
#include "semfield/ops/tile.h"

namespace semfield::ops {

// Fully connected network on tiles (ops/tile.h): hidden layers with ReLU (or leaky ReLU), linear output.
// Sizes are multiples of 1; the kernels are fastest for hidden widths that are multiples of 16.
struct MlpShape {
  int input = 32;
  int hidden = 64;     // width of every hidden layer, 16..256
  int num_hidden = 1;  // 0: one linear layer
  int output = 16;
  bool bias = false;
  float leaky_slope = 0;  // in [0, 1); 0: ReLU. The derivative at 0 is the slope's
  // Rounds what is multiplied to bfloat16 (8 bits of mantissa) and sums in float, where MlpHasBfloat16();
  // elsewhere it changes nothing. Parameters, values and gradients stay floats.
  bool bfloat16 = false;
};

// The processor multiplies bfloat16 (vdpbf16ps) and no instruction set below AVX-512 is forced.
bool MlpHasBfloat16();

// Parameters lie layer by layer: weights [out][in] row-major, then biases [out] if the shape has them.
size_t MlpNumParameters(const MlpShape& shape);  // nonsense in the shape: SF_CHECK
// Uniform(+-sqrt(6 / fan_in)) weights, biases zero (He et al. 2015).
void MlpInitialize(const MlpShape& shape, Random& random, float* parameters);

// Rows of a tape (ops/mlp_tape.h): the values after each hidden layer's nonlinearity.
inline int MlpTapeRows(const MlpShape& shape) {
  return shape.hidden * shape.num_hidden;
}
// The numbers that MlpForward writes on a tape: floats, or bfloat16 where products are taken in it.
MlpTape::Number MlpTapeNumber(const MlpShape& shape);

// The columns that a network works on.
struct MlpInput {
  const float* rows = nullptr;  // [shape.input rows of `stride`]
  size_t stride = 0;            // of all rows in the call: the input's, the output's and the gradients'
  int num_columns = 0;
};

// output[shape.output rows] <- input. `tape` keeps what MlpBackward needs and may be null when none follows.
void MlpForward(const MlpShape& shape, const float* parameters, const MlpInput& input, float* output,
                MlpTape* tape = nullptr);

struct MlpGradients {
  const float* d_output = nullptr;  // [shape.output rows]
  float* d_parameters = nullptr;    // [MlpNumParameters], added to, summed over columns in a fixed order
  float* d_input = nullptr;         // [shape.input rows], written; null: not wanted. May be the input itself
};

// From dL/doutput to dL/dparameters and dL/dinput. `tape` is what MlpForward left for the same shape and
// stride, the same columns or, after MlpTape::Compact, fewer: SF_CHECK as far as it can be seen. Columns from
// num_columns on, whatever they hold, add nothing to d_parameters.
void MlpBackward(const MlpShape& shape, const float* parameters, const MlpInput& input, const MlpTape& tape,
                 const MlpGradients& gradients);

}  // namespace semfield::ops
