#pragma once

#include "semfield/scenes/nn/torch.h"

// The transformers of GNT (Varma T. et al. 2023), which GP-NeRF takes over: over the views that see a point,
// and over the points of a ray. P points, V views, R rays, S points a ray, d channels. Without dropout.
namespace semfield::nn {

// What the sources of points say, and from where they look.
struct ViewTokens {
  torch::Tensor features;    // [P, V, d]
  torch::Tensor difference;  // [P, V, 4], as RayDifference
  torch::Tensor valid;       // [P, V] bool: others have no attention
};

struct ViewAttended {
  torch::Tensor values;     // [P, d]
  torch::Tensor attention;  // [P, V, d]: 1 in sum over the valid views, for every channel by itself
};

// Subtraction attention: k = W_k f, v = W_v k, p = MLP(difference), A = softmax over views of
// MLP(k - W_q q + p), W_o sum_i A_i (v_i + p_i). A point without a valid view: values 0 before W_o.
class ViewAttentionImpl : public torch::nn::Module {
 public:
  explicit ViewAttentionImpl(int64_t width);
  ViewAttended forward(const torch::Tensor& queries, const ViewTokens& sources);  // queries: [P, d]

 private:
  static constexpr int64_t kHidden = 8;  // channels of the two small MLPs
  torch::nn::Linear query_{nullptr}, key_{nullptr}, value_{nullptr}, out_{nullptr};
  torch::nn::Linear position_in_{nullptr}, position_out_{nullptr}, score_in_{nullptr}, score_out_{nullptr};
};
TORCH_MODULE(ViewAttention);

struct RayAttended {
  torch::Tensor values;     // [R, S, d]
  torch::Tensor attention;  // [R, heads, S, S]: of every point (rows) to every point, 1 in sum of a row
};

// Scaled dot-product attention of several heads among the points of each ray.
class RayAttentionImpl : public torch::nn::Module {
 public:
  RayAttentionImpl(int64_t width, int64_t heads);    // width is a multiple of heads
  RayAttended forward(const torch::Tensor& points);  // [R, S, d]

 private:
  const int64_t heads_;
  torch::nn::Linear query_key_value_{nullptr}, out_{nullptr};
};
TORCH_MODULE(RayAttention);

// x + attention(LN(x)), then y + MLP(LN(y)) with a hidden layer of four times the width and ReLU.
class ViewTransformerImpl : public torch::nn::Module {
 public:
  explicit ViewTransformerImpl(int64_t width);
  ViewAttended forward(const torch::Tensor& queries, const ViewTokens& sources);

 private:
  ViewAttention attention_{nullptr};
  torch::nn::LayerNorm before_{nullptr};
  torch::nn::Sequential feed_forward_;
};
TORCH_MODULE(ViewTransformer);

class RayTransformerImpl : public torch::nn::Module {
 public:
  RayTransformerImpl(int64_t width, int64_t heads);
  RayAttended forward(const torch::Tensor& points);

 private:
  RayAttention attention_{nullptr};
  torch::nn::LayerNorm before_{nullptr};
  torch::nn::Sequential feed_forward_;
};
TORCH_MODULE(RayTransformer);

// x, then sin and cos of 2^0 x ... 2^(octaves - 1) x. [..., n] -> [..., n (2 octaves + 1)]
torch::Tensor PositionalEncoding(const torch::Tensor& x, int64_t octaves);

}  // namespace semfield::nn
