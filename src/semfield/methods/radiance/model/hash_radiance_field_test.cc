#include "semfield/methods/radiance/model/hash_radiance_field.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <thread>

#include "semfield/base/error.h"
#include "semfield/methods/radiance/radiance_test_util.h"
#include "semfield/methods/radiance/training/radiance_trainer.h"

namespace semfield {
namespace {

constexpr float kBias = 0.4f;
constexpr float kHalfExtent = 2.5f;

// Zero networks: density exp(bias) per half extent everywhere, colour 1/2.
std::unique_ptr<RadianceModel> ConstantModel() {
  RadianceOptions options = SmallRadianceOptions(1);
  options.cone_angle = 0;
  options.density_bias = kBias;
  auto model = std::make_unique<RadianceModel>(WithoutCapture(options),
                                               SceneMap{.center = {1, 2, 3}, .half_extent = kHalfExtent});
  model->density_mlp.values.Fill(0);
  model->color_mlp.values.Fill(0);
  return model;
}

TEST(ConstantField, HasTheClosedFormsOfFog) {
  const HashRadianceField field(ConstantModel());
  const Camera camera = PinholeCamera(9, 9, 0.8);
  const Pose pose{.translation = {1, 2, 3}};  // the middle of the cube, looking along +z
  const RenderedView view = field.Render(camera, pose, {.normals = true, .background = {0.9f, 0.2f, 0.1f}});
  const float density = std::exp(kBias) / kHalfExtent;  // per world unit
  const float near = field.model().March(1).near_distance, step = field.model().March(1).step;
  const std::vector<Ray> rays = MakeRays(camera, pose);
  for (size_t r = 0; r < rays.size(); ++r) {
    // Half a step is all that quantisation of the way out can change.
    const float out = kHalfExtent / rays[r].z_scale;
    const float through = std::exp(-density * (out - near));
    EXPECT_NEAR(1 - view.opacity.data[r], through, 0.51f * step * density * through + 1e-5f);
    // T = 1/2 at near + log 2 / density, exactly: the exponential inside the sample is accounted for.
    EXPECT_NEAR(view.depth.data[r], (near + std::numbers::ln2_v<float> / density) * rays[r].z_scale, 2e-4f);
    const float opacity = view.opacity.data[r];
    for (int k = 0; k < 3; ++k) {
      const float background = k == 0 ? 0.9f : k == 1 ? 0.2f : 0.1f;
      EXPECT_NEAR(view.rgb.data[3 * r + k], 0.5f * opacity + (1 - opacity) * background, 1e-4f);
      // Fog has no slope: the normal faces the viewer, but for what neighbouring rays add to it.
      EXPECT_NEAR(view.normals.data[3 * r + k], -rays[r].direction[k], 0.06f);
    }
  }
}

TEST(ConstantField, ThinFogHasNoDepth) {
  std::unique_ptr<RadianceModel> model = ConstantModel();
  model->options.density_bias = -3;
  const HashRadianceField field(std::move(model));
  const RenderedView view =
      field.Render(PinholeCamera(4, 4, 0.8), Pose{.translation = {1, 2, 3}}, {.normals = true});
  for (float depth : view.depth.data) EXPECT_EQ(depth, 0);
  for (float normal : view.normals.data) EXPECT_EQ(normal, 0);
  for (float opacity : view.opacity.data) {
    EXPECT_GT(opacity, 0);
    EXPECT_LT(opacity, 0.5f);
  }
}

TEST(ConstantField, EmptyOccupancyIsSeenThrough) {
  std::unique_ptr<RadianceModel> model = ConstantModel();
  model->occupancy.Rebuild(1);  // densities of the grid are 0
  const HashRadianceField field(std::move(model));
  const RenderedView view = field.Render(PinholeCamera(4, 4, 0.8), Pose{.translation = {1, 2, 3}},
                                         {.background = {0.25f, 0.5f, 1}});
  for (float opacity : view.opacity.data) EXPECT_EQ(opacity, 0);
  EXPECT_FLOAT_EQ(view.rgb.At(2, 2, 0), 0.25f);
  EXPECT_FLOAT_EQ(view.rgb.At(2, 2, 2), 1.0f);
}

// A ray that passes cells the occupancy grid holds for dense, and that goes on all the same, is followed to
// its end.
TEST(ConstantField, RaysThatGrazeSomethingDenseGoOn) {
  const auto render = [](double stop_optical_depth, float mean_density) {
    std::unique_ptr<RadianceModel> model = ConstantModel();
    model->options.stop_optical_depth = stop_optical_depth;
    model->occupancy.mean_density().Fill(mean_density);
    const HashRadianceField field(std::move(model));
    const Camera camera = PinholeCamera(6, 6, 0.8);
    const Pose pose{.translation = {1, 2, 3}};
    const RaySamples samples = field.Weights(MakeRays(camera, pose), {.rgb = true, .latent = true});
    return std::pair(field.Render(camera, pose, {}), samples);
  };
  const auto [whole, whole_samples] = render(0, 0);
  const auto [stopped, stopped_samples] = render(1, 1e3f);
  EXPECT_GT(whole.opacity.data[0], 0.5f);
  EXPECT_EQ(whole.rgb.data, stopped.rgb.data);
  EXPECT_EQ(whole.depth.data, stopped.depth.data);
  EXPECT_EQ(whole_samples.x, stopped_samples.x);
  EXPECT_EQ(whole_samples.weight, stopped_samples.weight);
  EXPECT_EQ(whole_samples.latent, stopped_samples.latent);
}

TEST(ConstantField, DensityIsPerWorldUnitAndNoneWhereRaysMeetNothing) {
  std::unique_ptr<RadianceModel> model = ConstantModel();
  const HashRadianceField fog(model.get());
  const Box3 bounds = fog.Bounds();
  EXPECT_EQ(bounds.min, Vec3(1 - kHalfExtent, 2 - kHalfExtent, 3 - kHalfExtent));
  EXPECT_EQ(bounds.max, Vec3(1 + kHalfExtent, 2 + kHalfExtent, 3 + kHalfExtent));
  const std::vector<Vec3> points = {
      bounds.Center(), bounds.min + Vec3::Constant(0.01), {3.4, 2, 3}, bounds.max + Vec3(0.1, 0, 0)};
  std::vector<float> density(points.size(), -1);
  fog.Density(points, density);
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(density[i], std::exp(kBias) / kHalfExtent, 1e-5f) << i;
  EXPECT_EQ(density[3], 0) << "outside of a bounded scene";
  model->occupancy.Rebuild(1);  // nothing is occupied
  fog.Density(points, density);
  EXPECT_EQ(density, std::vector<float>(points.size(), 0.0f));
}

TEST(ConstantField, IsLookedAtWhereTheSpotsAre) {
  const HashRadianceField field(ConstantModel());
  const std::vector<Ray> rays = MakeRays(PinholeCamera(3, 1, 0.8), Pose{.translation = {1, 2, 3}});
  // Of the first ray two places, of the second none, of the third one in a gap and one before it.
  const RaySpots spots{.begin = {0, 2, 2, 4}, .t = {0.5f, 1.5f, 0.7f, 1.0f}, .dt = {0.2f, 0.4f, 0.3f, 0.1f}};
  const RayGaps gaps{.begin = {0, 0, 0, 1}, .from = {0.9f}, .to = {1.2f}};
  const RaySamples samples =
      field.Weights(rays, {.min_weight = 0, .rgb = true, .gaps = &gaps, .spots = &spots});
  const float density = std::exp(kBias) / kHalfExtent;
  const float lengths[3] = {0.6f, 0, 0.3f};
  for (int r = 0; r < 3; ++r) {
    const float opacity = 1 - std::exp(-density * lengths[r]);
    EXPECT_NEAR(samples.opacity[r], opacity, 1e-5f) << r;
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(samples.rgb[3 * r + k], 0.5f * opacity, 1e-5f) << r;
  }
  ASSERT_EQ(samples.ray_begin, (std::vector<int32_t>{0, 2, 2, 4}));
  float unit[3];
  const float at[3] = {rays[0].origin[0] + 1.5f * rays[0].direction[0],
                       rays[0].origin[1] + 1.5f * rays[0].direction[1],
                       rays[0].origin[2] + 1.5f * rays[0].direction[2]};
  field.scene_map().UnitFromWorld(at, unit);
  EXPECT_NEAR(samples.x[1], unit[0], 1e-5f);
  EXPECT_NEAR(samples.z[1], unit[2], 1e-5f);
}

// A field that is fog everywhere: every ray would have hundreds of samples.
TEST(ConstantField, FogCostsABoundedNumberOfSamples) {
  std::unique_ptr<RadianceModel> model = ConstantModel();
  model->options.steps_across = 2000;
  model->options.stop_optical_depth = 0;
  const HashRadianceField field(std::move(model));
  const Pose pose{.translation = {1, 2, 3}};
  const Camera small = PinholeCamera(16, 16, 0.8), large = PinholeCamera(64, 64, 0.8);
  const auto samples_a_ray = [&](const Camera& camera) {
    const std::vector<Ray> rays = MakeRays(camera, pose);
    const RaySamples samples = field.Weights(rays, {.min_weight = 0});
    return static_cast<double>(samples.x.size()) / static_cast<double>(rays.size());
  };
  EXPECT_GT(samples_a_ray(small), 500);  // of a few rays each may be any
  EXPECT_LT(samples_a_ray(large), 220);
  EXPECT_GT(samples_a_ray(large), 60);
  // What is seen stays: here in closed form.
  const RenderedView view = field.Render(large, pose, {.background = {0, 0, 0}});
  const float near = field.model().March(1).near_distance;
  const float through = std::exp(-std::exp(kBias) / kHalfExtent * (kHalfExtent - near));
  EXPECT_NEAR(view.opacity.At(32, 32), 1 - through, 0.02f);
}

TEST(ConstantField, AStopEndsEveryCall) {
  const HashRadianceField field(ConstantModel());
  StopToken stop;
  stop.RequestStop();
  const std::vector<Ray> rays = MakeRays(PinholeCamera(4, 3, 0.8), Pose{});
  std::vector<float> density(1);
  const std::vector<Vec3> point = {Vec3(1, 2, 3)};
  EXPECT_THROW(field.Render(PinholeCamera(4, 3, 0.8), Pose{}, {}, &stop), Error);
  EXPECT_THROW(field.Weights(rays, {}, &stop), Error);
  EXPECT_THROW(field.Density(point, density, &stop), Error);
}

TEST(ConstantField, GivesOnlyWhatWasAskedFor) {
  const HashRadianceField field(ConstantModel());
  const RenderedView view = field.Render(PinholeCamera(4, 3, 0.8), Pose{}, {.rgb = false});
  EXPECT_TRUE(view.rgb.empty());
  EXPECT_TRUE(view.normals.empty());
  EXPECT_EQ(view.depth.num_pixels(), 12u);
  const RaySamples samples = field.Weights({}, {.rgb = true, .latent = true});
  EXPECT_EQ(samples.ray_begin, std::vector<int32_t>{0});
  EXPECT_TRUE(samples.x.empty());
}

// Density that grows exponentially along one direction, put into the coarsest level's vertices and passed
// through one hidden unit: depth and normals have closed forms.
class SlopedFieldTest : public testing::Test {
 protected:
  SlopedFieldTest() {
    RadianceOptions options = SmallRadianceOptions(1);
    options.cone_angle = 0;
    options.density_bias = -3;
    options.steps_across = 256;
    EXPECT_TRUE(options.bfloat16);  // of training steps: what is rendered must not change for it
    model_ = std::make_unique<RadianceModel>(WithoutCapture(options),
                                             SceneMap{.center = {1, 2, 3}, .half_extent = 2});
    for (Parameter* block : {&model_->grid, &model_->density_mlp, &model_->color_mlp}) block->values.Fill(0);
    const ops::HashGridLevel& level = model_->layout.levels[0];
    EXPECT_TRUE(level.dense);
    const uint32_t n = level.resolution;
    for (uint32_t z = 0; z < n; ++z) {
      for (uint32_t y = 0; y < n; ++y) {
        for (uint32_t x = 0; x < n; ++x) {
          // Exact in half precision.
          model_->grid.values[level.offset + options.features_per_level * (x + n * (y + n * z))] =
              static_cast<float>(2 * x + y + 2 * z) / 64;
        }
      }
    }
    model_->grid.UpdateHalf();
    model_->density_mlp.values[0] = 1;  // hidden unit 0 is feature 0
    model_->density_mlp.values[model_->density_shape.hidden * model_->density_shape.input] =
        kGain;  // raw density
    // A vertex i lies at (i - 1/2) / scale in the cube.
    per_unit_ = level.scale / 64 * kGain / (2 * model_->map.half_extent);
  }
  // Exponent of the density per half extent, at a point of the world.
  double Exponent(const Vec3& p) const {
    const ops::HashGridLevel& level = model_->layout.levels[0];
    double sum = 0;
    for (int k = 0; k < 3; ++k) {
      const double u = (p[k] - model_->map.center[k]) / (2 * model_->map.half_extent) + 0.5;
      sum += kSlope[k] * (u * level.scale + 0.5);
    }
    return kGain * sum / 64 - 3;
  }

