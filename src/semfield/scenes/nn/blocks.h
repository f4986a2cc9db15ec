#pragma once

#include <vector>

#include "semfield/scenes/nn/torch.h"

namespace semfield::nn {

// Linear layers with ELU between them, and none after the last. widths: input, hidden ..., output.
torch::nn::Sequential Mlp(const std::vector<int64_t>& widths);

// A square convolution that keeps the size where it does not step.
torch::nn::Conv2d Convolution(int64_t in, int64_t out, int64_t side, int64_t stride);
// With a scale and a shift of every channel.
torch::nn::InstanceNorm2d InstanceNorm(int64_t channels);
// Linear between pixels or cells, to the size of `like` in all dimensions but the first two.
torch::Tensor ResizedLike(const torch::Tensor& x, const torch::Tensor& like);

// Two 3 x 3 convolutions with instance norm around a shortcut; the first steps by `stride`.
class ResidualBlockImpl : public torch::nn::Module {
 public:
  ResidualBlockImpl(int64_t in, int64_t out, int64_t stride);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv2d first_{nullptr}, second_{nullptr}, shortcut_{nullptr};  // shortcut_: null where equal
  torch::nn::InstanceNorm2d first_norm_{nullptr}, second_norm_{nullptr};
};
TORCH_MODULE(ResidualBlock);

// U-Net of residual blocks over pictures (as IBRNet's ResUNet, smaller): down to 1/16 of the size, up again
// to 1/4 with what was there on the way down. [N, 3, H, W] -> [N, out, ceil(H / 4), ceil(W / 4)].
class ResUNetImpl : public torch::nn::Module {
 public:
  ResUNetImpl(int64_t width, int64_t out);
  torch::Tensor forward(const torch::Tensor& pictures);

 private:
  torch::nn::Conv2d stem_{nullptr}, up8_{nullptr}, up4_{nullptr}, last_{nullptr};
  torch::nn::InstanceNorm2d stem_norm_{nullptr};
  ResidualBlock down4_{nullptr}, down8_{nullptr}, down16_{nullptr};
};
TORCH_MODULE(ResUNet);

// U-Net over volumes with two halvings. [1, in, Z, Y, X] -> [1, out, Z, Y, X]; sides are multiples of 4.
class UNet3dImpl : public torch::nn::Module {
 public:
  UNet3dImpl(int64_t in, int64_t width, int64_t out);
  torch::Tensor forward(const torch::Tensor& volume);

 private:
  torch::nn::Sequential Level(int64_t in, int64_t out, int64_t stride);
  torch::nn::Sequential enter_, half_, quarter_, up_half_, up_full_;
  torch::nn::Conv3d last_{nullptr};
};
TORCH_MODULE(UNet3d);

}  // namespace semfield::nn
