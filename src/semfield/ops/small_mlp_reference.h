#pragma once

#include "semfield/ops/small_mlp.h"

// The same contracts as ops/small_mlp.h in plain loops with sums in double: the truth the kernels are tested
// against.
namespace semfield::ops::reference {

void MlpForward(const MlpShape& shape, const float* parameters, const float* input, size_t stride,
                int num_columns, float* activations, float* output);

// Needs no scratch. Columns from num_columns on of d_input are left alone.
void MlpBackward(const MlpShape& shape, const float* parameters, const float* input, const float* activations,
                 const float* d_output, size_t stride, int num_columns, float* d_parameters, float* d_input);

}  // namespace semfield::ops::reference