  static constexpr float kGain = 6;
  static constexpr double kSlope[3] = {2, 1, 2};
  std::unique_ptr<RadianceModel> model_;
  double per_unit_ = 0;
};

TEST_F(SlopedFieldTest, DepthAndNormalsHaveClosedForms) {
  const double near = model_->March(1).near_distance, half = model_->map.half_extent;
  const HashRadianceField field(std::move(model_));
  model_ = std::make_unique<RadianceModel>(field.model().options, field.model().map);  // for Exponent
  const Camera camera = PinholeCamera(15, 11, 0.7);
  const Pose pose = LookAt({0.2, 1.4, 2.1}, {2.2, 2.4, 4.1}, {0, 0, 1});
  const RenderedView view = field.Render(camera, pose, {.normals = true});
  const RenderedView coarse = field.Render(camera, pose, {.fine = false});
  double error = 0, error_of_coarse = 0;
  const std::vector<Ray> rays = MakeRays(camera, pose);
  for (size_t r = 0; r < rays.size(); ++r) {
    const Vec3 direction(rays[r].direction[0], rays[r].direction[1], rays[r].direction[2]);
    const double slope = per_unit_ * direction.dot(Vec3(kSlope[0], kSlope[1], kSlope[2]));
    const double start = Exponent(pose.translation);
    // Optical depth from near to t: (exp(start + slope t) - exp(start + slope near)) / (slope half) = log 2.
    const double t =
        (std::log(std::exp(start + slope * near) + std::numbers::ln2 * slope * half) - start) / slope;
    EXPECT_NEAR(view.depth.data[r], t * rays[r].z_scale, 2e-3 * t);
    error += std::abs(view.depth.data[r] - t * rays[r].z_scale);
    error_of_coarse += std::abs(coarse.depth.data[r] - t * rays[r].z_scale);
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(view.normals.data[3 * r + k], -kSlope[k] / 3, 0.01);
  }
  EXPECT_LT(error, 0.8 * error_of_coarse);
}

// A field trained on objects whose exact answers are known.
class TrainedFieldTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    data_ = new TestCapture({.views = 24, .width = 80, .height = 60, .scene = "object"});
    trainer_ = new RadianceTrainer(data_->capture, *data_->store,
                                   ResolveRadianceOptions(SmallRadianceOptions(400), data_->capture));
    while (!trainer_->Done()) trainer_->Step();
  }
  static void TearDownTestSuite() {
    delete trainer_;
    delete data_;
  }
  const HashRadianceField field_{&trainer_->model()};
  const SyntheticScene scene_{data_->options};
  static TestCapture* data_;
  static RadianceTrainer* trainer_;
};
TestCapture* TrainedFieldTest::data_ = nullptr;
RadianceTrainer* TrainedFieldTest::trainer_ = nullptr;

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

