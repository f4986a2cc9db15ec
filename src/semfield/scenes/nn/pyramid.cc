#include "semfield/scenes/nn/pyramid.h"

#include <string>

#include "semfield/base/check.h"

namespace semfield::nn {
namespace {

namespace F = torch::nn::functional;

torch::nn::Sequential Stage(int64_t in, int64_t out, int64_t blocks) {
  SF_CHECK(blocks > 0);
  torch::nn::Sequential stage;
  for (int64_t i = 0; i < blocks; ++i)
    stage->push_back(ResidualBlock(i == 0 ? in : out, out, i == 0 ? 2 : 1));
  return stage;
}

}  // namespace

FpnImpl::FpnImpl(const std::vector<int64_t>& widths, int64_t out) {
  for (size_t i = 0; i < widths.size(); ++i) {
    laterals_.push_back(register_module("lateral" + std::to_string(i), Convolution(widths[i], out, 1, 1)));
    smooth_.push_back(register_module("smooth" + std::to_string(i), Convolution(out, out, 3, 1)));
  }
}

std::vector<torch::Tensor> FpnImpl::forward(const std::vector<torch::Tensor>& levels) {
  SF_CHECK(levels.size() == laterals_.size());
  std::vector<torch::Tensor> out(levels.size());
  torch::Tensor above;
  for (size_t i = levels.size(); i-- > 0;) {
    torch::Tensor sum = laterals_[i](levels[i]);
    if (above.defined()) {
      const auto options = F::InterpolateFuncOptions().size(sum.sizes().slice(2).vec()).mode(torch::kNearest);
      sum = sum + F::interpolate(above, options);
    }
    above = sum;
    out[i] = smooth_[i](sum);
  }
  return out;
}

ResPyramidImpl::ResPyramidImpl(const ResPyramidOptions& options) {
  const int64_t w = options.width;
  stem_ = register_module("stem", Convolution(3, w, 7, 2));
  stem_norm_ = register_module("stem_norm", InstanceNorm(w));
  stage4_ = register_module("stage4", Stage(w, w, options.blocks[0]));
  stage8_ = register_module("stage8", Stage(w, 2 * w, options.blocks[1]));
  stage16_ = register_module("stage16", Stage(2 * w, 4 * w, options.blocks[2]));
  up8_ = register_module("up8", Convolution(6 * w, 2 * w, 3, 1));
  up4_ = register_module("up4", Convolution(3 * w, w, 3, 1));
  last_ = register_module("last", Convolution(w, options.fine_width, 1, 1));
  fpn_ = register_module("fpn", Fpn(std::vector<int64_t>{w, w, 2 * w, 4 * w}, options.level_width));
}

PyramidMaps ResPyramidImpl::forward(const torch::Tensor& pictures) {
  const torch::Tensor at2 = torch::relu(stem_norm_(stem_(pictures)));
  const torch::Tensor at4 = stage4_->forward(at2);
  const torch::Tensor at8 = stage8_->forward(at4);
  const torch::Tensor at16 = stage16_->forward(at8);
  torch::Tensor up = torch::elu(up8_(torch::cat({at8, ResizedLike(at16, at8)}, 1)));
  up = torch::elu(up4_(torch::cat({at4, ResizedLike(up, at4)}, 1)));
  PyramidMaps maps{.fine = last_(up)};
  std::vector<torch::Tensor> levels = fpn_(std::vector<torch::Tensor>{at2, at4, at8, at16});
  for (torch::Tensor& level : levels) {
    if (level.size(2) != at4.size(2) || level.size(3) != at4.size(3)) level = ResizedLike(level, at4);
  }
  maps.levels = torch::cat(levels, 1);
  return maps;
}

}  // namespace semfield::nn
