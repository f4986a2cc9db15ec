#pragma once

#include <array>
#include <vector>

#include "semfield/scenes/nn/blocks.h"

namespace semfield::nn {

// Feature pyramid (Lin et al. 2017): every level through a 1 x 1 convolution, plus the next coarser one
// repeated to its size, through a 3 x 3 convolution.
class FpnImpl : public torch::nn::Module {
 public:
  FpnImpl(const std::vector<int64_t>& widths, int64_t out);  // widths of the levels, the finest first
  // levels: [N, widths[i], h_i, w_i], each at most twice as large as the next one -> the same sizes with
  // `out` channels.
  std::vector<torch::Tensor> forward(const std::vector<torch::Tensor>& levels);

 private:
  std::vector<torch::nn::Conv2d> laterals_, smooth_;
};
TORCH_MODULE(Fpn);

struct ResPyramidOptions {
  int64_t width = 16;                         // of the first stage; the others have 2 and 4 times as many
  std::array<int64_t, 3> blocks = {1, 2, 2};  // of the stages at 1/4, 1/8 and 1/16; ResNet-34's: 3, 4, 6
  int64_t fine_width = 16;                    // of the fine map
  int64_t level_width = 16;                   // of each level of the pyramid
};

struct PyramidMaps {
  torch::Tensor fine;    // [N, fine_width, ceil(H / 4), ceil(W / 4)] by the U-Net's way up: details
  torch::Tensor levels;  // [N, 4 level_width, the same]: the pyramid's four levels, the finest first
};

// A residual network over pictures with two outputs: a U-Net's way up as IBRNet's, and a feature pyramid of
// the levels at 1/2, 1/4, 1/8 and 1/16 of the size, all resized to 1/4.
class ResPyramidImpl : public torch::nn::Module {
 public:
  explicit ResPyramidImpl(const ResPyramidOptions& options);
  PyramidMaps forward(const torch::Tensor& pictures);  // [N, 3, H, W]

 private:
  torch::nn::Conv2d stem_{nullptr}, up8_{nullptr}, up4_{nullptr}, last_{nullptr};
  torch::nn::InstanceNorm2d stem_norm_{nullptr};
  torch::nn::Sequential stage4_, stage8_, stage16_;
  Fpn fpn_{nullptr};
};
TORCH_MODULE(ResPyramid);

}  // namespace semfield::nn