TEST_F(TrainedFieldTest, DepthAgreesWithTheScene) {
  std::vector<double> depth_errors, opacities_beside;
  size_t no_surface = 0;
  for (int index : data_->capture.held_out) {
    const View& view = data_->capture.views[index];
    const RenderedView picture =
        field_.Render(view.camera, view.world_from_camera, {.rgb = false, .normals = true});
    const std::vector<Ray> rays = MakeRays(view.camera, view.world_from_camera);
    for (size_t r = 0; r < rays.size(); ++r) {
      const SyntheticHit hit = scene_.Trace(rays[r]);
      if (!hit.hit) {
        opacities_beside.push_back(picture.opacity.data[r]);
        continue;
      }
      if (picture.depth.data[r] <= 0) {
        ++no_surface;
        continue;
      }
      const double truth = hit.distance * rays[r].z_scale;
      depth_errors.push_back(std::abs(picture.depth.data[r] - truth) / truth);
      double towards = 0, norm = 0;
      for (int k = 0; k < 3; ++k) {
        const double n = picture.normals.data[3 * r + k];
        towards -= n * rays[r].direction[k];
        norm += n * n;
      }
      EXPECT_NEAR(norm, 1, 1e-4);
      EXPECT_GE(towards, -1e-6) << "looks away from the camera";
    }
  }
  ASSERT_GT(depth_errors.size(), 1000u);
  EXPECT_LT(static_cast<double>(no_surface) / static_cast<double>(depth_errors.size()), 0.05);
  EXPECT_LT(Median(depth_errors), 0.04);
  EXPECT_LT(Median(opacities_beside), 0.05);
}

