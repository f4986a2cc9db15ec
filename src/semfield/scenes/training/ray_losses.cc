#include "semfield/scenes/training/ray_losses.h"

namespace semfield {
namespace {

constexpr double kTrueWithin = 0.025;  // units around the true distance in which weights are to lie
constexpr double kLeast = 1e-4;

}  // namespace

torch::Tensor MeanWhere(const torch::Tensor& values, const torch::Tensor& mask) {
  const torch::Tensor weight = mask.to(values.dtype());
  return (values * weight).sum() / weight.sum().clamp_min(1);
}

torch::Tensor DepthLoss(const torch::Tensor& weights, const torch::Tensor& distances,
                        const torch::Tensor& truth, const torch::Tensor& known) {
  const torch::Tensor near = ((distances - truth.unsqueeze(1)).abs() < kTrueWithin).to(weights.dtype());
  const torch::Tensor mass = (weights * near).sum(1);
  const torch::Tensor some = known & (near.sum(1) > 0);
  const torch::Tensor expected = (weights * distances).sum(1) + (1 - weights.sum(1)) * distances.max();
  return MeanWhere(-(mass + kLeast).log(), some) + 10 * MeanWhere((expected - truth).abs(), known);
}

torch::Tensor SignedDistanceLoss(const torch::Tensor& sdf, const torch::Tensor& distances,
                                 const torch::Tensor& truth, const torch::Tensor& known, double margin) {
  const torch::Tensor before = (truth.unsqueeze(1) - distances) / margin;
  const torch::Tensor counts = known.unsqueeze(1) & (before > -1);
  return MeanWhere((sdf / margin - before.clamp(-1, 1)).abs(), counts);
}

}  // namespace semfield
