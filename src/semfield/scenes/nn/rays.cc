#include "semfield/scenes/nn/rays.h"

#include <algorithm>

namespace semfield::nn {
namespace {

using torch::indexing::None;
using torch::indexing::Slice;

// [R, count] in [0, 1): a place in each of `count` equal parts.
torch::Tensor Parts(const torch::Tensor& like, int64_t count, const torch::Tensor& jitter) {
  const torch::Tensor within = jitter.defined() ? jitter : torch::full({like.size(0), count}, 0.5f);
  return (torch::arange(count, torch::kFloat).unsqueeze(0) + within) / static_cast<double>(count);
}

}  // namespace

torch::Tensor InverseDepthSamples(const torch::Tensor& near, const torch::Tensor& far, int64_t count,
                                  const torch::Tensor& jitter) {
  const torch::Tensor t = Parts(near, count, jitter);
  return 1 / ((1 - t) / near.unsqueeze(1) + t / far.unsqueeze(1));
}

torch::Tensor EvenSamples(const torch::Tensor& near, const torch::Tensor& far, int64_t count,
                          const torch::Tensor& jitter) {
  const torch::Tensor t = Parts(near, count, jitter);
  return (1 - t) * near.unsqueeze(1) + t * far.unsqueeze(1);
}

torch::Tensor LeaveBox(const torch::Tensor& box, const torch::Tensor& origins,
                       const torch::Tensor& directions) {
  const torch::Tensor safe =
      torch::where(directions.abs() > 1e-6, directions, torch::full_like(directions, 1e-6));
  const torch::Tensor a = -origins / safe, b = (box.unsqueeze(0) - origins) / safe;
  return std::get<0>(torch::maximum(a, b).min(1));
}

torch::Tensor PdfSamples(const torch::Tensor& edges, const torch::Tensor& weights, const torch::Tensor& u) {
  const torch::NoGradGuard no_gradient;
  const torch::Tensor padded = weights.detach() + 1e-5;
  const torch::Tensor pdf = padded / padded.sum(1, true);
  const torch::Tensor zero = torch::zeros({pdf.size(0), 1});
  const torch::Tensor cdf = torch::cat({zero, pdf.cumsum(1)}, 1).contiguous();  // [R, B + 1]
  const torch::Tensor above = torch::searchsorted(cdf, u.contiguous(), false, true).clamp(1, weights.size(1));
  const torch::Tensor low = cdf.gather(1, above - 1), high = cdf.gather(1, above);
  const torch::Tensor within = ((u - low) / (high - low).clamp_min(1e-9)).clamp(0, 1);
  const torch::Tensor from = edges.gather(1, above - 1);
  return from + within * (edges.gather(1, above) - from);
}

torch::Tensor EvenUnits(int64_t rays, int64_t count) {
  return ((torch::arange(count, torch::kFloat) + 0.5) / static_cast<double>(count))
      .unsqueeze(0)
      .expand({rays, count});
}

torch::Tensor OpacityWeights(const torch::Tensor& sigma) {
  const torch::Tensor before = sigma.cumsum(1) - sigma;
  return torch::exp(-before) * (1 - torch::exp(-sigma));
}

torch::Tensor SurfaceWeights(const torch::Tensor& sdf, const torch::Tensor& distances, double truncation,
                             double beyond) {
  const torch::Tensor bell = torch::sigmoid(sdf / truncation) * torch::sigmoid(-sdf / truncation);
  const torch::Tensor enters =
      (sdf.index({Slice(), Slice(None, -1)}) > 0) & (sdf.index({Slice(), Slice(1, None)}) <= 0);
  const torch::Tensor first = enters.to(torch::kFloat).argmax(1, true);  // the first of equal ones
  const torch::Tensor ends = distances.gather(1, first) + std::max(beyond, truncation);
  const torch::Tensor counts = enters.any(1, true) & (distances < ends);
  const torch::Tensor weights = bell * counts.to(bell.dtype());
  return weights / (weights.sum(1, true) + 1e-8);
}

torch::Tensor SeenBySigns(const torch::Tensor& sdf) {
  const auto from_here_on = [](const torch::Tensor& t) { return t.to(torch::kUInt8).cumsum(-1) > 0; };
  const torch::Tensor outside = sdf > 0;
  const torch::Tensor entered = from_here_on(from_here_on(outside) & (sdf < 0));
  return ~(entered & outside).any(-1);
}

torch::Tensor Composite(const torch::Tensor& weights, const torch::Tensor& values) {
  return (weights.unsqueeze(-1) * values).sum(1);
}

torch::Tensor MedianDistance(const torch::Tensor& weights, const torch::Tensor& distances) {
  const torch::Tensor order = distances.argsort(1, false);
  const torch::Tensor passed = weights.gather(1, order).cumsum(1) >= 0.5;
  const torch::Tensor first = passed.to(torch::kFloat).argmax(1, true);
  return distances.gather(1, order.gather(1, first)).squeeze(1) * passed.any(1).to(torch::kFloat);
}

}  // namespace semfield::nn
