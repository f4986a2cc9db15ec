#include "semfield/methods/radiance/views/pose_refinement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/geometry/geometry_test_util.h"
#include "semfield/methods/radiance/model/tile_pass.h"
#include "semfield/methods/radiance/radiance_test_util.h"
#include "semfield/methods/radiance/training/radiance_trainer.h"
#include "semfield/methods/radiance/views/pose_test_util.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

// A capture of cameras only.
Capture CamerasOnCircle(int count) {
  Capture capture;
  for (int i = 0; i < count; ++i) {
    View view;
    view.name = std::to_string(i);
    const double angle = 2 * M_PI * i / count;
    const Vec3 eye(3 * std::cos(angle), 3 * std::sin(angle), 0.2 * (i % 3));
    view.world_from_camera = LookAt(eye, Vec3::Zero(), Vec3::UnitZ());
    capture.views.push_back(view);
    if (i != 2) capture.train.push_back(i);
  }
  return capture;
}

// Rays of every training view, at the given poses.
RayBatch RandomRays(const Capture& capture, Random& random, int rays_per_view) {
  RayBatch batch;
  batch.Resize(capture.train.size() * rays_per_view);
  size_t i = 0;
  for (const int view : capture.train) {
    const Pose& pose = capture.views[view].world_from_camera;
    for (int r = 0; r < rays_per_view; ++r, ++i) {
      const Vec3 direction = (pose.rotation * (Vec3::UnitZ() + RandomVec3(random, 0.4f))).normalized();
      for (int k = 0; k < 3; ++k) {
        batch.rays[i].origin[k] = static_cast<float>(pose.translation[k]);
        batch.rays[i].direction[k] = static_cast<float>(direction[k]);
      }
      batch.view[i] = view;
    }
  }
  return batch;
}

std::vector<RayGradient> RandomGradients(size_t count, Random& random) {
  std::vector<RayGradient> gradients(count);
  for (RayGradient& gradient : gradients) {
    for (int k = 0; k < 3; ++k) {
      gradient.origin[k] = random.Uniform(-1, 1);
      gradient.direction[k] = random.Uniform(-1, 1);
    }
  }
  return gradients;
}

TEST(PoseRefinement, MovesRaysAsItMovesPoses) {
  const Capture capture = CamerasOnCircle(6);
  PoseRefinement poses(capture, 1.7);
  Random random(3, 1);
  const RayBatch given = RandomRays(capture, random, 4);
  RayBatch moved = given;
  PoseRefinement().MoveRays(&moved);  // not enabled
  poses.MoveRays(&moved);             // no correction yet
  for (size_t i = 0; i < given.size(); ++i) {
    for (int k = 0; k < 3; ++k) {
      EXPECT_EQ(moved.rays[i].origin[k], given.rays[i].origin[k]);
      EXPECT_EQ(moved.rays[i].direction[k], given.rays[i].direction[k]);
    }
  }
  for (int step = 1; step <= 20; ++step)
    poses.Update(moved, RandomGradients(given.size(), random), {.learning_rate = 0.02f, .step = step});
  poses.MoveRays(&moved);
  double farthest = 0;
  for (size_t i = 0; i < given.size(); ++i) {
    const Pose& pose = capture.views[given.view[i]].world_from_camera;
    const Pose corrected = poses.correction(given.view[i]).Apply(pose, 1.7);
    EXPECT_TRUE(IsRigid(corrected, 1e-9));
    farthest = std::max(farthest, RotationAngle(pose.rotation, corrected.rotation));
    for (int k = 0; k < 3; ++k) {
      const Vec3 direction(given.rays[i].direction[0], given.rays[i].direction[1],
                           given.rays[i].direction[2]);
      const Vec3 expected = corrected.rotation * pose.rotation.transpose() * direction;
      EXPECT_NEAR(moved.rays[i].direction[k], expected[k], 1e-6);
      EXPECT_NEAR(moved.rays[i].origin[k], corrected.translation[k], 1e-5);
    }
  }
  EXPECT_GT(farthest, 0.02);
  EXPECT_EQ(poses.correction(2).rotation.norm(), 0);  // not a training view
  EXPECT_EQ(poses.correction(2).shift.norm(), 0);
}

