#include "semfield/methods/feature_field/pose_sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>

namespace semfield {
namespace {

// Cameras on a circle around the origin, looking inward.
Capture RingCapture(int num_views) {
  Capture capture;
  for (int i = 0; i < num_views; ++i) {
    const double angle = 2 * std::numbers::pi * i / num_views;
    View view;
    view.camera = PinholeCamera(64 + i, 48, 0.9);  // the width names the view
    view.world_from_camera = LookAt({3 * std::cos(angle), 3 * std::sin(angle), 1}, {0, 0, 0}, {0, 0, 1});
    capture.views.push_back(view);
    if (i % 8 != 7) capture.train.push_back(i);
  }
  return capture;
}

// Which two training views a pose lies between: the camera says the first, the straight line the other.
std::pair<int, int> Parents(const Capture& capture, const Camera& camera, const Pose& pose) {
  const int first = camera.width - 64;
  const Pose& from = capture.views[first].world_from_camera;
  for (int other : capture.train) {
    if (other == first) continue;
    const Pose& to = capture.views[other].world_from_camera;
    const Vec3 line = to.translation - from.translation;
    const double t = (pose.translation - from.translation).dot(line) / line.squaredNorm();
    if (t < -1e-9 || t > 1 + 1e-9) continue;
    const Pose between = Interpolate(from, to, t);
    if ((between.translation - pose.translation).norm() < 1e-9 &&
        RotationAngle(between.rotation, pose.rotation) < 1e-6) {
      return {first, other};
    }
  }
  return {first, -1};
}

TEST(PoseSampler, LiesBetweenNeighbors) {
  const Capture capture = RingCapture(16);
  FeatureOptions options;
  options.neighbors = 2;
  const PoseSampler sampler(capture, options);
  for (int64_t index = 0; index < 200; ++index) {
    const auto [camera, pose] = sampler.Sample(index);
    EXPECT_TRUE(IsRigid(pose, 1e-9));
    const auto [first, second] = Parents(capture, camera, pose);
    ASSERT_GE(second, 0) << "view " << index << " lies between no two training poses";
    // On the ring, the two nearest training views are at most 3 places away (a held-out one may lie between).
    const int apart = std::abs(first - second);
    EXPECT_LE(std::min(apart, 16 - apart), 3);
  }
}

TEST(PoseSampler, AnyPairReachesAcross) {
  const Capture capture = RingCapture(16);
  FeatureOptions options;
  options.pairs = PosePairs::kAny;
  const PoseSampler sampler(capture, options);
  int far = 0;
  for (int64_t index = 0; index < 200; ++index) {
    const auto [camera, pose] = sampler.Sample(index);
    const auto [first, second] = Parents(capture, camera, pose);
    ASSERT_GE(second, 0);
    const int apart = std::abs(first - second);
    far += std::min(apart, 16 - apart) > 3;
  }
  EXPECT_GT(far, 60);
}

TEST(PoseSampler, DependsOnSeedAndIndexAlone) {
  const Capture capture = RingCapture(12);
  FeatureOptions options, other;
  other.seed = 5;
  const PoseSampler a(capture, options), b(capture, options), c(capture, other);
  int different = 0;
  for (int64_t index = 40; index >= 0; --index) {
    const Pose one = a.Sample(index).second;
    b.Sample((index * 7) % 11);  // what was asked before does not matter
    const Pose two = b.Sample(index).second, three = c.Sample(index).second;
    EXPECT_EQ(one.translation, two.translation);
    EXPECT_EQ(one.rotation, two.rotation);
    different += one.translation != three.translation;
  }
  EXPECT_GT(different, 30);
}

TEST(PoseSampler, EveryTrainingViewBeforeAnyAgainAndNoHeldOutOne) {
  const Capture capture = RingCapture(16);
  const PoseSampler sampler(capture, {});
  const int n = static_cast<int>(capture.train.size());
  std::vector<int> first_round, second_round;
  for (int round = 0; round < 3; ++round) {
    std::set<int> seen;
    for (int i = 0; i < n; ++i) {
      const int view = sampler.Sample(round * n + i).first.width - 64;
      seen.insert(view);
      (round == 0 ? first_round : second_round).push_back(view);
    }
    EXPECT_EQ(seen, std::set<int>(capture.train.begin(), capture.train.end()));
  }
  second_round.resize(n);
  EXPECT_NE(first_round, second_round) << "every round has the same order";
}

TEST(PoseSampler, WithoutAugmentationTheTrainingPosesThemselves) {
  const Capture capture = RingCapture(9);
  FeatureOptions options;
  options.augment = false;
  const PoseSampler sampler(capture, options);
  for (int64_t index = 0; index < 20; ++index) {
    const auto [camera, pose] = sampler.Sample(index);
    EXPECT_EQ(pose.translation, capture.views[camera.width - 64].world_from_camera.translation);
  }
}

TEST(PoseSampler, OneTrainingViewIsEnough) {
  Capture capture = RingCapture(3);
  capture.train = {1};
  const PoseSampler sampler(capture, {});
  for (int64_t index = 0; index < 5; ++index) {
    EXPECT_EQ(sampler.Sample(index).second.translation, capture.views[1].world_from_camera.translation);
  }
}

TEST(PoseSampler, FieldOfViewJitterStaysInItsRange) {
  const Capture capture = RingCapture(9);
  FeatureOptions options;
  options.field_of_view_jitter = 0.2;
  const PoseSampler sampler(capture, options);
  double low = 1, high = 1;
  for (int64_t index = 0; index < 200; ++index) {
    const Camera camera = sampler.Sample(index).first;
    const double factor = camera.fx / capture.views[camera.width - 64].camera.fx;
    EXPECT_NEAR(camera.fy / capture.views[camera.width - 64].camera.fy, factor, 1e-12);
    low = std::min(low, factor);
    high = std::max(high, factor);
  }
  EXPECT_GE(low, 0.8 - 1e-6);
  EXPECT_LE(high, 1.2 + 1e-6);
  EXPECT_LT(low, 0.85);
  EXPECT_GT(high, 1.15);
}

}  // namespace
}  // namespace semfield
