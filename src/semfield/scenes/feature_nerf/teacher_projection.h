#pragma once

#include <string>
#include <utility>
#include <vector>

#include "semfield/perception/feature_map.h"
#include "semfield/scenes/nn/torch.h"

namespace semfield {

// Features of a teacher in fewer numbers: their largest principal components over the pictures that were
// looked at first, scaled so that the mean square of a component is 1. Kept with the weights.
struct TeacherProjection {
  std::string teacher;  // its name
  torch::Tensor mean;   // [C]
  torch::Tensor basis;  // [C, channels], orthonormal columns, each with a positive sum
  torch::Tensor scale;  // [1]

  // rows: [P, C], more of them than channels. The same rows give the same bits.
  static TeacherProjection Fit(const std::string& teacher, const torch::Tensor& rows, int64_t channels);
  torch::Tensor Apply(const torch::Tensor& rows) const;  // [P, C] -> [P, channels]
  int64_t channels() const { return basis.size(1); }
  std::vector<std::pair<std::string, torch::Tensor>> Tensors() const;  // to keep with weights
};

}  // namespace semfield