TEST(PoseRefinement, LeavesWhatAllCamerasShareToTheField) {
  const Capture capture = CamerasOnCircle(7);
  PoseRefinement poses(capture, 2);
  Random random(4, 1);
  const RayBatch batch = RandomRays(capture, random, 3);
  // Every ray wants the same shift, the same turn, and beside that something of its own.
  std::vector<RayGradient> gradients = RandomGradients(batch.size(), random);
  for (RayGradient& gradient : gradients) gradient.origin[0] += 3;
  for (int step = 1; step <= 50; ++step)
    poses.Update(batch, gradients, {.learning_rate = 0.01f, .step = step});
  Vec3 shift = Vec3::Zero(), mean = Vec3::Zero();
  double size = 0, growth = 0;
  for (const int view : capture.train) mean += capture.views[view].world_from_camera.translation / 2 / 6;
  Vec3 turn = Vec3::Zero();
  for (const int view : capture.train) {
    const PoseCorrection correction = poses.correction(view);
    const Vec3 center = capture.views[view].world_from_camera.translation / 2 - mean;
    shift += correction.shift;
    turn += correction.rotation + center.cross(correction.shift);
    growth += center.dot(correction.shift);
    size += correction.shift.norm() + correction.rotation.norm();
  }
  EXPECT_GT(size, 0.1);
  EXPECT_LT(shift.norm(), 1e-5);
  EXPECT_LT(turn.norm(), 1e-5);
  EXPECT_LT(std::abs(growth), 1e-5);
}

TEST(PoseRefinement, HoldsCamerasThatHaveRaysFromShifting) {
  const Capture capture = CamerasOnCircle(40);
  PoseRefinement free(capture, 2), held(capture, 2);
  Random random(8, 1);
  const RayBatch batch = RandomRays(capture, random, 3);
  const std::vector<RayGradient> gradients = RandomGradients(batch.size(), random);
  const auto turned_and_shifted = [&](const PoseRefinement& poses) {
    std::pair<double, double> sums{0, 0};
    for (const int view : capture.train) {
      sums.first += poses.correction(view).rotation.norm();
      sums.second += poses.correction(view).shift.norm();
    }
    return sums;
  };
  for (int step = 1; step <= 40; ++step) {
    free.Update(batch, gradients, {.learning_rate = 0.001f, .step = step});
    held.Update(batch, gradients, {.learning_rate = 0.001f, .step = step, .shift_decay = 200});
  }
  const auto [free_turns, free_shifts] = turned_and_shifted(free);
  const auto [held_turns, held_shifts] = turned_and_shifted(held);
  EXPECT_LT(held_shifts, 0.3 * free_shifts);
  EXPECT_NEAR(held_turns, free_turns, 0.2 * free_turns);
  // A batch of one view, so short a step that nothing but the decay is seen: the others keep their shifts,
  // but for the little that the one view's loss makes the common motion.
  RayBatch of_first;
  of_first.Resize(1);
  of_first.rays[0] = batch.rays[0];
  of_first.view[0] = batch.view[0];
  std::vector<Vec3> before;
  for (const int view : capture.train) before.push_back(free.correction(view).shift);
  free.Update(of_first, std::span(gradients).first(1),
              {.learning_rate = 1e-9f, .step = 41, .shift_decay = 1e9f});
  for (size_t i = 0; i < before.size(); ++i) {
    const double kept = free.correction(capture.train[i]).shift.norm() / before[i].norm();
    if (capture.train[i] == batch.view[0]) {
      EXPECT_LT(kept, 0.3);
    } else {
      EXPECT_NEAR(kept, 1, 0.3);
    }
  }
}

// A tiny contracted field: the distances at which its rays are sampled do not depend on the pose, so that
// differences of the loss are those of the sampled positions alone.
class PoseGradientTest : public testing::Test {
 protected:
  PoseGradientTest()
      : model_(Options(), {.contracted = true, .center = {0.2f, -0.1f, 0.3f}, .half_extent = 1.5f}) {
    Random random(5);
    for (float& value : model_.grid.values.span()) value = random.Uniform(-0.5f, 0.5f);
    model_.grid.UpdateHalf();
    for (int i = 0; i < 24; ++i) {
      const Vec3 direction = (Vec3(0.2, 0.3, 1) + RandomVec3(random, 0.5f)).normalized();
      Ray ray = {.origin = {0.1f, -0.4f, -0.6f}, .direction = {}, .z_scale = 1};
      for (int k = 0; k < 3; ++k) ray.direction[k] = static_cast<float>(direction[k]);
      batch_.rays.push_back(ray);
      batch_.view.push_back(0);
    }
    for (float& v : d_rgb_) v = random.Uniform(-1, 1);
    for (float& v : d_final_) v = random.Uniform(-1, 1);
  }
  static RadianceOptions Options() {
    RadianceOptions options;
    options.levels = 2;
    options.features_per_level = 2;
    options.log2_table_size = 10;
    options.base_resolution = 3;
    options.finest_resolution = 5;
    options.hidden = 16;
    options.occupancy_resolution = 8;
    options.steps_across = 20;
    options.cone_angle = 0.05;
    options.density_bias = 0;
    options.stop_optical_depth = 0;
    options.background = Background::kBlack;
    return options;
  }

