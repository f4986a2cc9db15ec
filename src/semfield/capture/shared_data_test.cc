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
  RaySampler sampler(capture, store, capture.train);
  Random random(1);
  RayBatch batch;
  sampler.Sample(0, random, 100, &batch);
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

// The same views by two readers. transforms.json holds the model turned, moved and scaled, so what must agree
// is what a similarity leaves alone: angles between cameras, and distances up to one factor.
TEST_F(SharedData, TabletopByColmapAgreesWithItsTransforms) {
  SF_READ_OR_SKIP(json, "real/tabletop/transforms.json");
  const Capture capture = Read("real/tabletop/sparse/0");
  EXPECT_EQ(capture.format, "colmap");
  ASSERT_EQ(capture.views.size(), json.views.size());
  EXPECT_EQ(capture.held_out, json.held_out);
  EXPECT_EQ(capture.points.size(), 11979u);
  const size_t last = capture.views.size() - 1;
  const auto distance = [](const Capture& c, size_t a, size_t b) {
    return (c.views[a].world_from_camera.translation - c.views[b].world_from_camera.translation).norm();
  };
  const double factor = distance(json, 0, last) / distance(capture, 0, last);
  EXPECT_NEAR(factor, 0.629, 1e-3);
  for (size_t i = 0; i <= last; ++i) {
    const View &a = capture.views[i], &b = json.views[i];
    EXPECT_EQ(a.name, b.name);
    EXPECT_NEAR(a.camera.fx, b.camera.fx, 1e-9);
    EXPECT_NEAR(a.camera.cy, b.camera.cy, 1e-9);
    EXPECT_NEAR(a.camera.k2, b.camera.k2, 1e-12);
    EXPECT_NEAR(a.camera.p1, b.camera.p1, 1e-12);
    EXPECT_NEAR(distance(json, i, 0), factor * distance(capture, i, 0), 1e-6);
    const Mat3 relative_a =
        a.world_from_camera.rotation.transpose() * capture.views[0].world_from_camera.rotation;
    const Mat3 relative_b =
        b.world_from_camera.rotation.transpose() * json.views[0].world_from_camera.rotation;
    EXPECT_LT(RotationAngle(relative_a, relative_b), 1e-6);
  }
  std::vector<double> errors;
  for (const Observation& seen : capture.observations) {
    const View& view = capture.views[seen.view];
    const auto pixel =
        view.camera.Project(view.world_from_camera.Inverse() * capture.points[seen.point].position);
    if (pixel) errors.push_back((*pixel - Vec2(seen.x, seen.y)).norm());
  }
  ASSERT_GT(errors.size(), 10000u);
  std::nth_element(errors.begin(), errors.begin() + errors.size() / 2, errors.end());
  EXPECT_NEAR(errors[errors.size() / 2], 0.63, 0.1);  // pixels, as measured when the capture was collected
}

TEST_F(SharedData, Fern) {
  SF_READ_OR_SKIP(capture, "real/fern");
  EXPECT_EQ(capture.format, "llff");
  EXPECT_EQ(capture.views.size(), 20u);
  EXPECT_EQ(capture.held_out, (std::vector<int>{0, 8, 16}));
  EXPECT_EQ(capture.views[0].camera.width, 504);
  EXPECT_NEAR(capture.views[0].camera.fx, 3260.526 / 8, 1e-3);
  EXPECT_EQ(capture.extent, SceneExtent::kUnbounded);
  // The near and far depths are 18 and 75: all of it lies in front of the cameras, along +z of this world.
  EXPECT_GT(capture.bounds.min.z(), 5);
  EXPECT_LT(capture.bounds.max.z(), 75);
  for (const View& view : capture.views) EXPECT_LT(view.world_from_camera.translation.z(), 2);
}

TEST_F(SharedData, Goldcape) {
  SF_READ_OR_SKIP(capture, "real/goldcape");
  EXPECT_EQ(capture.format, "llff");
  EXPECT_EQ(capture.views.size(), 32u);
  for (const View& view : capture.views) EXPECT_FALSE(view.mask.empty()) << view.name;
  const ImageStore store(capture);
  // The middle of what all cameras look at is the cape, and kept.
  int kept = 0;
  for (int i = 0; i < 32; ++i) {
    const auto mask = store.Mask(i);
    kept += std::count(mask->data.begin(), mask->data.end(), 255) > 0.1 * mask->num_pixels();
  }
  EXPECT_EQ(kept, 32);
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
