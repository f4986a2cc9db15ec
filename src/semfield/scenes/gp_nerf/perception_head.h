#pragma once

#include <string>
#include <vector>

#include "semfield/scenes/nn/torch.h"

namespace semfield {

// GP-NeRF's perception head: a map of semantic features, whose channels are four levels, the finest first, to
// logits of classes. Level i is shrunk to 1 / 2^i first, as a level of a pyramid would be.
// unet: from the coarsest level on, an up-convolution of what is there, plus the next level, through two 3 x
// 3 convolutions with ReLU (Eq. 3). fpn: every level through 3 x 3 convolutions with group norm, enlarged,
// and summed (the released code).
class PerceptionHeadImpl : public torch::nn::Module {
 public:
  PerceptionHeadImpl(const std::string& form, int64_t level_width, int64_t classes);
  torch::Tensor forward(const torch::Tensor& map);  // [N, 4 level_width, h, w] -> [N, classes, h, w]

 private:
  static constexpr int64_t kLevels = 4;
  torch::Tensor Up(const std::vector<torch::Tensor>& levels);
  torch::Tensor Sum(const std::vector<torch::Tensor>& levels);

  const bool sums_;
  std::vector<torch::nn::ConvTranspose2d> up_;
  std::vector<torch::nn::Sequential> mix_;
  torch::nn::Conv2d last_{nullptr};
};
TORCH_MODULE(PerceptionHead);

}  // namespace semfield
