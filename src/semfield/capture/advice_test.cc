#include "semfield/capture/advice.h"

#include <gtest/gtest.h>

#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using testing_support::CirclePose;
using testing_support::Mentions;

Capture Circle(int n) {
  Capture capture;
  for (int i = 0; i < n; ++i) {
    View view;
    view.name = std::to_string(i);
    view.camera = PinholeCamera(64, 48, 0.9);
    view.world_from_camera = CirclePose(i, n);
    capture.views.push_back(view);
  }
  return capture;
}

TEST(Advice, AGoodCaptureNeedsNone) {
  EXPECT_EQ(AdviseOn(Circle(40)), std::vector<std::string>{});
}

TEST(Advice, NamesEachOddity) {
  EXPECT_TRUE(Mentions(AdviseOn(Circle(10)), "only 10 views"));

  Capture off = Circle(40);
  off.views[3].camera.cy = 12;
  EXPECT_TRUE(Mentions(AdviseOn(off), "principal point"));

  Capture stretched = Circle(40);
  stretched.views[0].camera.fy *= 1.8;
  EXPECT_TRUE(Mentions(AdviseOn(stretched), "1.80 fl_x"));

  Capture rare = Circle(40);
  for (int i : {1, 2, 3}) rare.views[i].camera.fx = rare.views[i].camera.fy = 70;
  EXPECT_TRUE(Mentions(AdviseOn(rare), "1 of 2 cameras took only 3 views"));

  Capture repeated = Circle(40);
  repeated.views[7].world_from_camera = repeated.views[6].world_from_camera;
  EXPECT_TRUE(Mentions(AdviseOn(repeated), "repeat the pose"));
  EXPECT_TRUE(Mentions(AdviseOn(repeated), "'6'"));

  Capture same_way = Circle(40);
  for (View& view : same_way.views) view.world_from_camera.rotation = Mat3::Identity();
  EXPECT_TRUE(Mentions(AdviseOn(same_way), "look the same way"));

  Capture tiny = Circle(40);
  for (View& view : tiny.views) view.world_from_camera.translation *= 1e-5;
  EXPECT_TRUE(Mentions(AdviseOn(tiny), "world units"));

  Capture far = Circle(40);
  for (View& view : far.views) view.world_from_camera.translation += Vec3(1e7, 0, 0);
  EXPECT_TRUE(Mentions(AdviseOn(far), "from the origin"));

  Capture panorama = Circle(40);
  for (View& view : panorama.views) view.world_from_camera.translation.setZero();
  EXPECT_TRUE(Mentions(AdviseOn(panorama), "one point"));
}

TEST(Advice, PerFrameCamerasAreNotRareCameras) {
  Capture capture = Circle(40);
  for (int i = 0; i < 40; ++i) capture.views[i].camera.fx += 0.01 * i;
  EXPECT_FALSE(Mentions(AdviseOn(capture), "cameras took only"));
}

}  // namespace
}  // namespace semfield
