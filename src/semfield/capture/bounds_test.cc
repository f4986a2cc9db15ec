#include "semfield/capture/bounds.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/random.h"
#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using testing_support::CirclePose;
using testing_support::TempFolder;

Capture FromPoses(const std::vector<Pose>& poses, double fov = 0.8) {
  Capture capture;
  for (const Pose& pose : poses) {
    View view;
    view.camera = PinholeCamera(64, 64, fov);
    view.world_from_camera = pose;
    capture.views.push_back(view);
  }
  return capture;
}

std::vector<Pose> Around(const Vec3& target, double radius, int n) {
  std::vector<Pose> poses;
  for (int i = 0; i < n; ++i) {
    const double angle = 6.2831853 * i / n;
    const Vec3 eye =
        target + radius * Vec3(std::cos(angle), std::sin(angle), 0.3 + 0.1 * (i % 3)).normalized();
    poses.push_back(LookAt(eye, target, Vec3::UnitZ()));
  }
  return poses;
}

bool Inside(const Box3& box, const Vec3& p) {
  return (p - box.min).minCoeff() >= 0 && (box.max - p).minCoeff() >= 0;
}

TEST(Layout, FindsThePointAllAxesMeetIn) {
  const Vec3 target(3, -2, 7);
  const CameraLayout layout = AnalyzeLayout(FromPoses(Around(target, 5, 24)).views);
  EXPECT_TRUE(layout.inward);
  EXPECT_FALSE(layout.forward_facing);
  EXPECT_LT((layout.look_at - target).norm(), 1e-9);
  EXPECT_NEAR(layout.look_at_distance, 5, 1e-9);
}

TEST(Layout, CamerasThatLookOutwardMeetNowhere) {
  std::vector<Pose> poses;
  for (int i = 0; i < 24; ++i) {
    const double angle = 6.2831853 * i / 24;
    const Vec3 out(std::cos(angle), std::sin(angle), 0);
    poses.push_back(LookAt(out, 3 * out, Vec3::UnitZ()));
  }
  EXPECT_FALSE(AnalyzeLayout(FromPoses(poses).views).inward);
}

TEST(Bounds, InwardCamerasGetACubeThatReachesThem) {
  const Vec3 target(1, 2, 3);
  Capture capture = FromPoses(Around(target, 5, 30));
  DecideBounds(&capture);
  EXPECT_EQ(capture.extent, SceneExtent::kUnbounded);
  EXPECT_LT((capture.bounds.Center() - target).norm(), 1e-9);
  EXPECT_NEAR(capture.bounds.Extent().x(), 10, 1e-6);
  for (const View& view : capture.views)
    EXPECT_TRUE(Inside(capture.bounds, view.world_from_camera.translation));
  EXPECT_FALSE(capture.bounds_rule.empty());
}

TEST(Bounds, FarAwayCameraDoesNotBlowTheCubeUp) {
  std::vector<Pose> poses = Around(Vec3::Zero(), 5, 40);
  poses.push_back(LookAt(Vec3(500, 0, 10), Vec3::Zero(), Vec3::UnitZ()));
  Capture capture = FromPoses(poses);
  DecideBounds(&capture);
  EXPECT_LT(capture.bounds.Extent().x(), 12);
}

TEST(Bounds, ForwardFacingCamerasGetACubeInFrontOfThem) {
  std::vector<Pose> poses;
  for (int i = 0; i < 20; ++i) {
    const Vec3 eye(0.2 * (i % 5), 0, 0.2 * (i / 5));
    poses.push_back(LookAt(eye, eye + Vec3(0, 1, 0), Vec3::UnitZ()));
  }
  Capture capture = FromPoses(poses);
  DecideBounds(&capture);
  EXPECT_EQ(capture.extent, SceneExtent::kUnbounded);
  EXPECT_GT(capture.bounds.Center().y(), 0.5);
  for (const View& view : capture.views) {
    EXPECT_TRUE(Inside({capture.bounds.min.array() - 1e-9, capture.bounds.max.array() + 1e-9},
                       view.world_from_camera.translation));
  }
}

