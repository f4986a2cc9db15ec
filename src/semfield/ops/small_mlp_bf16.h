#pragma once

#include <cstddef>

#include "semfield/ops/small_mlp.h"

// The network's products in bfloat16: numbers rounded to 8 bits of mantissa, products and sums in 32 bits
// (vdpbf16ps). Private to small_mlp.cc, whose contracts hold but for the rounding.
namespace semfield::ops::internal {

// This processor has the instruction.
bool HasBrainFloats();

void BrainForward(const MlpShape& shape, const float* parameters, const float* input, size_t stride,
                  size_t num_columns, void* activations, float* output);
void BrainBackward(const MlpShape& shape, const float* parameters, const float* input,
                   const void* activations, const float* d_output, size_t stride, int num_columns,
                   float* d_parameters, float* d_input);

}  // namespace semfield::ops::internal
