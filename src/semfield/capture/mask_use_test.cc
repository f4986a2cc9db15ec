#include "semfield/capture/mask_use.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <functional>

#include "semfield/capture/image_store.h"
#include "semfield/capture/mask_hull.h"
#include "semfield/capture/test_support.h"
#include "semfield/geometry/rays.h"

namespace semfield {
namespace {

using testing_support::CirclePose;
using testing_support::TempFolder;

constexpr int kViews = 12, kWidth = 160, kHeight = 120;
constexpr double kRadius = 0.7;

// Views on a circle around the origin, whose masks keep the pixels that `keeps` says.
class MaskUseTest : public testing::Test {
 protected:
  using Keeps = std::function<bool(int view, int x, int y)>;
  void Make(const Keeps& keeps) {
    for (int i = 0; i < kViews; ++i) {
      View view;
      view.name = fmt::format("{:02}.png", i);
      view.camera = PinholeCamera(kWidth, kHeight, 0.9);
      view.world_from_camera = CirclePose(i, kViews);
      view.image = folder_ / view.name;
      view.mask = folder_ / ("mask" + view.name);
      WritePng(view.image, ImageU8(kWidth, kHeight, 3, 90));
      capture_.views.push_back(view);
      capture_.train.push_back(i);
      ImageU8 mask(kWidth, kHeight, 1);
      for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) mask.At(x, y) = keeps(i, x, y) ? 255 : 0;
      }
      WritePng(capture_.views[i].mask, mask);
    }
  }
  bool SeesBall(int view, int x, int y, const Vec3& center) const {
    const View& v = capture_.views[view];
    const Vec3 direction = v.world_from_camera.rotation * v.camera.DirectionAt(Vec2(x + 0.5, y + 0.5));
    return (center - v.world_from_camera.translation).cross(direction).norm() < kRadius;
  }

  TempFolder folder_{"mask-use"};
  Capture capture_;
};

TEST_F(MaskUseTest, OneThingThatIsCutOutIsAloneAndItsBoxHoldsIt) {
  const Vec3 center(0.2, -0.1, 0.1);
  Make([&](int view, int x, int y) { return SeesBall(view, x, y, center); });
  const MaskDecision decision = DecideMasks("auto", capture_);
  ASSERT_EQ(decision.use, MaskUse::kEmpty) << decision.reason;
  ASSERT_TRUE(decision.bounds.has_value());
  for (int k = 0; k < 3; ++k) {
    EXPECT_LT(decision.bounds->min[k], center[k] - kRadius);
    EXPECT_GT(decision.bounds->max[k], center[k] + kRadius);
  }
  EXPECT_LT(decision.bounds->Extent().maxCoeff(), 3 * kRadius);
  EXPECT_EQ(DecideMasks("ignore", capture_).use, MaskUse::kIgnore);
}

TEST_F(MaskUseTest, ThenTheMaskIsThePhotosAlpha) {
  Make([&](int view, int x, int y) { return SeesBall(view, x, y, Vec3::Zero()); });
  ApplyMasks(DecideMasks("auto", capture_), &capture_);
  EXPECT_TRUE(capture_.HasAlpha());
  EXPECT_EQ(capture_.extent, SceneExtent::kBounded);
  const ImageStore store(capture_), half(capture_, 2);
  EXPECT_EQ(std::count(store.Mask(0)->data.begin(), store.Mask(0)->data.end(), 0), 0);  // all is used
  const auto image = store.Image(0);
  ASSERT_EQ(image->channels, 4);
  EXPECT_EQ(image->data[3], 0);                                              // a corner
  EXPECT_EQ(image->data[4 * (kHeight / 2 * kWidth + kWidth / 2) + 3], 255);  // the middle
  EXPECT_EQ(image->data[4 * (kHeight / 2 * kWidth + kWidth / 2)], 90);       // its colour
  EXPECT_EQ(half.Image(0)->channels, 4);
}

TEST_F(MaskUseTest, HolesAreNotUsed) {
  Make([&](int view, int x, int y) {
    return SeesBall(view, x, y, Vec3::Zero()) && !(view == 3 && x > 77 && x < 83 && y > 57 && y < 63);
  });
  ApplyMasks({.use = MaskUse::kEmpty}, &capture_);
  const ImageStore store(capture_);
  for (const int view : {2, 3}) {
    const auto mask = store.Mask(view);
    EXPECT_EQ(std::count(mask->data.begin(), mask->data.end(), 0), view == 3 ? 25 : 0);
  }
  EXPECT_EQ(store.Mask(3)->At(80, 60), 0);
}

TEST_F(MaskUseTest, WhatOnlyLeavesOutSomethingIsIgnored) {
  Make([](int view, int x, int y) { return !(x > 60 + view && x < 100 + view && y > 40 && y < 70); });
  EXPECT_EQ(DecideMasks("auto", capture_).use, MaskUse::kIgnore);
}

TEST_F(MaskUseTest, ThingsThatMoveAreNotOneThing) {
  Make([&](int view, int x, int y) {
    return SeesBall(view, x, y,
                    Vec3(0.9 * std::cos(2.0 * view), 0.9 * std::sin(3.0 * view), 0.4 * (view % 3 - 1)));
  });
  const MaskDecision decision = DecideMasks("auto", capture_);
  EXPECT_EQ(decision.use, MaskUse::kIgnore);
  EXPECT_NE(decision.reason.find("one thing"), std::string::npos) << decision.reason;
  EXPECT_EQ(DecideMasks("empty", capture_).use, MaskUse::kEmpty);  // who says so is believed
}

TEST_F(MaskUseTest, WithoutAMaskNothingSaysWhatIsEmpty) {
  Make([&](int view, int x, int y) { return SeesBall(view, x, y, Vec3::Zero()); });
  capture_.views[5].mask.clear();
  EXPECT_EQ(DecideMasks("auto", capture_).use, MaskUse::kIgnore);
  EXPECT_THROW(DecideMasks("empty", capture_), Error);
}

TEST_F(MaskUseTest, AHullSeenAgainIsTheMasks) {
  Make([&](int view, int x, int y) { return SeesBall(view, x, y, Vec3::Zero()); });
  const MaskHull hull = FindMaskHull(capture_, ReadKeptPixels(capture_, 100), Vec3::Zero(), 1, {});
  EXPECT_GT(hull.overlap, 0.85);
  const MaskHull around =
      FindMaskHull(capture_, ReadKeptPixels(capture_, 100), Vec3::Zero(), 1, {.kept = false});
  EXPECT_LT(around.overlap, 0.5);
}

}  // namespace
}  // namespace semfield
