#pragma once

#include "semfield/ops/adam.h"

namespace semfield::ops::reference {

// The contract of ops/adam.h in plain loops and double precision.
void AdamStep(const AdamOptions& options, size_t count, float* parameters, float* first_moment,
              float* second_moment, float* gradient, Half* shadow);

}  // namespace semfield::ops::reference
