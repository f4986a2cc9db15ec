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

// How far signed distances along rays are from the truth in `margin`s, both cut off at one: truth - t at the
// sample of distance t, which holds for a surface that the ray meets head-on. What lies deeper than a margin
// behind the true surface is not known and does not count. As DepthLoss, sdf: [R, S].
torch::Tensor SignedDistanceLoss(const torch::Tensor& sdf, const torch::Tensor& distances,
                                 const torch::Tensor& truth, const torch::Tensor& known, double margin);

}  // namespace semfield
