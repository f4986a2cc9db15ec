#include "semfield/scenes/nn/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "semfield/scenes/nn/pyramid.h"
#include "semfield/scenes/nn/short_attention.h"

namespace semfield::nn {
namespace {

using Matrix = std::vector<std::vector<double>>;

Matrix Of(const torch::Tensor& t) {
  Matrix rows;
  for (int64_t i = 0; i < t.size(0); ++i) {
    rows.emplace_back();
    for (int64_t j = 0; j < t.size(1); ++j) rows.back().push_back(t[i][j].item<double>());
  }
  return rows;
}

std::vector<double> RowOf(const torch::Tensor& t) {
  return Of(t.reshape({1, -1})).front();
}

// W x + b, where there is a b.
std::vector<double> Linear(const torch::OrderedDict<std::string, torch::Tensor>& p, const std::string& name,
                           const std::vector<double>& x) {
  const Matrix w = Of(p[name + ".weight"]);
  std::vector<double> y(w.size());
  const torch::Tensor* bias = p.find(name + ".bias");
  for (size_t i = 0; i < w.size(); ++i) {
    y[i] = bias != nullptr ? (*bias)[static_cast<int64_t>(i)].item<double>() : 0;
    for (size_t j = 0; j < x.size(); ++j) y[i] += w[i][j] * x[j];
  }
  return y;
}

std::vector<double> Relu(std::vector<double> x) {
  for (double& v : x) v = std::max(v, 0.0);
  return x;
}

class AttentionTest : public testing::Test {
 protected:
  AttentionTest() { torch::manual_seed(5); }
  const torch::NoGradGuard no_gradient_;
};

TEST_F(AttentionTest, OverViewsIsItsDirectSum) {
  constexpr int64_t kPoints = 3, kViews = 4, kWidth = 6;
  ViewAttention attention(kWidth);
  const auto p = attention->named_parameters();
  const torch::Tensor queries = torch::randn({kPoints, kWidth});
  const ViewTokens sources{
      .features = torch::randn({kPoints, kViews, kWidth}),
      .difference = torch::randn({kPoints, kViews, 4}),
      .valid = torch::tensor({true, true, false, true, false, true, false, false, true, true, true, true})
                   .view({kPoints, kViews})};
  const ViewAttended got = attention(queries, sources);
  for (int64_t n = 0; n < kPoints; ++n) {
    const std::vector<double> q = Linear(p, "query", RowOf(queries[n]));
    Matrix scores, values;
    for (int64_t i = 0; i < kViews; ++i) {
      const std::vector<double> k = Linear(p, "key", RowOf(sources.features[n][i]));
      const std::vector<double> at =
          Linear(p, "position_out", Relu(Linear(p, "position_in", RowOf(sources.difference[n][i]))));
      std::vector<double> apart(kWidth), value = Linear(p, "value", k);
      for (int64_t c = 0; c < kWidth; ++c) {
        apart[c] = k[c] - q[c] + at[c];
        value[c] += at[c];
      }
      scores.push_back(Linear(p, "score_out", Relu(Linear(p, "score_in", apart))));
      values.push_back(value);
    }
    std::vector<double> mixed(kWidth);
    for (int64_t c = 0; c < kWidth; ++c) {
      double sum = 0;
      for (int64_t i = 0; i < kViews; ++i) {
        if (sources.valid[n][i].item<bool>()) sum += std::exp(scores[i][c]);
      }
      for (int64_t i = 0; i < kViews; ++i) {
        const double a = sources.valid[n][i].item<bool>() ? std::exp(scores[i][c]) / sum : 0;
        EXPECT_NEAR(got.attention[n][i][c].item<double>(), a, 1e-5);
        mixed[c] += a * values[i][c];
      }
    }
    const std::vector<double> expected = Linear(p, "out", mixed);
    for (int64_t c = 0; c < kWidth; ++c) EXPECT_NEAR(got.values[n][c].item<double>(), expected[c], 1e-5);
  }
}

TEST_F(AttentionTest, OverViewsDoesNotKnowTheirOrder) {
  ViewAttention attention(4);
  const torch::Tensor queries = torch::randn({5, 4});
  const ViewTokens sources{.features = torch::randn({5, 3, 4}),
                           .difference = torch::randn({5, 3, 4}),
                           .valid = torch::ones({5, 3}, torch::kBool)};
  const ViewTokens turned{
      .features = sources.features.flip(1), .difference = sources.difference.flip(1), .valid = sources.valid};
  EXPECT_TRUE(
      torch::allclose(attention(queries, sources).values, attention(queries, turned).values, 1e-4, 1e-6));
}

TEST_F(AttentionTest, OfAPointThatNoViewHasIsOfNothing) {
  ViewAttention attention(4);
  const ViewAttended got =
      attention(torch::randn({1, 4}), ViewTokens{.features = torch::randn({1, 2, 4}),
                                                 .difference = torch::randn({1, 2, 4}),
                                                 .valid = torch::zeros({1, 2}, torch::kBool)});
  EXPECT_EQ(got.attention.abs().max().item<double>(), 0);
  EXPECT_TRUE(torch::equal(got.values[0], attention->named_parameters()["out.bias"]));
}

TEST_F(AttentionTest, AlongARayIsItsDirectSum) {
  constexpr int64_t kRays = 2, kPoints = 5, kWidth = 6, kHeads = 3, kOf = kWidth / kHeads;
  RayAttention attention(kWidth, kHeads);
  const auto p = attention->named_parameters();
  const torch::Tensor points = torch::randn({kRays, kPoints, kWidth});
  const RayAttended got = attention(points);
  for (int64_t r = 0; r < kRays; ++r) {
    Matrix all;  // of each point: query, key, value
    for (int64_t s = 0; s < kPoints; ++s) all.push_back(Linear(p, "query_key_value", RowOf(points[r][s])));
    for (int64_t s = 0; s < kPoints; ++s) {
      std::vector<double> mixed(kWidth);
      for (int64_t h = 0; h < kHeads; ++h) {
        std::vector<double> weight(kPoints);
        double sum = 0;
        for (int64_t o = 0; o < kPoints; ++o) {
          double dot = 0;
          for (int64_t c = h * kOf; c < (h + 1) * kOf; ++c) dot += all[s][c] * all[o][kWidth + c];
          sum += weight[o] = std::exp(dot / std::sqrt(static_cast<double>(kOf)));
        }
        for (int64_t o = 0; o < kPoints; ++o) {
          EXPECT_NEAR(got.attention[r][h][s][o].item<double>(), weight[o] / sum, 1e-5);
          for (int64_t c = h * kOf; c < (h + 1) * kOf; ++c)
            mixed[c] += weight[o] / sum * all[o][2 * kWidth + c];
        }
      }
      const std::vector<double> expected = Linear(p, "out", mixed);
      for (int64_t c = 0; c < kWidth; ++c) EXPECT_NEAR(got.values[r][s][c].item<double>(), expected[c], 1e-5);
    }
  }
}

TEST(ShortAttention, HasTheGradientOfLibTorchsOwn) {
  torch::manual_seed(8);
  constexpr int64_t kRays = 9, kPoints = 7, kHeads = 2, kOf = 5;
  const torch::Tensor given = 2 * torch::randn({kRays, kPoints, 3 * kHeads * kOf});
  const torch::Tensor on_values = torch::randn({kRays, kPoints, kHeads * kOf});
  const torch::Tensor on_attention = torch::randn({kRays, kHeads, kPoints, kPoints});
  torch::Tensor a = given.clone().requires_grad_(), b = given.clone().requires_grad_();
  const ShortAttended got = ShortAttention(a, kHeads);
  const torch::Tensor all = b.view({kRays, kPoints, 3, kHeads, kOf}).permute({2, 0, 3, 1, 4});
  const torch::Tensor attention =
      torch::softmax(torch::matmul(all[0], all[1].transpose(-1, -2)) / std::sqrt(5.0), -1);
  const torch::Tensor values =
      torch::matmul(attention, all[2]).transpose(1, 2).reshape({kRays, kPoints, kHeads * kOf});
  EXPECT_LT((got.attention - attention).abs().max().item<double>(), 2e-6);
  EXPECT_LT((got.values - values).abs().max().item<double>(), 1e-5);
  ((got.values * on_values).sum() + (got.attention * on_attention).sum()).backward();
  ((values * on_values).sum() + (attention * on_attention).sum()).backward();
  EXPECT_LT((a.grad() - b.grad()).abs().max().item<double>(), 1e-4);
  a.mutable_grad() = torch::Tensor();
  b.mutable_grad() = torch::Tensor();
  ShortAttention(a, kHeads).values.square().sum().backward();  // without any of the attention
  torch::matmul(torch::softmax(torch::matmul(all[0], all[1].transpose(-1, -2)) / std::sqrt(5.0), -1), all[2])
      .square()
      .sum()
      .backward();
  EXPECT_LT((a.grad() - b.grad()).abs().max().item<double>(), 1e-4);
}

TEST_F(AttentionTest, TransformersAreTheirPartsWithShortcuts) {
  RayTransformer transformer(4, 2);
  for (auto& item : transformer->named_parameters()) {
    if (item.key().find("out.") != std::string::npos || item.key().find("feed_forward.3") == 0)
      item.value().zero_();
  }
  const torch::Tensor points = torch::randn({2, 3, 4});
  EXPECT_TRUE(torch::equal(transformer(points).values, points));  // nothing is added
  ViewTransformer views(4);
  for (auto& item : views->named_parameters()) {
    if (item.key() == "attention.out.weight" || item.key().find("feed_forward.3") == 0) item.value().zero_();
    if (item.key() == "attention.out.bias") item.value().fill_(2);
  }
  const torch::Tensor queries = torch::randn({2, 4});
  const ViewAttended got = views(queries, ViewTokens{.features = torch::randn({2, 3, 4}),
                                                     .difference = torch::randn({2, 3, 4}),
                                                     .valid = torch::ones({2, 3}, torch::kBool)});
  EXPECT_TRUE(torch::allclose(got.values, queries + 2));
}

TEST_F(AttentionTest, PositionsAreEncodedByOctaves) {
  const torch::Tensor got = PositionalEncoding(torch::tensor({{0.5f, -1.0f}}), 2);
  std::vector<float> expected = {0.5f, -1.0f};
  for (const float scale : {1.0f, 2.0f}) {
    for (const float x : {0.5f, -1.0f}) expected.push_back(std::sin(scale * x));
    for (const float x : {0.5f, -1.0f}) expected.push_back(std::cos(scale * x));
  }
  EXPECT_TRUE(torch::allclose(got[0], torch::tensor(expected)));
}

TEST_F(AttentionTest, APyramidAddsWhatIsCoarserToWhatIsFiner) {
  Fpn fpn(std::vector<int64_t>{1, 2}, 1);
  for (auto& item : fpn->named_parameters()) {
    item.value().fill_(item.key() == "lateral1.weight" ? 3 : item.key() == "lateral0.weight" ? 2 : 0);
    if (item.key().find("smooth") == 0 && item.value().dim() == 4) item.value()[0][0][1][1] = 1;
  }
  const torch::Tensor fine = torch::tensor({1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f}).view({1, 1, 2, 3});
  const torch::Tensor coarse = torch::tensor({10.0f, 20.0f, 1.0f, 2.0f}).view({1, 2, 1, 2});
  const std::vector<torch::Tensor> got = fpn(std::vector<torch::Tensor>{fine, coarse});
  EXPECT_TRUE(torch::equal(got[1], torch::tensor({33.0f, 66.0f}).view({1, 1, 1, 2})));
  EXPECT_TRUE(torch::equal(got[0], 2 * fine + torch::tensor({33.0f, 33.0f, 66.0f}).view({1, 1, 1, 3})));
}

TEST_F(AttentionTest, PyramidsHaveTheShapesThatTheySay) {
  ResPyramid small(ResPyramidOptions{.width = 4, .blocks = {1, 1, 1}, .fine_width = 5, .level_width = 3});
  const PyramidMaps maps = small(torch::rand({2, 3, 50, 67}));
  EXPECT_EQ(maps.fine.sizes().vec(), (std::vector<int64_t>{2, 5, 13, 17}));
  EXPECT_EQ(maps.levels.sizes().vec(), (std::vector<int64_t>{2, 12, 13, 17}));
}

}  // namespace
}  // namespace semfield::nn
