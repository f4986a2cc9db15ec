#include "semfield/scenes/gp_nerf/perception_head.h"

#include <algorithm>

#include "semfield/scenes/nn/blocks.h"

namespace semfield {

PerceptionHeadImpl::PerceptionHeadImpl(const std::string& form, int64_t level_width, int64_t classes)
    : sums_(form == "fpn") {
  const int64_t c = level_width;
  for (int64_t i = 0; i < kLevels; ++i) {
    const std::string at = std::to_string(i);
    torch::nn::Sequential mix;
    if (sums_) {
      for (int64_t step = 0; step < std::max<int64_t>(1, i); ++step) {
        mix->push_back(nn::Convolution(c, c, 3, 1));
        mix->push_back(torch::nn::GroupNorm(torch::nn::GroupNormOptions(4, c)));
        mix->push_back(torch::nn::ReLU());
      }
    } else {
      mix = torch::nn::Sequential(nn::Convolution(c, c, 3, 1), torch::nn::ReLU(), nn::Convolution(c, c, 3, 1),
                                  torch::nn::ReLU());
    }
    mix_.push_back(register_module("mix" + at, mix));
    if (sums_ || i + 1 == kLevels) continue;
    const auto twice = torch::nn::ConvTranspose2dOptions(c, c, 2).stride(2);
    up_.push_back(register_module("up" + at, torch::nn::ConvTranspose2d(twice)));
  }
  last_ = register_module("last", nn::Convolution(c, classes, 1, 1));
}

torch::Tensor PerceptionHeadImpl::forward(const torch::Tensor& map) {
  const auto options =
      torch::nn::functional::AvgPool2dFuncOptions(2).ceil_mode(true).count_include_pad(false);
  std::vector<torch::Tensor> levels = map.chunk(kLevels, 1);
  for (size_t i = 0; i < levels.size(); ++i) {
    for (size_t halving = 0; halving < i; ++halving)
      levels[i] = torch::nn::functional::avg_pool2d(levels[i], options);
  }
  return last_(sums_ ? Sum(levels) : Up(levels));
}

torch::Tensor PerceptionHeadImpl::Up(const std::vector<torch::Tensor>& levels) {
  torch::Tensor at;
  for (size_t i = kLevels; i-- > 0;) {
    torch::Tensor sum = levels[i];
    if (at.defined())  // of an odd size, twice the half of it is one too many
      sum = sum + up_[i](at).narrow(2, 0, sum.size(2)).narrow(3, 0, sum.size(3));
    at = mix_[i]->forward(sum);
  }
  return at;
}

torch::Tensor PerceptionHeadImpl::Sum(const std::vector<torch::Tensor>& levels) {
  torch::Tensor sum = mix_[0]->forward(levels[0]);
  for (size_t i = 1; i < levels.size(); ++i)
    sum = sum + nn::ResizedLike(mix_[i]->forward(levels[i]), levels[0]);
  return sum;
}

}  // namespace semfield