  double Loss(const PoseCorrection& correction, double d_correction[6]) {
    std::vector<Ray> moved = batch_.rays;
    for (Ray& ray : moved) {
      Pose pose;
      for (int k = 0; k < 3; ++k) pose.translation[k] = ray.origin[k];
      pose = correction.Apply(pose, model_.map.half_extent);
      const Vec3 direction = pose.rotation * Vec3(ray.direction[0], ray.direction[1], ray.direction[2]);
      for (int k = 0; k < 3; ++k) {
        ray.origin[k] = static_cast<float>(pose.translation[k]);
        ray.direction[k] = static_cast<float>(direction[k]);
      }
    }
    SampleTiles tiles;
    tiles.March(model_.map, model_.occupancy, model_.March(1), moved, {});
    tiles.Encode(model_.layout, model_.grid.half.data(), model_.options.levels);
    Buffer<float> density(model_.density_mlp.size()), color(model_.color_mlp.size());
    std::vector<int32_t> columns(moved.size());
    TilePass pass(model_);
    double loss = 0;
    for (size_t tile = 0; tile < tiles.tiles().size(); ++tile) {
      pass.Density(tiles, tile, 0, /*training=*/true);
      pass.Color(batch_.rays, /*training=*/true);  // the given directions: the harmonics do not take part
      pass.Backward({.d_rgb = d_rgb_,
                     .d_final_transmittance = d_final_,
                     .distortion_scale = 0,
                     .density_mlp = density.data(),
                     .color_mlp = color.data()});
      for (int r = 0; r < pass.num_rays(); ++r) {
        columns[pass.first_ray() + r] = pass.begin()[r + 1] - pass.begin()[r];
        for (int k = 0; k < 3; ++k) {
          loss += double{d_rgb_[k * ops::kTileStride + r]} * pass.rgb()[k * ops::kTileStride + r];
        }
        loss += double{d_final_[r]} * pass.final_transmittance()[r];
      }
    }
    if (d_correction == nullptr) return loss;
    RayGradients gradients;
    gradients.Compute(model_, tiles, moved, columns, model_.options.levels);
    std::fill_n(d_correction, 6, 0.0);
    for (size_t i = 0; i < moved.size(); ++i) {
      double d[6];
      correction.Backward(moved[i], gradients.gradients()[i], model_.map.half_extent, d);
      for (int k = 0; k < 6; ++k) d_correction[k] += d[k];
    }
    return loss;
  }

  RadianceModel model_;
  RayBatch batch_;
  float d_rgb_[3 * ops::kTileStride], d_final_[ops::kTileStride];
};

TEST_F(PoseGradientTest, AgreesWithDifferences) {
  Random random(6);
  for (const float size : {0.0f, 0.3f}) {
    const PoseCorrection at = {.rotation = RandomVec3(random, size), .shift = RandomVec3(random, size)};
    double d[6];
    Loss(at, d);
    const double norm =
        std::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + d[3] * d[3] + d[4] * d[4] + d[5] * d[5]);
    for (int k = 0; k < 6; ++k) {
      PoseCorrection above = at, below = at;
      constexpr double kStep = 2e-3;
      (k < 3 ? above.rotation[k] : above.shift[k - 3]) += kStep;
      (k < 3 ? below.rotation[k] : below.shift[k - 3]) -= kStep;
      const double difference = (Loss(above, nullptr) - Loss(below, nullptr)) / (2 * kStep);
      EXPECT_NEAR(d[k], difference, 0.03 * norm) << "number " << k << " around size " << size;
    }
  }
}

