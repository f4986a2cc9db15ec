#pragma once

#include "semfield/scenes/nn/torch.h"

// Losses of rays that several methods share. R rays, S samples a ray.
namespace semfield {

// Mean of the values whose mask is set; 0 where none is.
torch::Tensor MeanWhere(const torch::Tensor& values, const torch::Tensor& mask);

// -log of the weight that lies within 0.025 of a distance, and ten times how far the expected distance is
// from it; weight that a ray lacks of 1 counts as if it lay at the farthest sample of all. weights,
// distances: [R, S]; truth, known: [R]. Mean over the rays whose distance is known.
torch::Tensor DepthLoss(const torch::Tensor& weights, const torch::Tensor& distances,
                        const torch::Tensor& truth, const torch::Tensor& known);

}  // namespace semfield
