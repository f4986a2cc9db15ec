#pragma once

#include "semfield/scenes/nn/torch.h"

namespace semfield::nn {

// As SampleMaps, of maps whose channels lie together, each with places of its own: several times as fast for
// many channels. maps: [N, H, W, C]; at: [N, P, 2] over the pictures, 0 to 1, without gradient. -> [N, P, C]
torch::Tensor SampleRows(const torch::Tensor& maps, const torch::Tensor& at);

// As Composite (nn/rays.h), without a tensor of all products: weights [R, S], values [R, S, C] -> [R, C].
torch::Tensor CompositeRows(const torch::Tensor& weights, const torch::Tensor& values);

}  // namespace semfield::nn
