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
    square_ = EnclosingSquareCamera(cameras[0].first, 64);
    pose_ = cameras[0].second;
  }
  TokenInputs Make(const std::vector<std::string>& head_inputs) {
    FeatureOptions options;
    options.head_inputs = head_inputs;
    const TokenInputs inputs = MakeTokenInputs(field_, square_, pose_, kGrid, options);
    EXPECT_EQ(inputs.num_tokens, kTokens);
    EXPECT_EQ(inputs.extras.size(), static_cast<size_t>(NumExtraRows(options)) * kTokens);
    return inputs;
  }
  AnalyticField field_;
  Camera square_;
  Pose pose_;
};

TEST_F(TokenInputsTest, OneRayATokenInRowOrder) {
  const TokenInputs inputs = Make({});
  EXPECT_TRUE(inputs.extras.empty());
  ASSERT_EQ(inputs.samples.ray_begin.size(), kTokens + 1u);
  const std::vector<Ray> rays = MakeRays(square_.Resized(kGrid, kGrid), pose_);
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
  const std::vector<Ray> rays = MakeRays(square_.Resized(kGrid, kGrid), pose_);
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

// Four rays a token: each one's sample at a quarter of its weight, rendered quantities are the four rays'
// mean, the direction is that of the token's middle.
TEST_F(TokenInputsTest, RaysOfATokenAreJoined) {
  FeatureOptions options;
  options.token_rays = 2;
  options.head_inputs = {"direction", "color"};
  const TokenInputs inputs = MakeTokenInputs(field_, square_, pose_, kGrid, options);
  EXPECT_EQ(inputs.num_tokens, kTokens);
  ASSERT_EQ(inputs.samples.ray_begin.size(), kTokens + 1u);
  ASSERT_EQ(inputs.samples.x.size(), 4u * kTokens);
  ASSERT_EQ(inputs.samples.distance.size(), static_cast<size_t>(kTokens));
  const std::vector<Ray> fine = MakeRays(square_.Resized(2 * kGrid, 2 * kGrid), pose_);
  const TokenInputs middle = Make({"direction"});
  for (int token = 0; token < kTokens; ++token) {
    ASSERT_EQ(inputs.samples.ray_begin[token], 4 * token);
    float distance = 0, red = 0;
    for (int quarter = 0; quarter < 4; ++quarter) {
      const int x = 2 * (token % kGrid) + quarter % 2, y = 2 * (token / kGrid) + quarter / 2;
      const Ray& ray = fine[static_cast<size_t>(y) * 2 * kGrid + x];
      const SyntheticHit hit = field_.scene.Trace(ray);
      const float point[3] = {ray.origin[0] + hit.distance * ray.direction[0],
                              ray.origin[1] + hit.distance * ray.direction[1],
                              ray.origin[2] + hit.distance * ray.direction[2]};
      float unit[3];
      field_.scene_map().UnitFromWorld(point, unit);
      EXPECT_EQ(inputs.samples.x[4 * token + quarter], unit[0]);
      EXPECT_EQ(inputs.samples.weight[4 * token + quarter], 0.25f);
      distance += hit.distance / 4;
      red += hit.rgb[0] / 4;
    }
    EXPECT_NEAR(inputs.samples.distance[token], distance, 1e-5);
    EXPECT_NEAR(inputs.extras[16 * kTokens + token], red, 1e-6);
    EXPECT_EQ(inputs.extras[token], middle.extras[token]);
  }
}

// Two pixels a side: the middles of a token's four quarters, row by row, each as red, green, blue.
TEST_F(TokenInputsTest, PixelsAreTheColorsWithinAToken) {
  EXPECT_TRUE(Make({}).pixels.empty());
  FeatureOptions options;
  options.token_pixels = 2;
  const TokenInputs inputs = MakeTokenInputs(field_, square_, pose_, kGrid, options);
  ASSERT_EQ(inputs.pixels.size(), static_cast<size_t>(NumPixelRows(options)) * kTokens);
  const Camera fine = square_.Resized(2 * kGrid, 2 * kGrid);
  const std::vector<Ray> rays = MakeRays(fine, pose_);
  for (int token = 0; token < kTokens; ++token) {
    for (int quarter = 0; quarter < 4; ++quarter) {
      const int x = 2 * (token % kGrid) + quarter % 2, y = 2 * (token / kGrid) + quarter / 2;
      const SyntheticHit hit = field_.scene.Trace(rays[static_cast<size_t>(y) * fine.width + x]);
      for (int k = 0; k < 3; ++k) {
        EXPECT_EQ(inputs.pixels[static_cast<size_t>(3 * quarter + k) * kTokens + token],
                  0.1f * (hit.rgb[k] - 0.5f));
      }
    }
  }
}

// A ray beside the thing has no distance; the token's is that of the rays that hit it, not of a place
// halfway.
TEST(TokenInputsOnNothing, RaysThatHitNothingDoNotPullTheDistance) {
  const AnalyticField field({.scene = "object"});
  const auto [camera, pose] = field.scene.Cameras()[0];
  const Camera square = EnclosingSquareCamera(camera, 128);
  FeatureOptions options;
  options.token_rays = 4;
  constexpr int kSide = 8;
  const TokenInputs inputs = MakeTokenInputs(field, square, pose, kSide, options);
  const std::vector<Ray> fine = MakeRays(square.Resized(4 * kSide, 4 * kSide), pose);
  int mixed = 0;
  for (int token = 0; token < kSide * kSide; ++token) {
    double sum = 0;
    int hits = 0;
    for (int i = 0; i < 16; ++i) {
      const int x = 4 * (token % kSide) + i % 4, y = 4 * (token / kSide) + i / 4;
      const SyntheticHit hit = field.scene.Trace(fine[static_cast<size_t>(y) * 4 * kSide + x]);
      hits += hit.hit;
      if (hit.hit) sum += hit.distance;
    }
    mixed += hits > 0 && hits < 16;
    EXPECT_NEAR(inputs.samples.distance[token], hits == 0 ? 0 : sum / hits, 1e-4) << token;
  }
  EXPECT_GT(mixed, 3);
}

}  // namespace
}  // namespace semfield