TEST_F(TrainedFieldTest, WeightsAgreeWithTheRendering) {
  const View& view = data_->capture.views[data_->capture.held_out[0]];
  const RenderedView picture =
      field_.Render(view.camera, view.world_from_camera, {.background = {0, 0, 0}, .fine = false});
  const std::vector<Ray> rays = MakeRays(view.camera, view.world_from_camera);
  const RaySamples all = field_.Weights(rays, {.min_weight = 0, .rgb = true, .latent = true});
  const RaySamples heavy = field_.Weights(rays, {.min_weight = 0.02f});
  ASSERT_EQ(all.ray_begin.size(), rays.size() + 1);
  EXPECT_TRUE(heavy.rgb.empty());
  EXPECT_TRUE(heavy.latent.empty());
  EXPECT_LT(heavy.x.size(), all.x.size());
  for (float weight : heavy.weight) EXPECT_GE(weight, 0.02f);
  for (size_t r = 0; r < rays.size(); ++r) {
    double sum = 0;
    std::vector<float> kept;
    for (int i = all.ray_begin[r]; i < all.ray_begin[r + 1]; ++i) {
      sum += all.weight[i];
      if (all.weight[i] >= 0.02f) kept.push_back(all.weight[i]);
    }
    EXPECT_NEAR(sum, all.opacity[r], 1e-4);
    EXPECT_EQ(all.opacity[r], picture.opacity.data[r]);
    EXPECT_NEAR(all.distance[r] * rays[r].z_scale, picture.depth.data[r], 1e-5);
    for (int k = 0; k < 3; ++k) EXPECT_EQ(all.rgb[3 * r + k], picture.rgb.data[3 * r + k]);
    const std::vector<float> of_heavy(heavy.weight.begin() + heavy.ray_begin[r],
                                      heavy.weight.begin() + heavy.ray_begin[r + 1]);
    EXPECT_EQ(of_heavy, kept);
  }
  for (const std::vector<float>* axis : {&all.x, &all.y, &all.z}) {
    EXPECT_EQ(axis->size(), all.weight.size());
    for (float v : *axis) ASSERT_TRUE(v >= 0 && v <= 1);
  }
}

