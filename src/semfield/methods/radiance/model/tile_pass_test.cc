#include "semfield/methods/radiance/model/tile_pass.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "semfield/base/random.h"
#include "semfield/methods/radiance/radiance_test_util.h"

namespace semfield {
namespace {

constexpr int kRays = 6;

RadianceOptions TinyOptions() {
  RadianceOptions options;
  options.levels = 2;
  options.features_per_level = 2;
  options.log2_table_size = 8;
  options.base_resolution = 4;
  options.finest_resolution = 9;
  options.hidden = 16;
  options.occupancy_resolution = 8;
  options.steps_across = 20;
  options.cone_angle = 0;
  options.density_bias = 0.3;
  options.background = Background::kBlack;
  return options;
}

// A tiny field, a handful of rays through it (the last misses) and a loss with random weights:
//   sum_r a_r . rgb_r + b_r T_r + c distortion_r
class TilePassTest : public testing::Test {
 protected:
  TilePassTest()
      : model_(WithoutCapture(TinyOptions()), {.center = {0.2f, -0.1f, 0.3f}, .half_extent = 1.5f}) {
    // Multiples of 1/256 below 1/2 are exact in half precision, and so they are plus or minus a step of
    // 1/4096: the differences see the derivative and not the rounding of the shadow.
    Random random(5);
    for (float& value : model_.grid.values.span())
      value = (static_cast<float>(random.Below(255)) - 127.0f) / 256.0f;
    model_.grid.UpdateHalf();
    for (int r = 0; r < kRays; ++r) {
      Vec3 direction(random.Uniform(-0.3f, 0.3f), random.Uniform(-0.3f, 0.3f), 1);
      direction.normalize();
      Ray ray = {.origin = {0.2f, -0.1f, r + 1 == kRays ? 3.0f : -2.0f}, .direction = {}, .z_scale = 1};
      for (int k = 0; k < 3; ++k) ray.direction[k] = static_cast<float>(direction[k]);
      rays_.push_back(ray);
    }
    for (float& v : d_rgb_) v = 0;
  }

  void SetLoss(float rgb, float transmittance, float distortion) {
    Random random(9);
    for (int r = 0; r < kRays; ++r) {
      for (int k = 0; k < 3; ++k) d_rgb_[k * ops::kTileStride + r] = rgb * random.Uniform(-1, 1);
      d_final_[r] = transmittance * random.Uniform(-1, 1);
    }
    distortion_scale_ = distortion;
  }

  // Loss, and its gradients where the pointers are set.
  double Loss(Buffer<float>* d_grid, Buffer<float>* d_density, Buffer<float>* d_color) {
    SampleTiles tiles;
    tiles.March(model_.map, model_.occupancy, model_.March(1), rays_, {});
    tiles.Encode(model_.layout, model_.grid.half.data(), model_.options.levels);
    EXPECT_EQ(tiles.tiles().size(), 1u);
    marched_ = tiles.num_samples();
    TilePass pass(model_);
    pass.TrainInBfloat16(bfloat16_);
    pass.Density(tiles, 0, min_transmittance_, /*training=*/true);
    pass.Color(rays_, /*training=*/true);
    kept_ = pass.columns();
    Buffer<float> density_gradient(model_.density_mlp.size()), color_gradient(model_.color_mlp.size());
    pass.Backward({.d_rgb = d_rgb_.data(),
                   .d_final_transmittance = d_final_.data(),
                   .distortion_scale = distortion_scale_,
                   .density_mlp = density_gradient.data(),
                   .color_mlp = color_gradient.data()});
    double loss = 0;
    for (int r = 0; r < kRays; ++r) {
      for (int k = 0; k < 3; ++k) {
        loss += double{d_rgb_[k * ops::kTileStride + r]} * pass.rgb()[k * ops::kTileStride + r];
      }
      loss += double{d_final_[r]} * pass.final_transmittance()[r] +
              double{distortion_scale_} * pass.distortion()[r];
    }
    if (d_grid != nullptr) {
      d_grid->Resize(model_.grid.size());
      for (int level = 0; level < model_.options.levels; ++level) {
        const size_t row = static_cast<size_t>(level) * model_.options.features_per_level * ops::kTileStride;
        ops::HashGridBackward(model_.layout, level, tiles.points(0, kept_), tiles.encoded(0) + row,
                              ops::kTileStride, d_grid->data());
      }
      *d_density = std::move(density_gradient);
      *d_color = std::move(color_gradient);
    }
    return loss;
  }

  // Compares g . v with central differences along random directions v of +-1. A part of the gradient that is
  // missing or wrong by a share s of its length shows as a deviation of about s |g| in each of the 12.
  // Without mistakes float sums and rectifiers that switch inside the step leave 1 to 3 %; the tolerance is 5
  // %.
  void ExpectGradient(Buffer<float>& parameters, const Buffer<float>& gradient, float step,
                      const char* what) {
    double norm = 0;
    for (float g : gradient.span()) norm += double{g} * g;
    norm = std::sqrt(norm);
    ASSERT_GT(norm, 1e-4) << what;
    const std::vector<float> before(parameters.begin(), parameters.end());
    const int kept = kept_;
    Random random(77);
    for (int trial = 0; trial < 12; ++trial) {
      std::vector<float> direction(parameters.size());
      double expected = 0;
      for (size_t i = 0; i < direction.size(); ++i) {
        direction[i] = random.Below(2) == 0 ? -1.0f : 1.0f;
        expected += double{direction[i]} * gradient[i];
      }
      const auto at = [&](float t) {
        for (size_t i = 0; i < before.size(); ++i) parameters[i] = before[i] + t * direction[i];
        model_.grid.UpdateHalf();
        const double loss = Loss(nullptr, nullptr, nullptr);
        EXPECT_EQ(kept_, kept) << "a cut moved: the loss jumps there";
        return loss;
      };
      const double slope = (at(step) - at(-step)) / (2.0 * step);
      EXPECT_NEAR(slope, expected, 0.05 * norm) << what << ", direction " << trial << ", |g| = " << norm;
    }
    std::copy(before.begin(), before.end(), parameters.begin());
    model_.grid.UpdateHalf();
  }

