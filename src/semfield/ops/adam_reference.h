#pragma once

#include "semfield/ops/adam.h"

namespace semfield::ops::reference {

// The contract of ops/adam.h in plain loops and double precision.
void AdamStep(const AdamOptions& options, size_t count, const AdamArrays& arrays);

}  // namespace semfield::ops::reference
