#include "semfield/scenes/nn/attention.h"

#include <cmath>

#include "semfield/base/check.h"
#include "semfield/scenes/nn/short_attention.h"
#include "semfield/scenes/nn/views.h"

namespace semfield::nn {
namespace {

constexpr int64_t kFeedForward = 4;  // hidden channels over the width

torch::nn::Linear NoBias(int64_t in, int64_t out) {
  return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false));
}

torch::nn::LayerNorm NormOf(int64_t width) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}));
}

torch::nn::Sequential FeedForward(int64_t width) {
  return torch::nn::Sequential(NormOf(width), torch::nn::Linear(width, kFeedForward * width),
                               torch::nn::ReLU(), torch::nn::Linear(kFeedForward * width, width));
}

}  // namespace

ViewAttentionImpl::ViewAttentionImpl(int64_t width) {
  query_ = register_module("query", NoBias(width, width));
  key_ = register_module("key", NoBias(width, width));
  value_ = register_module("value", NoBias(width, width));
  out_ = register_module("out", torch::nn::Linear(width, width));
  position_in_ = register_module("position_in", torch::nn::Linear(4, kHidden));
  position_out_ = register_module("position_out", torch::nn::Linear(kHidden, width));
  score_in_ = register_module("score_in", torch::nn::Linear(width, kHidden));
  score_out_ = register_module("score_out", torch::nn::Linear(kHidden, width));
}

ViewAttended ViewAttentionImpl::forward(const torch::Tensor& queries, const ViewTokens& sources) {
  // Keys, values and positions are linear in what is given, and so is what the scores' hidden layer takes of
  // them: their matrices are multiplied with each other first, so that one product per source makes all.
  const torch::Tensor in = score_in_->weight;  // [hidden, d]
  const torch::Tensor to_hidden =
      torch::cat({torch::matmul(in, key_->weight), torch::matmul(in, position_out_->weight)}, 1);
  const torch::Tensor to_values =
      torch::cat({torch::matmul(value_->weight, key_->weight), position_out_->weight}, 1);
  const torch::Tensor positions = torch::relu(position_in_(sources.difference));
  const torch::Tensor said = torch::cat({sources.features, positions}, -1);  // [P, V, d + hidden]
  const torch::Tensor of_query = torch::matmul(queries, torch::matmul(in, query_->weight).t()).unsqueeze(1);
  const torch::Tensor bias = score_in_->bias + torch::matmul(in, position_out_->bias);
  const torch::Tensor hidden = torch::relu(torch::nn::functional::linear(said, to_hidden, bias) - of_query);
  const torch::Tensor values = torch::nn::functional::linear(said, to_values, position_out_->bias);
  const torch::Tensor scores = score_out_(hidden);
  ViewAttended attended;
  attended.attention = SoftmaxOverViews(scores, sources.valid.unsqueeze(-1));
  attended.values = out_((attended.attention * values).sum(1));
  return attended;
}

RayAttentionImpl::RayAttentionImpl(int64_t width, int64_t heads) : heads_(heads) {
  SF_CHECK(heads > 0 && width % heads == 0);
  query_key_value_ = register_module("query_key_value", NoBias(width, 3 * width));
  out_ = register_module("out", torch::nn::Linear(width, width));
}

RayAttended RayAttentionImpl::forward(const torch::Tensor& points) {
  const ShortAttended all = ShortAttention(query_key_value_(points), heads_);
  return {.values = out_(all.values), .attention = all.attention};
}

ViewTransformerImpl::ViewTransformerImpl(int64_t width) {
  before_ = register_module("before", NormOf(width));
  attention_ = register_module("attention", ViewAttention(width));
  feed_forward_ = register_module("feed_forward", FeedForward(width));
}

ViewAttended ViewTransformerImpl::forward(const torch::Tensor& queries, const ViewTokens& sources) {
  ViewAttended attended = attention_(before_(queries), sources);
  attended.values = attended.values + queries;
  attended.values = attended.values + feed_forward_->forward(attended.values);
  return attended;
}

RayTransformerImpl::RayTransformerImpl(int64_t width, int64_t heads) {
  before_ = register_module("before", NormOf(width));
  attention_ = register_module("attention", RayAttention(width, heads));
  feed_forward_ = register_module("feed_forward", FeedForward(width));
}

RayAttended RayTransformerImpl::forward(const torch::Tensor& points) {
  RayAttended attended = attention_(before_(points));
  attended.values = attended.values + points;
  attended.values = attended.values + feed_forward_->forward(attended.values);
  return attended;
}

torch::Tensor PositionalEncoding(const torch::Tensor& x, int64_t octaves) {
  std::vector<torch::Tensor> parts = {x};
  for (int64_t k = 0; k < octaves; ++k) {
    const torch::Tensor scaled = x * std::pow(2.0, static_cast<double>(k));
    parts.push_back(torch::sin(scaled));
    parts.push_back(torch::cos(scaled));
  }
  return torch::cat(parts, -1);
}

}  // namespace semfield::nn
