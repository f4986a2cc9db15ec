#include "semfield/scenes/nn/blocks.h"

#include "semfield/base/check.h"

namespace semfield::nn {

namespace F = torch::nn::functional;

torch::nn::Conv2d Convolution(int64_t in, int64_t out, int64_t side, int64_t stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, side).stride(stride).padding(side / 2));
}

torch::nn::InstanceNorm2d InstanceNorm(int64_t channels) {
  return torch::nn::InstanceNorm2d(torch::nn::InstanceNorm2dOptions(channels).affine(true));
}

torch::Tensor ResizedLike(const torch::Tensor& x, const torch::Tensor& like) {
  const auto sizes = like.sizes().slice(2).vec();
  F::InterpolateFuncOptions options = F::InterpolateFuncOptions().size(sizes).align_corners(false);
  if (sizes.size() == 2) return F::interpolate(x, options.mode(torch::kBilinear));
  return F::interpolate(x, options.mode(torch::kTrilinear));
}

torch::nn::Sequential Mlp(const std::vector<int64_t>& widths) {
  SF_CHECK(widths.size() >= 2);
  torch::nn::Sequential layers;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    layers->push_back(torch::nn::Linear(widths[i], widths[i + 1]));
    if (i + 2 < widths.size()) layers->push_back(torch::nn::ELU());
  }
  return layers;
}

ResidualBlockImpl::ResidualBlockImpl(int64_t in, int64_t out, int64_t stride) {
  first_ = register_module("first", Convolution(in, out, 3, stride));
  first_norm_ = register_module("first_norm", InstanceNorm(out));
  second_ = register_module("second", Convolution(out, out, 3, 1));
  second_norm_ = register_module("second_norm", InstanceNorm(out));
  if (in != out || stride != 1) shortcut_ = register_module("shortcut", Convolution(in, out, 1, stride));
}

torch::Tensor ResidualBlockImpl::forward(const torch::Tensor& x) {
  const torch::Tensor y = second_norm_(second_(torch::relu(first_norm_(first_(x)))));
  return torch::relu(y + (shortcut_.is_empty() ? x : shortcut_(x)));
}

ResUNetImpl::ResUNetImpl(int64_t width, int64_t out) {
  stem_ = register_module("stem", Convolution(3, width, 5, 2));
  stem_norm_ = register_module("stem_norm", InstanceNorm(width));
  down4_ = register_module("down4", ResidualBlock(width, width, 2));
  down8_ = register_module("down8", ResidualBlock(width, 2 * width, 2));
  down16_ = register_module("down16", ResidualBlock(2 * width, 2 * width, 2));
  up8_ = register_module("up8", Convolution(4 * width, 2 * width, 3, 1));
  up4_ = register_module("up4", Convolution(3 * width, 2 * width, 3, 1));
  last_ = register_module("last", Convolution(2 * width, out, 1, 1));
}

torch::Tensor ResUNetImpl::forward(const torch::Tensor& pictures) {
  const torch::Tensor at4 = down4_(torch::relu(stem_norm_(stem_(pictures))));
  const torch::Tensor at8 = down8_(at4);
  const torch::Tensor at16 = down16_(at8);
  torch::Tensor up = torch::elu(up8_(torch::cat({at8, ResizedLike(at16, at8)}, 1)));
  up = torch::elu(up4_(torch::cat({at4, ResizedLike(up, at4)}, 1)));
  return last_(up);
}

torch::nn::Sequential UNet3dImpl::Level(int64_t in, int64_t out, int64_t stride) {
  const auto convolution = torch::nn::Conv3dOptions(in, out, 3).stride(stride).padding(1);
  return torch::nn::Sequential(torch::nn::Conv3d(convolution),
                               torch::nn::GroupNorm(torch::nn::GroupNormOptions(4, out)), torch::nn::ReLU());
}

UNet3dImpl::UNet3dImpl(int64_t in, int64_t width, int64_t out) {
  enter_ = register_module("enter", Level(in, width, 1));
  half_ = register_module("half", Level(width, 2 * width, 2));
  quarter_ = register_module("quarter", Level(2 * width, 2 * width, 2));
  up_half_ = register_module("up_half", Level(4 * width, 2 * width, 1));
  up_full_ = register_module("up_full", Level(3 * width, width, 1));
  last_ = register_module("last", torch::nn::Conv3d(torch::nn::Conv3dOptions(width, out, 1)));
}

torch::Tensor UNet3dImpl::forward(const torch::Tensor& volume) {
  for (int64_t axis = 2; axis < 5; ++axis) SF_CHECK(volume.size(axis) % 4 == 0);
  const torch::Tensor full = enter_->forward(volume);
  const torch::Tensor half = half_->forward(full);
  const torch::Tensor quarter = quarter_->forward(half);
  torch::Tensor up = up_half_->forward(torch::cat({half, ResizedLike(quarter, half)}, 1));
  up = up_full_->forward(torch::cat({full, ResizedLike(up, full)}, 1));
  return last_(up);
}

}  // namespace semfield::nn
