#pragma once

#include <cstddef>

#include "semfield/base/random.h"
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

// Rows needed in `activations`: the values after each hidden layer's nonlinearity.
inline int MlpActivationRows(const MlpShape& shape) {
  return shape.hidden * shape.num_hidden;
}
// Bytes of each of these values: 4, floats, or 2 where products are taken in bfloat16.
size_t MlpActivationBytes(const MlpShape& shape);

// output[shape.output rows], activations[MlpActivationRows rows] <- input[shape.input rows]. All rows use
// `stride`, counted in numbers of the row. `activations` (64-byte aligned) may be null when no backward pass
// follows.
void MlpForward(const MlpShape& shape, const float* parameters, const float* input, size_t stride,
                int num_columns, void* activations, float* output);

// Given d_output, adds to d_parameters (summed over columns in a fixed order) and writes d_input (may be
// null). `scratch` has 2 * max(hidden, input, output) rows of `stride`. d_input may be `input` itself.
// Columns from num_columns on, whatever they hold, add nothing to d_parameters.
void MlpBackward(const MlpShape& shape, const float* parameters, const float* input, const void* activations,
                 const float* d_output, size_t stride, int num_columns, float* scratch, float* d_parameters,
                 float* d_input);

}  // namespace semfield::ops
