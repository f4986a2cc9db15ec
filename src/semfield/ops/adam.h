#pragma once

#include <cstddef>

#include "semfield/base/half.h"

namespace semfield::ops {

// Adam (Kingma & Ba 2015, Algorithm 1).
struct AdamOptions {
  float learning_rate = 1e-2f;
  float beta1 = 0.9f;
  float beta2 = 0.99f;
  float epsilon = 1e-15f;
  float l2 = 0;         // added to the gradient: l2 * parameter
  int step = 1;         // 1 for the first update
  bool sparse = false;  // blocks of 16 whose gradient is all zero are left alone (moments too)
};

// What one update works on, 64-byte aligned.
struct AdamArrays {
  float* parameters = nullptr;
  float* first_moment = nullptr;
  float* second_moment = nullptr;
  float* gradient = nullptr;  // zeroed by the update
  Half* shadow = nullptr;     // if not null, the new parameters in half precision, only where they changed
};

// One update of `count` numbers, any count, of each array.
// Serial: split large arrays at multiples of 16 to keep the blocks and the results the same.
void AdamStep(const AdamOptions& options, size_t count, const AdamArrays& arrays);

}  // namespace semfield::ops
