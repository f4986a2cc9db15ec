#pragma once

#include "semfield/scenes/nn/torch.h"

namespace semfield {

struct InstanceLosses {
  torch::Tensor loss;  // one number
  double right = 0;    // share of the pixels of things whose likeliest channel is their thing's
};

// Loss of channels that are to be things, whose numbers mean nothing (as DM-NeRF's). logits: [1, K, h, w];
// ids: [1, h, w] int64 of things, -1: none. Channel k as thing g costs the mean of -log p_k over the thing,
// plus 1 less the soft IoU of p_k and its mask over all pixels that are of things; each thing takes the
// channel that the least sum of costs gives it (LeastCostAssignment). The loss is the mean cost of the
// things, plus the mean p of the channels that none took. More things than channels: those without one do not
// count. No thing: 0.
InstanceLosses InstanceLoss(const torch::Tensor& logits, const torch::Tensor& ids);

}  // namespace semfield
