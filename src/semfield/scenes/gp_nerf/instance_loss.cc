#include "semfield/scenes/gp_nerf/instance_loss.h"

#include <vector>

#include "semfield/base/assignment.h"

namespace semfield {
namespace {

constexpr double kLeast = 1e-6;

// [things, channels] as numbers.
std::vector<std::vector<double>> Numbers(const torch::Tensor& costs) {
  const torch::Tensor flat = costs.detach().to(torch::kDouble).contiguous();
  std::vector<std::vector<double>> rows;
  for (int64_t g = 0; g < flat.size(0); ++g)
    rows.emplace_back(flat.data_ptr<double>() + g * flat.size(1),
                      flat.data_ptr<double>() + (g + 1) * flat.size(1));
  return rows;
}

}  // namespace

InstanceLosses InstanceLoss(const torch::Tensor& logits, const torch::Tensor& ids) {
  const torch::Tensor all = ids.flatten();
  const torch::Tensor pixels = torch::nonzero(all >= 0).squeeze(1);
  if (pixels.size(0) == 0) return {.loss = logits.sum() * 0};
  const torch::Tensor id = all.index_select(0, pixels);
  const torch::Tensor logarithm =
      torch::log_softmax(logits.flatten(2).squeeze(0).t().index_select(0, pixels), 1);  // [n, K]
  const torch::Tensor p = logarithm.exp();
  const torch::Tensor things = std::get<0>(at::_unique(id));
  const torch::Tensor masks = (id.unsqueeze(0) == things.unsqueeze(1)).to(torch::kFloat);  // [G, n]
  const torch::Tensor areas = masks.sum(1, true);
  const torch::Tensor nll = -torch::matmul(masks, logarithm) / areas;
  const torch::Tensor both = torch::matmul(masks, p);
  const torch::Tensor iou = both / (areas + p.sum(0, true) - both).clamp_min(kLeast);
  const torch::Tensor costs = nll + 1 - iou;  // [G, K]

  const std::vector<int> channel_of = LeastCostAssignment(Numbers(costs));
  InstanceLosses losses;
  torch::Tensor sum = torch::zeros({});
  torch::Tensor unmatched = torch::ones({p.size(1)});
  torch::Tensor of_pixel = torch::full({pixels.size(0)}, -1, torch::kLong);
  int matched = 0;
  for (size_t g = 0; g < channel_of.size(); ++g) {
    if (channel_of[g] < 0) continue;
    const auto row = static_cast<int64_t>(g);
    sum = sum + costs[row][channel_of[g]];
    unmatched[channel_of[g]] = 0;
    of_pixel.masked_fill_(masks[row] > 0, channel_of[g]);
    ++matched;
  }
  const torch::Tensor spare = (p.mean(0) * unmatched).sum() / unmatched.sum().clamp_min(1);
  losses.loss = sum / matched + spare;
  losses.right = (logarithm.argmax(1) == of_pixel).to(torch::kFloat).mean().item<double>();
  return losses;
}

}  // namespace semfield
