// Reads real captures, when the folder that holds them is named by SEMFIELD_SHARED.
#include <gtest/gtest.h>

#include <cstdlib>

#include "semfield/capture/image_store.h"
#include "semfield/capture/ray_batch.h"
#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using testing_support::Mentions;

class SharedData : public ::testing::Test {
 protected:
  Capture Read(const std::string& name) {
    const char* shared = std::getenv("SEMFIELD_SHARED");
    const std::filesystem::path path = shared == nullptr ? "" : std::filesystem::path(shared) / "data" / name;
    if (shared == nullptr || !std::filesystem::exists(path)) return {};
    return ReadCapture(path);
  }
};

#define SF_READ_OR_SKIP(capture, name) \
  const Capture capture = Read(name);  \
  if (capture.views.empty()) GTEST_SKIP() << "SEMFIELD_SHARED has no " << name

TEST_F(SharedData, Fox) {
  SF_READ_OR_SKIP(capture, "real/fox");
  EXPECT_EQ(capture.views.size(), 50u);
  EXPECT_EQ(capture.train.size(), 43u);
  EXPECT_EQ(capture.held_out.size(), 7u);
  EXPECT_TRUE(Mentions(capture.warnings, "17 of 67"));
  EXPECT_EQ(capture.extent, SceneExtent::kUnbounded);
  EXPECT_EQ(capture.views[0].camera.width, 1080);
  EXPECT_NEAR(capture.views[0].camera.fx, 1375.52, 1e-9);
  EXPECT_NEAR(capture.views[0].camera.p2, 0.00015575, 1e-12);
  const ImageStore store(capture, 8);
  const RaySampler sampler(capture, store, capture.train);
  Random random(1);
  RayBatch batch;
  sampler.Sample(random, 100, &batch);
  EXPECT_EQ(batch.size(), 100u);
}

TEST_F(SharedData, Lego) {
  SF_READ_OR_SKIP(capture, "real/lego");
  EXPECT_EQ(capture.train.size(), 100u);
  EXPECT_EQ(capture.held_out.size(), 25u);
  EXPECT_TRUE(capture.HasAlpha());
  EXPECT_EQ(capture.extent, SceneExtent::kBounded);
  EXPECT_EQ(capture.bounds.max, Vec3::Constant(1.5));
  EXPECT_NEAR(capture.views[0].camera.fx, 555.5555, 1e-3);
  EXPECT_EQ(capture.views[capture.held_out[1]].name, "test/r_8.png");
}

TEST_F(SharedData, Tabletop) {
  SF_READ_OR_SKIP(capture, "real/tabletop/transforms.json");
  EXPECT_EQ(capture.views.size(), 42u);
  EXPECT_TRUE(Mentions(capture.warnings, "1 of 2 cameras took only 3 views"));
  EXPECT_NE(capture.views.front().camera.k1, capture.views.back().camera.k1);
}

// Points that one view's depth gives must be at the depth that another view of the same pixel's point says,
// or hidden.
TEST_F(SharedData, RoomDepthAgreesBetweenViews) {
  SF_READ_OR_SKIP(capture, "demo/room_013");
  EXPECT_EQ(capture.views.size(), 60u);
  EXPECT_EQ(capture.class_names.size(), 20u);
  EXPECT_EQ(capture.instances.at(1).name, "Floor");
  EXPECT_EQ(capture.extent, SceneExtent::kBounded);
  const ImageStore store(capture);
  const ImageF a = store.Depth(10), b = store.Depth(11);
  const ImageU16 ids_a = store.Instances(10), ids_b = store.Instances(11);
  const View &view_a = capture.views[10], &view_b = capture.views[11];
  int same = 0, seen = 0;
  for (int y = 1; y < a.height; y += 6) {
    for (int x = 1; x < a.width; x += 6) {
      if (a.At(x, y) == 0) continue;
      const Vec3 direction = view_a.camera.DirectionAt(Vec2(x + 0.5, y + 0.5));
      const Vec3 point = view_b.world_from_camera.Inverse() *
                         (view_a.world_from_camera * (direction * (a.At(x, y) / direction.z())));
      const auto pixel = view_b.camera.Project(point);
      if (!pixel || !view_b.camera.Contains(*pixel)) continue;
      // The nearest pixel that has a depth: odd ones.
      const int u = std::min(static_cast<int>(pixel->x()) | 1, b.width - 1);
      const int v = std::min(static_cast<int>(pixel->y()) | 1, b.height - 1);
      if (b.At(u, v) == 0) continue;
      ++seen;
      same += std::abs(b.At(u, v) - point.z()) < 0.03 * point.z() && ids_a.At(x, y) == ids_b.At(u, v);
    }
  }
  EXPECT_GT(seen, 500);
  EXPECT_GT(same, 0.85 * seen);
}

}  // namespace
}  // namespace semfield
