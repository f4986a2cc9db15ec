#pragma once

#include "semfield/scenes/nn/torch.h"

// Samples along rays and how they are composited. R rays, S samples a ray, in order of distance.
namespace semfield::nn {

// Distances evenly spaced in inverse distance, one in each of `count` bins: in its middle, or anywhere in it
// where `jitter` [R, count] in [0, 1) is given. near, far: [R], 0 < near < far. -> [R, count]
torch::Tensor InverseDepthSamples(const torch::Tensor& near, const torch::Tensor& far, int64_t count,
                                  const torch::Tensor& jitter = {});
// The same evenly in distance.
torch::Tensor EvenSamples(const torch::Tensor& near, const torch::Tensor& far, int64_t count,
                          const torch::Tensor& jitter = {});

// Distance at which rays leave the box from 0 to `box` [3]; negative where it lies behind them. origins,
// directions: [R, 3] -> [R]
torch::Tensor LeaveBox(const torch::Tensor& box, const torch::Tensor& origins,
                       const torch::Tensor& directions);

// Distances drawn from a piecewise constant density: edges [R, B + 1], weights [R, B] >= 0 to which 1e-5 is
// added. u: [R, count] in [0, 1). No gradient. -> [R, count], in the order of u
torch::Tensor PdfSamples(const torch::Tensor& edges, const torch::Tensor& weights, const torch::Tensor& u);
// The middles of `count` equal parts of [0, 1) for every ray. -> [rays, count]
torch::Tensor EvenUnits(int64_t rays, int64_t count);

// Weights of samples. sigma, sdf: [R, S] -> [R, S].
// GNeSF, Eq. 7: T (1 - exp(-sigma)), without the length of a step.
torch::Tensor OpacityWeights(const torch::Tensor& sigma);
// GNeSF, Eq. 8 and 9: sigmoid(s / tr) sigmoid(-s / tr), 0 more than tr beyond where the ray first goes from
// the outside (s > 0) to the inside, 1 in sum. A ray that never does has no weight at all. `beyond`: where
// samples lie farther apart than tr, how far beyond instead.
torch::Tensor SurfaceWeights(const torch::Tensor& sdf, const torch::Tensor& distances, double truncation,
                             double beyond = 0);

// GNeSF's visibility: what a source sees of a place by the signs of the signed distances on the way there.
// From outside to inside it is seen; to outside again, something lies before it. A way that begins inside is
// looked at from where it first is outside. signs: [..., S] signed distances in order -> [...] bool
torch::Tensor SeenBySigns(const torch::Tensor& sdf);

// sum_m w_m v_m: weights [R, S], values [R, S, C] -> [R, C].
torch::Tensor Composite(const torch::Tensor& weights, const torch::Tensor& values);
// Distance where the weights, summed in order of distance, pass 1/2; 0 where they never do. weights,
// distances: [R, S], distances in any order -> [R]
torch::Tensor MedianDistance(const torch::Tensor& weights, const torch::Tensor& distances);

}  // namespace semfield::nn