// The median distance lies where the kept samples say that half of the light is gone.
TEST_F(TrainedFieldTest, SamplesLieAtTheSurface) {
  const View& view = data_->capture.views[data_->capture.held_out[0]];
  const std::vector<Ray> rays = MakeRays(view.camera, view.world_from_camera);
  const RaySamples samples = field_.Weights(rays, {.min_weight = 0.002f});
  const SceneMap& map = field_.scene_map();
  std::vector<double> deviations;
  for (size_t r = 0; r < rays.size(); ++r) {
    if (samples.distance[r] <= 0) continue;
    float p[3], u[3];
    for (int k = 0; k < 3; ++k) p[k] = rays[r].origin[k] + samples.distance[r] * rays[r].direction[k];
    map.UnitFromWorld(p, u);
    double mean[3] = {}, sum = 0;
    for (int i = samples.ray_begin[r]; i < samples.ray_begin[r + 1]; ++i) {
      const float at[3] = {samples.x[i], samples.y[i], samples.z[i]};
      for (int k = 0; k < 3; ++k) mean[k] += samples.weight[i] * at[k];
      sum += samples.weight[i];
    }
    double squared = 0;
    for (int k = 0; k < 3; ++k) squared += (mean[k] / sum - u[k]) * (mean[k] / sum - u[k]);
    deviations.push_back(std::sqrt(squared));
  }
  EXPECT_LT(Median(deviations), 0.02);
}

TEST_F(TrainedFieldTest, CallsFromTwoThreadsAndAnyPoolAgree) {
  const View& view = data_->capture.views[0];
  std::vector<RenderedView> pictures(3);
  const auto render = [&](RenderedView* picture) {
    *picture = field_.Render(view.camera, view.world_from_camera, {.normals = true});
  };
  {
    const ScopedThreads scoped(1);
    render(&pictures[0]);
  }
  std::thread other([&] { render(&pictures[1]); });
  render(&pictures[2]);
  other.join();
  for (int i : {1, 2}) {
    EXPECT_EQ(pictures[i].rgb.data, pictures[0].rgb.data);
    EXPECT_EQ(pictures[i].depth.data, pictures[0].depth.data);
    EXPECT_EQ(pictures[i].normals.data, pictures[0].normals.data);
  }
}

}  // namespace
}  // namespace semfield