RadianceOptions RefiningOptions(int steps) {
  RadianceOptions options = SmallRadianceOptions(steps);
  options.refine_poses = true;
  return options;
}

TEST(PoseRefinement, TrainingGivesTheSameBitsResumedAndWithAnyNumberOfThreads) {
  TestCapture data({.views = 10, .width = 48, .height = 36});
  RadianceOptions options = RefiningOptions(60);
  options.samples_per_step = 4096;
  options = ResolveRadianceOptions(options, data.capture);
  TestFolder folder;
  std::vector<std::vector<std::byte>> bytes;
  for (const int threads : {2, 1}) {
    const ScopedThreads scoped(threads);
    RadianceTrainer trainer(data.capture, *data.store, options);
    while (!trainer.Done()) {
      if (trainer.step() == 33) {
        SaveCheckpoint(folder / "radiance", "radiance", trainer.Tensors(),
                       {{"state", trainer.State().dump()}});
      }
      trainer.Step();
    }
    EXPECT_GT(trainer.poses().correction(data.capture.train[0]).rotation.norm(), 0);
    bytes.push_back(BytesOf(trainer.Tensors()));
  }
  EXPECT_EQ(bytes[0], bytes[1]);
  const Checkpoint checkpoint = LoadCheckpoint(folder / "radiance", "radiance");
  RadianceTrainer resumed(data.capture, *data.store, options);
  resumed.Restore(checkpoint.file, ParseJson(checkpoint.file.Metadata("state"), "state"));
  // What jobs see of a checkpoint is what the trainer moves its rays by.
  Capture refined = data.capture;
  ApplyPoseCorrections(checkpoint.file, resumed.model().map.half_extent, &refined);
  for (size_t v = 0; v < refined.views.size(); ++v) {
    const Pose expected =
        resumed.poses()
            .correction(static_cast<int>(v))
            .Apply(data.capture.views[v].world_from_camera, resumed.model().map.half_extent);
    EXPECT_LT((refined.views[v].world_from_camera.Matrix() - expected.Matrix()).norm(), 1e-12);
  }
  while (!resumed.Done()) resumed.Step();
  EXPECT_EQ(BytesOf(resumed.Tensors()), bytes[0]);
}

TEST(PoseRefinement, RefusesCheckpointsOfOtherCapturesAndNoNumbers) {
  TestFolder folder;
  Capture capture = CamerasOnCircle(4);
  std::vector<float> numbers(4 * PoseRefinement::kStride);
  const auto file = [&](int64_t views) {
    const TensorView tensor = MakeTensorView<float>("poses", {views, PoseRefinement::kStride},
                                                    std::span<const float>(numbers).first(views * 16));
    SaveCheckpoint(folder / "radiance", "radiance", std::vector<TensorView>{tensor}, {});
    return LoadCheckpoint(folder / "radiance", "radiance");
  };
  EXPECT_NO_THROW(ApplyPoseCorrections(file(4).file, 1, &capture));
  EXPECT_THROW(ApplyPoseCorrections(file(3).file, 1, &capture), Error);
  numbers[PoseRefinement::kStride + 2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(ApplyPoseCorrections(file(4).file, 1, &capture), Error);
}

// Photos around an object whose poses are off by half a degree: training finds most of it again.
TEST(PoseRefinement, FindsDisturbedPoses) {
  TestCapture data({.views = 24, .width = 96, .height = 72, .scene = "object"});
  const Capture truth = data.capture;
  DisturbPoses({.degrees = 0.5, .shift = 0, .seed = 7}, &data.capture);
  const double before = MedianPoseError(truth, data.capture).degrees;
  RadianceOptions options = RefiningOptions(600);
  options.pose_learning_rate = 1e-3;  // few steps, few photos
  RadianceTrainer trainer(data.capture, *data.store, ResolveRadianceOptions(options, data.capture));
  while (!trainer.Done()) trainer.Step();
  Capture refined = data.capture;
  for (const int v : refined.train) {
    Pose& pose = refined.views[v].world_from_camera;
    pose = trainer.poses().correction(v).Apply(pose, trainer.model().map.half_extent);
  }
  const PoseDifference after = MedianPoseError(truth, refined);
  EXPECT_GT(before, 0.4);
  EXPECT_LT(after.degrees, 0.4 * before);
}

}  // namespace
}  // namespace semfield
