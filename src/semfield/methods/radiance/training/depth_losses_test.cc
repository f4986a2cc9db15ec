#include "semfield/methods/radiance/training/depth_losses.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/random.h"
#include "semfield/methods/radiance/radiance_test_util.h"

namespace semfield {
namespace {

constexpr int kRays = 4;

// Four rays through a small random field: a trio and one of known depth.
class DepthLossesTest : public testing::Test {
 protected:
  DepthLossesTest() : model_(WithoutCapture(Options()), {.half_extent = 1.5f}), pass_(model_) {
    Random random(5);
    for (float& value : model_.grid.values.span())
      value = (static_cast<float>(random.Below(255)) - 127) / 256;
    model_.grid.UpdateHalf();
    batch_.Resize(kRays);
    for (int r = 0; r < kRays; ++r) {
      Vec3 direction(0.1 * r - 0.1, 0.05, 1);
      direction.normalize();
      batch_.rays[r] = {.origin = {0, 0, -2}, .direction = {}, .z_scale = static_cast<float>(direction.z())};
      for (int k = 0; k < 3; ++k) batch_.rays[r].direction[k] = static_cast<float>(direction[k]);
    }
    batch_.plainness = {0.7f};
    batch_.depth = {0, 0, 0, 2.2f};
    tiles_.March(model_.map, model_.occupancy, model_.March(1), batch_.rays, {}, 1);
    tiles_.Encode(model_.layout, model_.grid.half.data(), model_.options.levels);
    pass_.Density(tiles_, 0, 1e-4f, /*training=*/true);
    pass_.Color(batch_.rays, /*training=*/true);
  }
  static RadianceOptions Options() {
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
    return options;
  }
  double Bend() const {
    double u[3], mean = 0;
    for (int k = 0; k < 3; ++k) {
      u[k] = 0;
      for (int c = pass_.begin()[k]; c < pass_.begin()[k + 1]; ++c)
        u[k] += pass_.weight()[c] / (tiles_.t(0)[c] * batch_.rays[k].z_scale);
      mean += u[k] / 3;
    }
    return (u[0] - 2 * u[1] + u[2]) / mean;
  }

  RadianceModel model_;
  RayBatch batch_;
  mutable SampleTiles tiles_;
  TilePass pass_;
  std::vector<float> d_weight_ = std::vector<float>(ops::kTileStride);
  std::vector<float> d_final_ = std::vector<float>(kRays);
};

TEST_F(DepthLossesTest, ABentPlaneCostsByItsBend) {
  const double bend = Bend();
  ASSERT_GT(std::abs(bend), 1e-3);
  const double loss =
      AddDepthLosses(pass_, batch_, tiles_.t(0), {.plane = 2}, {d_weight_.data(), d_final_.data()});
  EXPECT_NEAR(loss, 2 * 0.7 * std::sqrt(bend * bend + 1e-4), 1e-5);
  // A little more of the weights by which inverse depths rise, the mean held: the middle one's bend it.
  double along = 0;
  for (int c = 0; c < pass_.begin()[3]; ++c) along += double{d_weight_[c]} * pass_.weight()[c];
  EXPECT_NEAR(along, 2 * 0.7 * bend * bend / std::sqrt(bend * bend + 1e-4), 1e-5);
  for (int c = pass_.begin()[3]; c < pass_.columns(); ++c) EXPECT_EQ(d_weight_[c], 0);
}

TEST_F(DepthLossesTest, TexturedTriosCostNothing) {
  batch_.plainness = {0};
  EXPECT_EQ(AddDepthLosses(pass_, batch_, tiles_.t(0), {.plane = 2}, {d_weight_.data(), d_final_.data()}), 0);
}

TEST_F(DepthLossesTest, LightFromElsewhereThanTheKnownDepthCostsByHowFarOffItIs) {
  const double loss =
      AddDepthLosses(pass_, batch_, tiles_.t(0), {.known = 3}, {d_weight_.data(), d_final_.data()});
  const double distance = 2.2 / batch_.rays[3].z_scale;
  double expected = 3 * pass_.final_transmittance()[3];
  for (int c = pass_.begin()[3]; c < pass_.begin()[4]; ++c) {
    const double off = 3 * std::min(1.0, std::abs(tiles_.t(0)[c] / distance - 1));
    EXPECT_NEAR(d_weight_[c], off, 1e-5);
    expected += off * pass_.weight()[c];
  }
  EXPECT_NEAR(loss, expected, 1e-5);
  EXPECT_EQ(d_final_[3], 3);
  EXPECT_EQ(d_final_[0], 0);  // whose depth is not known
}

TEST_F(DepthLossesTest, NearerLightCostsMore) {
  const double loss = AddDepthLosses(pass_, batch_, tiles_.t(0), {.near = 2, .length_scale = 0.5f},
                                     {d_weight_.data(), d_final_.data()});
  double expected = 0;
  for (int c = 0; c < pass_.columns(); ++c) {
    EXPECT_NEAR(d_weight_[c], 2 / (1 + 0.5 * tiles_.t(0)[c]), 1e-6);
    expected += d_weight_[c] * pass_.weight()[c];
  }
  EXPECT_NEAR(loss, expected, 1e-4);
}

}  // namespace
}  // namespace semfield
