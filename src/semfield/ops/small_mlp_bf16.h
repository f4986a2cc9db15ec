#pragma once

#include <cstddef>

#include "semfield/ops/small_mlp.h"

// The network's products in bfloat16: numbers rounded to 8 bits of mantissa, products and sums in 32 bits
// (vdpbf16ps). Private to small_mlp.cc, whose contracts hold but for the rounding.
namespace semfield::ops::internal {

// This processor has the instruction.
bool HasBrainFloats();

// Where HasBrainFloats(). The tape has begun with MlpTape::Number::kBfloat16.
void BrainForward(const MlpShape& shape, const float* parameters, const MlpInput& input, float* output,
                  MlpTape* tape);
void BrainBackward(const MlpShape& shape, const float* parameters, const MlpInput& input, const MlpTape& tape,
                   const MlpGradients& gradients);

}  // namespace semfield::ops::internal
