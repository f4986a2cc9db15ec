#pragma once

#include "semfield/ops/small_mlp.h"

// The same contracts as ops/small_mlp.h in plain loops with sums in double: the truth the kernels are tested
// against.
namespace semfield::ops::reference {

// `activations`: [MlpTapeRows rows of the stride] in floats instead of a tape; null for MlpForward: not kept.
void MlpForward(const MlpShape& shape, const float* parameters, const MlpInput& input, float* output,
                float* activations);

// Columns from num_columns on of d_input are left alone.
void MlpBackward(const MlpShape& shape, const float* parameters, const MlpInput& input,
                 const float* activations, const MlpGradients& gradients);

}  // namespace semfield::ops::reference