  void ExpectAllGradients() {
    Buffer<float> d_grid, d_density, d_color;
    Loss(&d_grid, &d_density, &d_color);
    ExpectGradient(model_.grid.values, d_grid, 1.0f / 4096, "grid");
    ExpectGradient(model_.density_mlp.values, d_density, 5e-4f, "density network");
    if (d_rgb_[0] != 0) ExpectGradient(model_.color_mlp.values, d_color, 1e-3f, "color network");
  }

  RadianceModel model_;
  std::vector<Ray> rays_;
  std::vector<float> d_rgb_ = std::vector<float>(3 * ops::kTileStride), d_final_ = std::vector<float>(kRays);
  float distortion_scale_ = 0;
  float min_transmittance_ = 0;
  bool bfloat16_ = false;
  int64_t marched_ = 0;
  int kept_ = 0;
};

TEST_F(TilePassTest, GradientOfColor) {
  SetLoss(1, 0, 0);
  ExpectAllGradients();
}

TEST_F(TilePassTest, GradientOfTransmittance) {
  SetLoss(0, 1, 0);
  ExpectAllGradients();
}

TEST_F(TilePassTest, GradientOfDistortion) {
  SetLoss(0, 0, 1);
  ExpectAllGradients();
}

TEST_F(TilePassTest, GradientOfAllWithRaysCutShort) {
  SetLoss(1, 0.5f, 0.7f);
  min_transmittance_ = 0.3f;
  ExpectAllGradients();
  EXPECT_LT(kept_, marched_);
  EXPECT_GT(kept_, kRays);
}

// Rays cut short: what is kept of every layer must be what belongs to the columns that stay.
TEST_F(TilePassTest, GradientsInBfloat16AreThoseOfFloatsUpToRounding) {
  SetLoss(1, 0.5f, 0.7f);
  min_transmittance_ = 0.3f;
  Buffer<float> grid[2], density[2], color[2];
  for (const int bfloat16 : {0, 1}) {
    bfloat16_ = bfloat16 == 1;
    Loss(&grid[bfloat16], &density[bfloat16], &color[bfloat16]);
  }
  EXPECT_LT(kept_, marched_);
  for (const Buffer<float>* pair : {grid, density, color}) {
    double difference = 0, norm = 0;
    for (size_t i = 0; i < pair[0].size(); ++i) {
      difference += std::pow(double{pair[1][i]} - pair[0][i], 2);
      norm += std::pow(double{pair[0][i]}, 2);
    }
    ASSERT_GT(norm, 1e-8);
    EXPECT_LT(std::sqrt(difference / norm), 0.03);
  }
}

TEST_F(TilePassTest, WeightsAndTransmittanceSumToOneAndMissingRaysAreEmpty) {
  SampleTiles tiles;
  tiles.March(model_.map, model_.occupancy, model_.March(1), rays_, {});
  tiles.Encode(model_.layout, model_.grid.half.data(), model_.options.levels);
  TilePass pass(model_);
  pass.Density(tiles, 0, 0, /*training=*/false);
  pass.Color(rays_, /*training=*/false);
  for (int r = 0; r < kRays; ++r) {
    const double sum =
        std::accumulate(pass.weight() + pass.begin()[r], pass.weight() + pass.begin()[r + 1], 0.0);
    EXPECT_NEAR(sum + pass.final_transmittance()[r], 1, 1e-5);
    for (int k = 0; k < 3; ++k) {
      const float value = pass.rgb()[k * ops::kTileStride + r];
      EXPECT_GE(value, 0);
      EXPECT_LE(value, sum + 1e-6);  // colours are at most 1
    }
  }
  EXPECT_EQ(pass.begin()[kRays - 1], pass.begin()[kRays]);
  EXPECT_EQ(pass.final_transmittance()[kRays - 1], 1.0f);
}

// The columns that are kept must carry along everything that belongs to them.
TEST_F(TilePassTest, CutKeepsTheColumnsBeforeItUnchanged) {
  SampleTiles whole, cut;
  for (SampleTiles* tiles : {&whole, &cut}) {
    tiles->March(model_.map, model_.occupancy, model_.March(1), rays_, {});
    tiles->Encode(model_.layout, model_.grid.half.data(), model_.options.levels);
  }
  TilePass all(model_), part(model_);
  all.Density(whole, 0, 0, /*training=*/true);
  part.Density(cut, 0, 0.3f, /*training=*/true);
  ASSERT_LT(part.columns(), all.columns());
  for (int r = 0; r < kRays; ++r) {
    for (int i = 0; i < part.begin()[r + 1] - part.begin()[r]; ++i) {
      const int a = all.begin()[r] + i, b = part.begin()[r] + i;
      EXPECT_EQ(whole.t(0)[a], cut.t(0)[b]);
      EXPECT_EQ(whole.x(0)[a], cut.x(0)[b]);
      EXPECT_EQ(all.weight()[a], part.weight()[b]);
      EXPECT_EQ(all.geometry(3)[a], part.geometry(3)[b]);
      for (int row = 0; row < whole.encoded_rows(); ++row) {
        EXPECT_EQ(whole.encoded(0)[row * ops::kTileStride + a], cut.encoded(0)[row * ops::kTileStride + b]);
      }
    }
  }
}

}  // namespace
}  // namespace semfield
