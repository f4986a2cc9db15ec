#include "semfield/surface/surface_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "semfield/base/test_threads.h"
#include "semfield/surface/surface_test_util.h"

namespace semfield {
namespace {

class SurfaceMapTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { room_ = new RoomOfDepths(12); }
  static void TearDownTestSuite() { delete room_; }
  static RoomOfDepths* room_;
};
RoomOfDepths* SurfaceMapTest::room_ = nullptr;

TEST_F(SurfaceMapTest, EveryPixelKnowsTheCellOfItsPoint) {
  const SurfaceMap map(room_->depths);
  ASSERT_GT(map.num_cells(), 1000);
  for (const SurfaceView& view : map.views()) {
    int64_t pixels = 0;
    for (const int32_t count : view.pixels) pixels += count;
    EXPECT_EQ(pixels, std::count_if(view.depth.data.begin(), view.depth.data.end(),
                                    [](float depth) { return depth > 0; }));
    for (int y = 1; y < view.depth.height; y += 17) {
      for (int x = 1; x < view.depth.width; x += 17) {
        const Vec2 pixel(x + 0.5, y + 0.5);
        const auto point = view.PointAt(pixel);
        ASSERT_EQ(point.has_value(), view.CellAt(x, y) >= 0);
        if (!point) continue;
        EXPECT_LE((*point - map.CellCenter(view.CellAt(x, y))).cwiseAbs().maxCoeff(),
                  0.5 * map.cell_size() * (1 + 1e-6));
        EXPECT_LT((view.Project(*point)->pixel - pixel).norm(), 1e-6);
        EXPECT_TRUE(view.Sees(*point, map.cell_size()));
      }
    }
  }
}

// What a view sees of a point of another one: the ray from its camera is free or not.
TEST_F(SurfaceMapTest, SeesWhatNothingHides) {
  const SurfaceMap map(room_->depths);
  int agree = 0, all = 0;
  for (const SurfaceView& from : map.views()) {
    for (int i = 0; i < 40; ++i) {
      const Vec2 pixel(4 * i % from.depth.width + 0.5, 31 * i % from.depth.height + 0.5);
      const auto point = from.PointAt(pixel);
      if (!point) continue;
      for (const SurfaceView& to : map.views()) {
        const auto at = to.Project(*point);
        if (!at) {
          EXPECT_FALSE(to.Sees(*point, map.cell_size()));
          continue;
        }
        const SyntheticHit hit = room_->scene.Trace(MakeRay(to.camera, to.world_from_camera, at->pixel));
        const double distance = (*point - to.world_from_camera.translation).norm();
        const bool is_free = hit.hit && hit.distance > 0.97 * distance - map.cell_size();
        agree += is_free == to.Sees(*point, map.cell_size());
        ++all;
      }
    }
  }
  EXPECT_GT(all, 1000);
  EXPECT_GT(agree, 0.98 * all);
}

TEST_F(SurfaceMapTest, ANewViewFindsTheCellsOfTheOthers) {
  std::vector<DepthView> others(room_->depths.begin() + 1, room_->depths.end());
  const SurfaceMap map(others);
  DepthView first = room_->depths[0];
  first.view = -1;
  const SurfaceView view = map.Look(first);
  int found = 0, near = 0;
  for (int y = 0; y < view.depth.height; ++y) {
    for (int x = 0; x < view.depth.width; ++x) {
      if (view.CellAt(x, y) < 0) continue;
      ++found;
      const Vec3 point = *view.PointAt({x + 0.5, y + 0.5});
      near += (point - map.CellCenter(view.CellAt(x, y))).cwiseAbs().maxCoeff() < 2.6 * map.cell_size();
    }
  }
  EXPECT_GT(found, 0.8 * static_cast<double>(view.depth.num_pixels()));
  EXPECT_EQ(near, found);
}

TEST_F(SurfaceMapTest, NeighborsTouchAndAreMutual) {
  const SurfaceMap map(room_->depths);
  for (int32_t cell = 0; cell < map.num_cells(); cell += 97) {
    for (const int32_t other : map.Neighbors(cell)) {
      EXPECT_LE((map.CellCenter(cell) - map.CellCenter(other)).cwiseAbs().maxCoeff(), 1.01 * map.cell_size());
      const std::vector<int32_t> back = map.Neighbors(other);
      EXPECT_NE(std::find(back.begin(), back.end(), cell), back.end());
      EXPECT_NE(other, cell);
    }
  }
}

TEST_F(SurfaceMapTest, IsTheSameWithAnyNumberOfThreads) {
  const SurfaceMap map(room_->depths);
  const ScopedThreads one(1);
  const SurfaceMap same(room_->depths);
  ASSERT_EQ(map.num_cells(), same.num_cells());
  for (size_t v = 0; v < map.views().size(); ++v) EXPECT_EQ(map.views()[v].cell_of, same.views()[v].cell_of);
}

TEST(SurfaceMap, OfNothingHasNoCells) {
  const DepthView empty{
      .view = 0, .camera = PinholeCamera(8, 6, 1), .world_from_camera = {}, .depth = ImageF(8, 6, 1)};
  const SurfaceMap map({empty});
  EXPECT_EQ(map.num_cells(), 0);
  EXPECT_EQ(map.views()[0].CellAt(3, 3), -1);
  EXPECT_FALSE(map.views()[0].PointAt({3, 3}));
  EXPECT_EQ(map.Find(0), 0);
  EXPECT_EQ(map.Find(5), -1);
}

}  // namespace
}  // namespace semfield
