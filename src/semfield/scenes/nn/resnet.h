#pragma once

#include <vector>

#include "semfield/scenes/nn/torch.h"

namespace semfield::nn {

// The stem of a ResNet and the stages after it, each at half the size of the one before.
struct ResNetSizes {
  std::vector<int64_t> widths;  // of the stem and of each stage, multiples of 8
  std::vector<int64_t> blocks;  // residual blocks of each stage; one entry less than widths
};

// A ResNet as a pyramid (pixelNeRF, Yu et al. 2021, 4.1): what its levels say, each resized to one size and
// joined. Group norm stands where the paper has batch norm: a training sees few pictures at a time.
class ResNetPyramidImpl : public torch::nn::Module {
 public:
  // in: channels of the pictures. beside: channels of a map that is added at the first stage, 0: none.
  // stride: of the joined maps, 2 (the stem's) or 4.
  ResNetPyramidImpl(int64_t in, int64_t beside, const ResNetSizes& sizes, int64_t stride);
  int64_t channels() const { return channels_; }  // of the joined maps

  // pictures: [N, in, H, W]; beside: [N, beside, h, w] over the same pictures, of any size
  // -> [N, channels(), ceil(H / stride), ceil(W / stride)]
  torch::Tensor forward(const torch::Tensor& pictures, const torch::Tensor& beside = {});

 private:
  const int64_t stride_, beside_channels_;
  int64_t channels_ = 0;
  torch::nn::Conv2d stem_{nullptr}, beside_{nullptr};
  torch::nn::GroupNorm stem_norm_{nullptr};
  std::vector<torch::nn::Sequential> stages_;
};
TORCH_MODULE(ResNetPyramid);

}  // namespace semfield::nn
