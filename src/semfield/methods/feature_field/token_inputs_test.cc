#include "semfield/methods/feature_field/token_inputs.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/methods/feature_field/feature_field_test_util.h"
#include "semfield/ops/spherical_harmonics.h"

namespace semfield {
namespace {

constexpr int kGrid = 6, kTokens = kGrid * kGrid;

class TokenInputsTest : public testing::Test {
 protected:
  TokenInputsTest() : field_({.scene = "room"}) {
    const auto cameras = field_.scene.Cameras();
    view_ = std::make_unique<SquareView>(cameras[0].first, 64);
    pose_ = cameras[0].second;
  }
  TokenInputs Make(const std::vector<std::string>& head_inputs) {
    FeatureOptions options;
    options.head_inputs = head_inputs;
    const TokenInputs inputs = MakeTokenInputs(field_, *view_, pose_, kGrid, options);
    EXPECT_EQ(inputs.num_tokens, kTokens);
    EXPECT_EQ(inputs.extras.size(), static_cast<size_t>(NumExtraRows(options)) * kTokens);
    return inputs;
  }
  AnalyticField field_;
  std::unique_ptr<SquareView> view_;
  Pose pose_;
};

TEST_F(TokenInputsTest, OneRayATokenInRowOrder) {
  const TokenInputs inputs = Make({});
  EXPECT_TRUE(inputs.extras.empty());
  ASSERT_EQ(inputs.samples.ray_begin.size(), kTokens + 1u);
  const std::vector<Ray> rays = view_->TokenRays(pose_, kGrid);
  for (int token = 0; token < kTokens; ++token) {
    const SyntheticHit hit = field_.scene.Trace(rays[token]);
    ASSERT_TRUE(hit.hit);
    EXPECT_EQ(inputs.samples.distance[token], hit.distance);
  }
}

TEST_F(TokenInputsTest, CountsTheRowsOfEachInput) {
  FeatureOptions options;
  EXPECT_EQ(NumExtraRows(options), 0);
  for (const auto& [name, rows] : std::vector<std::pair<std::string, int>>{
           {"geometry", 16}, {"direction", 16}, {"color", 3}, {"depth", 1}, {"position", 5}}) {
    options.head_inputs = {name};
    EXPECT_EQ(NumExtraRows(options), rows) << name;
  }
  options.head_inputs = {"geometry", "direction", "color", "depth", "position"};
  EXPECT_EQ(NumExtraRows(options), 41);
}

// Rows come in one fixed order, whatever the order of the option's words: a checkpoint relies on it.
TEST_F(TokenInputsTest, RowsHoldWhatTheyAreNamedAfter) {
  const TokenInputs inputs = Make({"position", "depth", "color", "direction", "geometry"});
  const std::vector<Ray> rays = view_->TokenRays(pose_, kGrid);
  const auto row = [&](int r, int token) { return inputs.extras[static_cast<size_t>(r) * kTokens + token]; };
  for (int token = 0; token < kTokens; ++token) {
    const Ray& ray = rays[token];
    const SyntheticHit hit = field_.scene.Trace(ray);
    for (int k = 0; k < 16; ++k) EXPECT_EQ(row(k, token), hit.distance + k);
    float harmonics[16];
    ops::SphericalHarmonics(&ray.direction[0], &ray.direction[1], &ray.direction[2], 1, harmonics, 1);
    for (int k = 0; k < 16; ++k) EXPECT_NEAR(row(16 + k, token), harmonics[k], 1e-5);
    for (int k = 0; k < 3; ++k) EXPECT_EQ(row(32 + k, token), hit.rgb[k]);
    const float t = hit.distance * ray.z_scale / field_.scene_map().half_extent;
    EXPECT_NEAR(row(35, token), t / (1 + t), 1e-6);
    const float u = 2 * (token % kGrid + 0.5f) / kGrid - 1, v = 2 * (token / kGrid + 0.5f) / kGrid - 1;
    const float position[5] = {u, v, u * u, v * v, u * v};
    for (int k = 0; k < 5; ++k) EXPECT_FLOAT_EQ(row(36 + k, token), position[k]);
  }
}

}  // namespace
}  // namespace semfield
