#pragma once

#include <string>
#include <utility>
#include <vector>

#include "semfield/scenes/nn/torch.h"

namespace semfield::nn {

// Parameters that step alike.
struct ParameterGroup {
  std::string name;
  std::vector<std::pair<std::string, torch::Tensor>> parameters;  // by name, as a checkpoint has them
  double learning_rate = 1e-3;                                    // before the schedule
};

// Adam (Kingma and Ba 2015) over groups, with moments that a checkpoint can hold: LibTorch's own hides them
// behind its archive format.
class Adam {
 public:
  explicit Adam(std::vector<ParameterGroup> groups);
  void ZeroGradients();
  // Of all parameters, in order; those that have none get zeros. They share memory with the parameters'.
  std::vector<torch::Tensor> Gradients();
  // Scales all gradients so that their norm is at most `most`; returns the norm before.
  double ClipGradients(double most);
  // step: from 1; factor: of the schedule, times each group's learning rate. Parameters without a gradient
  // stay.
  void Step(int step, double factor);
  // Parameters by name, and with `moments` "adam.m.NAME" and "adam.v.NAME" too. All share memory with this.
  std::vector<std::pair<std::string, torch::Tensor>> Tensors(bool moments) const;
  const std::vector<ParameterGroup>& groups() const { return groups_; }

 private:
  std::vector<ParameterGroup> groups_;
  std::vector<std::vector<torch::Tensor>> first_, second_;  // [groups][parameters]
};

// Linear from 0 over `warmup` steps, then half a cosine down to `last` of the whole. step: from 0.
double WarmCosine(int step, int steps, int warmup, double last);

}  // namespace semfield::nn
