#include "semfield/jobs/camera_path.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <set>

#include "semfield/base/error.h"

namespace semfield {
namespace {

const Vec3 kFocus(1, -2, 0.5);

// Cameras at height 1.5 over the focus on a circle of radius 4, looking at the focus or away from it.
Capture Ring(int num_views, bool inward) {
  Capture capture;
  capture.bounds = {kFocus - Vec3::Constant(5), kFocus + Vec3::Constant(5)};
  for (int i = 0; i < num_views; ++i) {
    const double angle = 2 * std::numbers::pi * i / num_views + 0.1;
    const Vec3 eye = kFocus + Vec3(4 * std::cos(angle), 4 * std::sin(angle), 1.5);
    View view;
    view.camera = PinholeCamera(64, 48, 0.9);
    view.world_from_camera = LookAt(eye, inward ? kFocus : Vec3(2 * eye - kFocus), {0, 0, 1});
    capture.views.push_back(view);
    capture.train.push_back(i);
  }
  return capture;
}

TEST(OrbitViews, CirclesWhatTheCamerasLookAt) {
  const Capture capture = Ring(12, /*inward=*/true);
  const std::vector<NamedView> views = OrbitViews(capture, 8);
  ASSERT_EQ(views.size(), 8u);
  std::set<std::string> names;
  for (size_t i = 0; i < views.size(); ++i) {
    const Pose& pose = views[i].world_from_camera;
    EXPECT_TRUE(IsRigid(pose, 1e-9));
    names.insert(views[i].name);
    const Vec3 offset = pose.translation - kFocus;
    EXPECT_NEAR(offset.z(), 1.5, 0.02);
    EXPECT_NEAR(std::hypot(offset.x(), offset.y()), 4, 0.02);
    const Vec3 to_focus = -offset.normalized();
    EXPECT_GT(pose.rotation.col(2).dot(to_focus), 0.999) << "does not look inward";
    EXPECT_LT(pose.rotation.col(1).z(), 0) << "upside down";
    // Equal steps all the way round.
    const Vec3 next = views[(i + 1) % 8].world_from_camera.translation - kFocus;
    EXPECT_NEAR((next - offset).norm(), 2 * 4 * std::sin(std::numbers::pi / 8), 0.05);
    EXPECT_EQ(views[i].index, -1);
    EXPECT_EQ(views[i].camera.width, 64);
  }
  EXPECT_EQ(names.size(), 8u);
}

TEST(OrbitViews, LooksOutwardWhereTheCamerasDo) {
  for (const NamedView& view : OrbitViews(Ring(12, /*inward=*/false), 6)) {
    Vec3 outward = view.world_from_camera.translation - kFocus;
    outward.z() = 0;
    EXPECT_GT(view.world_from_camera.rotation.col(2).dot(outward.normalized()), 0.8);
  }
}

// All cameras along one line: the nearest point to their axes is not unique, the answer must still be finite.
TEST(OrbitViews, ParallelCamerasGiveFinitePoses) {
  Capture capture = Ring(3, true);
  for (int i = 0; i < 3; ++i) {
    capture.views[i].world_from_camera = LookAt(Vec3(i, 0, 0), Vec3(i, 10, 0), {0, 0, 1});
  }
  for (const NamedView& view : OrbitViews(capture, 5)) EXPECT_TRUE(IsRigid(view.world_from_camera, 1e-6));
}

TEST(PathViews, GoesThroughTheTrainingViews) {
  Capture capture = Ring(6, true);
  capture.train = {0, 2, 3, 5};
  const std::vector<NamedView> views = PathViews(capture, 4);
  ASSERT_EQ(views.size(), 12u);
  for (int pair = 0; pair < 3; ++pair) {
    const Pose& from = capture.views[capture.train[pair]].world_from_camera;
    const Pose& to = capture.views[capture.train[pair + 1]].world_from_camera;
    for (int k = 0; k < 4; ++k) {
      const Pose& pose = views[4 * pair + k].world_from_camera;
      EXPECT_LT(
          (pose.translation - (from.translation + 0.25 * k * (to.translation - from.translation))).norm(),
          1e-9);
      EXPECT_TRUE(IsRigid(pose, 1e-9));
    }
  }
  for (size_t i = 1; i < views.size(); ++i) EXPECT_LT(views[i - 1].name, views[i].name);  // videos go by name
}

TEST(PathViews, NeedsTwoViews) {
  Capture capture = Ring(3, true);
  capture.train = {1};
  EXPECT_THROW(PathViews(capture, 4), Error);
}

}  // namespace
}  // namespace semfield
