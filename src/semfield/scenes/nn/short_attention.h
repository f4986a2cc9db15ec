#pragma once

#include "semfield/scenes/nn/torch.h"

namespace semfield::nn {

struct ShortAttended {
  torch::Tensor values;     // [B, S, heads * d]
  torch::Tensor attention;  // [B, heads, S, S], rows 1 in sum
};

// Scaled dot-product attention of many short sequences, with a gradient of both results. query_key_value: [B,
// S, 3 heads d], queries of all heads first. LibTorch multiplies matrices one after another, which for small
// ones costs several times the product itself; here a sequence is worked on as a whole.
ShortAttended ShortAttention(const torch::Tensor& query_key_value, int64_t heads);

}  // namespace semfield::nn