TEST(Bounds, OutwardCamerasGetACubeAroundThem) {
  std::vector<Pose> poses;
  for (int i = 0; i < 24; ++i) {
    const double angle = 6.2831853 * i / 24;
    const Vec3 out(std::cos(angle), std::sin(angle), 0);
    poses.push_back(LookAt(Vec3(5, 5, 1) + out, Vec3(5, 5, 1) + 3 * out, Vec3::UnitZ()));
  }
  Capture capture = FromPoses(poses);
  DecideBounds(&capture);
  EXPECT_LT((capture.bounds.Center() - Vec3(5, 5, 1)).norm(), 1e-6);
  EXPECT_NEAR(capture.bounds.Extent().x(), 3, 0.01);
}

TEST(Bounds, CamerasAtOnePointStillGetACube) {
  std::vector<Pose> poses;
  for (int i = 0; i < 5; ++i)
    poses.push_back(LookAt(Vec3::Zero(), Vec3(std::cos(i), std::sin(i), 0), Vec3::UnitZ()));
  Capture capture = FromPoses(poses);
  DecideBounds(&capture);
  EXPECT_GT(capture.bounds.Extent().minCoeff(), 0.1);
  EXPECT_TRUE(capture.bounds.min.allFinite());
}

TEST(Bounds, AlphaMeansTheBlenderCubeUnlessTheCamerasDisagree) {
  Capture blender = FromPoses(Around(Vec3::Zero(), 4.03, 30), 0.6911);
  for (View& view : blender.views) view.has_alpha = true;
  DecideBounds(&blender);
  EXPECT_EQ(blender.extent, SceneExtent::kBounded);
  EXPECT_EQ(blender.bounds.min, Vec3::Constant(-1.5));
  EXPECT_EQ(blender.bounds.max, Vec3::Constant(1.5));

  const Vec3 target(10, 0, 0);
  Capture moved = FromPoses(Around(target, 20, 30), 0.6911);
  for (View& view : moved.views) view.has_alpha = true;
  DecideBounds(&moved);
  EXPECT_EQ(moved.extent, SceneExtent::kBounded);
  EXPECT_LT((moved.bounds.Center() - target).norm(), 1e-9);
  EXPECT_NEAR(moved.bounds.Extent().x() / 2, 20 * std::tan(0.6911 / 2), 1e-6);
}

TEST(Bounds, DepthMapsGiveTheBoxTheyShow) {
  // Every camera sees a plane 2 units in front of it, across the whole image.
  TempFolder folder;
  WritePng16(folder / "depth.png", ImageU16(64, 64, 1, 2000));
  std::vector<Pose> poses;
  for (const Vec3& axis : {Vec3(1, 0, 0), Vec3(-1, 0, 0), Vec3(0, 1, 0), Vec3(0, -1, 0)}) {
    poses.push_back(LookAt(Vec3::Zero(), axis, Vec3::UnitZ()));
  }
  Capture capture = FromPoses(poses, 1.0);
  for (View& view : capture.views) view.depth = folder / "depth.png";
  DecideBounds(&capture);
  EXPECT_EQ(capture.extent, SceneExtent::kBounded);
  const double side = 2 * std::tan(0.5) * 63 / 64;  // outermost pixel centres
  const double padding = 0.01 * 4;
  EXPECT_NEAR(capture.bounds.max.x(), 2 + padding, 1e-6);
  EXPECT_NEAR(capture.bounds.min.y(), -2 - padding, 1e-6);
  EXPECT_NEAR(capture.bounds.max.z(), side + padding, 1e-6);
}

TEST(Bounds, SingleWrongDepthPixelsAreClipped) {
  TempFolder folder;
  ImageU16 depth(64, 64, 1, 2000);
  depth.At(32, 32) = 60000;
  WritePng16(folder / "depth.png", depth);
  Capture capture = FromPoses({LookAt(Vec3::Zero(), Vec3::UnitX(), Vec3::UnitZ()),
                               LookAt(Vec3::Zero(), -Vec3::UnitX(), Vec3::UnitZ())},
                              1.0);
  for (View& view : capture.views) view.depth = folder / "depth.png";
  DecideBounds(&capture);
  EXPECT_LT(capture.bounds.max.x(), 10);
  EXPECT_GE(capture.bounds.max.x(), 2);
}

}  // namespace
}  // namespace semfield
