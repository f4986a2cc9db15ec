#include "semfield/scenes/training/adam.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace semfield::nn {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.99, kEpsilon = 1e-8;

}  // namespace

Adam::Adam(std::vector<ParameterGroup> groups) : groups_(std::move(groups)) {
  for (const ParameterGroup& group : groups_) {
    first_.emplace_back();
    second_.emplace_back();
    for (const auto& [name, parameter] : group.parameters) {
      first_.back().push_back(torch::zeros_like(parameter));
      second_.back().push_back(torch::zeros_like(parameter));
    }
  }
}

void Adam::ZeroGradients() {
  for (ParameterGroup& group : groups_) {
    for (auto& [name, parameter] : group.parameters) {
      if (parameter.grad().defined()) parameter.mutable_grad().zero_();
    }
  }
}

std::vector<torch::Tensor> Adam::Gradients() {
  std::vector<torch::Tensor> gradients;
  for (ParameterGroup& group : groups_) {
    for (auto& [name, parameter] : group.parameters) {
      if (!parameter.grad().defined()) parameter.mutable_grad() = torch::zeros_like(parameter);
      gradients.push_back(parameter.grad());
    }
  }
  return gradients;
}

double Adam::ClipGradients(double most) {
  std::vector<torch::Tensor> all;
  for (const ParameterGroup& group : groups_) {
    for (const auto& [name, parameter] : group.parameters) all.push_back(parameter);
  }
  return torch::nn::utils::clip_grad_norm_(all, most);
}

void Adam::Step(int step, double factor) {
  const torch::NoGradGuard no_gradient;
  const double correct1 = 1 - std::pow(kBeta1, step), correct2 = 1 - std::pow(kBeta2, step);
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (size_t p = 0; p < groups_[g].parameters.size(); ++p) {
      torch::Tensor& parameter = groups_[g].parameters[p].second;
      if (!parameter.grad().defined()) continue;
      first_[g][p].mul_(kBeta1).add_(parameter.grad(), 1 - kBeta1);
      second_[g][p].mul_(kBeta2).addcmul_(parameter.grad(), parameter.grad(), 1 - kBeta2);
      const torch::Tensor divisor = (second_[g][p] / correct2).sqrt_().add_(kEpsilon);
      parameter.addcdiv_(first_[g][p], divisor, -factor * groups_[g].learning_rate / correct1);
    }
  }
}

std::vector<std::pair<std::string, torch::Tensor>> Adam::Tensors(bool moments) const {
  std::vector<std::pair<std::string, torch::Tensor>> tensors;
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (size_t p = 0; p < groups_[g].parameters.size(); ++p) {
      const auto& [name, parameter] = groups_[g].parameters[p];
      tensors.emplace_back(name, parameter);
      if (!moments) continue;
      tensors.emplace_back("adam.m." + name, first_[g][p]);
      tensors.emplace_back("adam.v." + name, second_[g][p]);
    }
  }
  return tensors;
}

double WarmCosine(int step, int steps, int warmup, double last) {
  if (step < warmup) return (step + 1.0) / warmup;
  const double t = std::min(1.0, static_cast<double>(step - warmup) / std::max(1, steps - warmup));
  return last + (1 - last) * 0.5 * (1 + std::cos(std::numbers::pi * t));
}

}  // namespace semfield::nn
