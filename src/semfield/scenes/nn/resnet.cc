#include "semfield/scenes/nn/resnet.h"

#include <string>

#include "semfield/base/check.h"

namespace semfield::nn {
namespace {

namespace F = torch::nn::functional;

constexpr int64_t kGroups = 8;

torch::nn::Conv2d Convolution(int64_t in, int64_t out, int64_t side, int64_t stride) {
  return torch::nn::Conv2d(
      torch::nn::Conv2dOptions(in, out, side).stride(stride).padding(side / 2).bias(false));
}

torch::nn::GroupNorm Norm(int64_t channels) {
  return torch::nn::GroupNorm(torch::nn::GroupNormOptions(kGroups, channels));
}

// Two 3 x 3 convolutions around a shortcut; the first steps by `stride`.
class BlockImpl : public torch::nn::Module {
 public:
  BlockImpl(int64_t in, int64_t out, int64_t stride) {
    first_ = register_module("first", Convolution(in, out, 3, stride));
    first_norm_ = register_module("first_norm", Norm(out));
    second_ = register_module("second", Convolution(out, out, 3, 1));
    second_norm_ = register_module("second_norm", Norm(out));
    if (in == out && stride == 1) return;
    shortcut_ = register_module("shortcut", Convolution(in, out, 1, stride));
    shortcut_norm_ = register_module("shortcut_norm", Norm(out));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor y = second_norm_(second_(torch::relu(first_norm_(first_(x)))));
    return torch::relu(y + (shortcut_.is_empty() ? x : shortcut_norm_(shortcut_(x))));
  }

 private:
  torch::nn::Conv2d first_{nullptr}, second_{nullptr}, shortcut_{nullptr};
  torch::nn::GroupNorm first_norm_{nullptr}, second_norm_{nullptr}, shortcut_norm_{nullptr};
};
TORCH_MODULE(Block);

torch::Tensor Resized(const torch::Tensor& maps, int64_t height, int64_t width) {
  if (maps.size(2) == height && maps.size(3) == width) return maps;
  if (maps.size(2) >= height && maps.size(3) >= width)
    return torch::adaptive_avg_pool2d(maps, {height, width});
  return F::interpolate(maps, F::InterpolateFuncOptions()
                                  .size(std::vector<int64_t>{height, width})
                                  .mode(torch::kBilinear)
                                  .align_corners(false));
}

}  // namespace

ResNetPyramidImpl::ResNetPyramidImpl(int64_t in, int64_t beside, const ResNetSizes& sizes, int64_t stride)
    : stride_(stride), beside_channels_(beside) {
  SF_CHECK(stride == 2 || stride == 4);
  SF_CHECK_EQ(sizes.widths.size(), sizes.blocks.size() + 1);
  stem_ = register_module("stem", Convolution(in, sizes.widths[0], 7, 2));
  stem_norm_ = register_module("stem_norm", Norm(sizes.widths[0]));
  channels_ = sizes.widths[0] + beside;
  for (size_t i = 0; i < sizes.blocks.size(); ++i) {
    torch::nn::Sequential stage;
    for (int64_t b = 0; b < sizes.blocks[i]; ++b) {
      // The first stage follows a pooling, as in every ResNet.
      stage->push_back(Block(b == 0 ? sizes.widths[i] : sizes.widths[i + 1], sizes.widths[i + 1],
                             b == 0 && i > 0 ? 2 : 1));
    }
    stages_.push_back(register_module("stage" + std::to_string(i), stage));
    channels_ += sizes.widths[i + 1];
  }
  if (beside > 0) beside_ = register_module("beside", Convolution(beside, sizes.widths[1], 1, 1));
}

torch::Tensor ResNetPyramidImpl::forward(const torch::Tensor& pictures, const torch::Tensor& beside) {
  SF_CHECK_EQ(beside.defined() ? beside.size(1) : 0, beside_channels_);
  const int64_t height = (pictures.size(2) + stride_ - 1) / stride_;
  const int64_t width = (pictures.size(3) + stride_ - 1) / stride_;
  torch::Tensor x = torch::relu(stem_norm_(stem_(pictures)));
  std::vector<torch::Tensor> levels = {Resized(x, height, width)};
  x = torch::max_pool2d(x, 3, 2, 1);
  for (size_t i = 0; i < stages_.size(); ++i) {
    x = stages_[i]->forward(x);
    if (i == 0 && beside.defined()) x = x + beside_(Resized(beside, x.size(2), x.size(3)));
    levels.push_back(Resized(x, height, width));
  }
  if (beside.defined()) levels.push_back(Resized(beside, height, width));
  return torch::cat(levels, 1);
}

}  // namespace semfield::nn
