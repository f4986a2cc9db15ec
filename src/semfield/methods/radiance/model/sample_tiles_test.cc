#include "semfield/methods/radiance/model/sample_tiles.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "semfield/base/random.h"
#include "semfield/methods/radiance/radiance_test_util.h"

namespace semfield {
namespace {

std::vector<Ray> RandomRays(int count, float reach) {
  Random random(3);
  std::vector<Ray> rays(count);
  for (Ray& ray : rays) {
    Vec3 direction(random.Uniform(-1, 1), random.Uniform(-1, 1), random.Uniform(-1, 1));
    direction.normalize();
    for (int k = 0; k < 3; ++k) {
      ray.origin[k] = random.Uniform(-reach, reach);
      ray.direction[k] = static_cast<float>(direction[k]);
    }
    ray.z_scale = 1;
  }
  return rays;
}

ops::OccupancyGrid HalfFullGrid() {
  ops::OccupancyGrid grid(16);
  Random random(8);
  for (float& density : grid.density().span()) density = random.Uniform();
  grid.Rebuild(0.6f);
  return grid;
}

struct Case {
  SceneMap map;
  ops::MarchOptions march;
};

Case BoundedCase() {
  return {{.center = {0.5f, 0, -0.5f}, .half_extent = 2}, {.near_distance = 0.1f, .step = 0.02f}};
}
Case ContractedCase() {
  return {{.contracted = true, .center = {0, 1, 0}, .half_extent = 1.5f},
          {.near_distance = 0.05f, .far_distance = 100, .step = 0.03f, .cone_angle = 1.0f / 128}};
}

class SampleTilesTest : public testing::TestWithParam<bool> {
 protected:
  Case case_ = GetParam() ? ContractedCase() : BoundedCase();
};

TEST_P(SampleTilesTest, HoldsEveryRaysSamplesInOrder) {
  const std::vector<Ray> rays = RandomRays(700, 4);
  const ops::OccupancyGrid grid = HalfFullGrid();
  Random random(4);
  std::vector<float> jitter(rays.size());
  for (float& value : jitter) value = random.Uniform();
  SampleTiles tiles;
  tiles.March(case_.map, grid, case_.march, rays, jitter);

  std::vector<float> t(ops::kTileColumns), dt(ops::kTileColumns);
  size_t next_ray = 0;
  int64_t samples = 0;
  for (size_t k = 0; k < tiles.tiles().size(); ++k) {
    const SampleTile& tile = tiles.tiles()[k];
    ASSERT_EQ(tile.first_ray, static_cast<int>(next_ray));
    ASSERT_GT(tile.num_rays, 0);
    ASSERT_LE(tile.num_columns, ops::kTileColumns);
    ASSERT_LE(tile.num_rays, ops::kTileColumns);
    const int32_t* begin = tiles.begin(tile);
    EXPECT_EQ(begin[0], 0);
    EXPECT_EQ(begin[tile.num_rays], tile.num_columns);
    for (int i = 0; i < tile.num_rays; ++i, ++next_ray) {
      const Ray& ray = rays[next_ray];
      const int count =
          ops::MarchRay(case_.map, grid, case_.march, ray, jitter[next_ray], {t.data(), dt.data()});
      ASSERT_EQ(begin[i + 1] - begin[i], count);
      samples += count;
      for (int s = 0; s < count; ++s) {
        const int column = begin[i] + s;
        EXPECT_EQ(tiles.t(k)[column], t[s]);
        EXPECT_EQ(tiles.dt(k)[column], dt[s]);
        float p[3], u[3];
        for (int axis = 0; axis < 3; ++axis) p[axis] = ray.origin[axis] + t[s] * ray.direction[axis];
        case_.map.UnitFromWorld(p, u);
        EXPECT_FLOAT_EQ(tiles.x(k)[column], u[0]);
        EXPECT_FLOAT_EQ(tiles.y(k)[column], u[1]);
        EXPECT_FLOAT_EQ(tiles.z(k)[column], u[2]);
      }
    }
    for (int column = tile.num_columns; column < ops::kTileStride; ++column) EXPECT_EQ(tiles.x(k)[column], 0);
  }
  EXPECT_EQ(next_ray, rays.size());
  EXPECT_EQ(samples, tiles.num_samples());
  EXPECT_GT(tiles.tiles().size(), 3u);
}

TEST_P(SampleTilesTest, SameWithAnyNumberOfThreads) {
  const std::vector<Ray> rays = RandomRays(500, 4);
  const ops::OccupancyGrid grid = HalfFullGrid();
  const ops::HashGridLayout layout = ops::MakeHashGridLayout({.num_levels = 3,
                                                              .features_per_level = 2,
                                                              .log2_table_size = 10,
                                                              .base_resolution = 8,
                                                              .finest_resolution = 64});
  std::vector<Half> table(layout.num_parameters);
  Random random(6);
  for (Half& value : table) value = FloatToHalf(random.Uniform(-1, 1));
  std::vector<std::vector<float>> answers;
  for (int threads : {1, 2, 3}) {
    const ScopedThreads scoped(threads);
    SampleTiles tiles;
    tiles.March(case_.map, grid, case_.march, rays, {});
    tiles.Encode(layout, table.data(), 3);
    std::vector<float>& answer = answers.emplace_back();
    for (size_t k = 0; k < tiles.tiles().size(); ++k) {
      const int n = tiles.tiles()[k].num_columns;
      answer.insert(answer.end(), tiles.t(k), tiles.t(k) + n);
      answer.insert(answer.end(), tiles.z(k), tiles.z(k) + n);
      for (int row = 0; row < tiles.encoded_rows(); ++row) {
        const float* from = tiles.encoded(k) + static_cast<size_t>(row) * ops::kTileStride;
        answer.insert(answer.end(), from, from + n);
      }
    }
  }
  ASSERT_GT(answers[0].size(), 1000u);
  for (int i : {1, 2}) {
    ASSERT_EQ(answers[i].size(), answers[0].size());
    EXPECT_EQ(std::memcmp(answers[i].data(), answers[0].data(), sizeof(float) * answers[0].size()), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Maps, SampleTilesTest, testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Contracted" : "Bounded"; });

TEST(SampleTiles, RaysThatMissStillHaveATilePlace) {
  Case missing = BoundedCase();
  std::vector<Ray> rays(2 * ops::kTileColumns + 100,
                        Ray{.origin = {9, 9, 9}, .direction = {0, 0, 1}, .z_scale = 1});
  SampleTiles tiles;
  tiles.March(missing.map, HalfFullGrid(), missing.march, rays, {});
  ASSERT_EQ(tiles.tiles().size(), 3u);
  EXPECT_EQ(tiles.num_samples(), 0);
  EXPECT_EQ(tiles.tiles()[2].first_ray, 2 * ops::kTileColumns);
  EXPECT_EQ(tiles.tiles()[2].num_rays, 100);
}

TEST(SampleTiles, ARayMayFillATileAlone) {
  Case fine = BoundedCase();
  fine.march.step = 0.001f;
  ops::OccupancyGrid full(16);
  full.Fill();
  const std::vector<Ray> rays(3, Ray{.origin = {0.5f, 0, -3.5f}, .direction = {0, 0, 1}, .z_scale = 1});
  SampleTiles tiles;
  tiles.March(fine.map, full, fine.march, rays, {});
  ASSERT_EQ(tiles.tiles().size(), 3u);
  for (const SampleTile& tile : tiles.tiles()) EXPECT_EQ(tile.num_columns, ops::kTileColumns);
}

TEST(SampleTiles, NoRaysNoTiles) {
  const Case bounded = BoundedCase();
  SampleTiles tiles;
  tiles.March(bounded.map, HalfFullGrid(), bounded.march, RandomRays(50, 1), {});
  tiles.March(bounded.map, HalfFullGrid(), bounded.march, {}, {});
  EXPECT_TRUE(tiles.tiles().empty());
  EXPECT_EQ(tiles.num_samples(), 0);
}

TEST(SampleTiles, LevelsThatAreNotActiveEncodeToZero) {
  const Case bounded = BoundedCase();
  const ops::HashGridLayout layout = ops::MakeHashGridLayout({.num_levels = 3,
                                                              .features_per_level = 2,
                                                              .log2_table_size = 10,
                                                              .base_resolution = 8,
                                                              .finest_resolution = 64});
  const std::vector<Half> table(layout.num_parameters, FloatToHalf(0.5f));
  SampleTiles tiles;
  tiles.March(bounded.map, HalfFullGrid(), bounded.march, RandomRays(40, 1), {});
  tiles.Encode(layout, table.data(), 2);
  ASSERT_GT(tiles.tiles()[0].num_columns, 0);
  for (int row = 0; row < 6; ++row) {
    // A constant table interpolates to its constant.
    EXPECT_NEAR(tiles.encoded(0)[row * ops::kTileStride], row < 4 ? 0.5f : 0.0f, 1e-6) << row;
  }
}

// A contracted scene that is occupied everywhere asks for more samples than a tile holds; that is counted.
TEST(SampleTiles, RaysThatAreCutAreCounted) {
  const SceneMap map{.contracted = true, .center = {0, 0, 0}, .half_extent = 1};
  ops::OccupancyGrid grid(16);
  grid.Fill();
  ops::MarchOptions march{
      .near_distance = 0.02f, .far_distance = 200, .step = 0.0035f, .cone_angle = 0.7f / 256};
  march.max_samples = ops::kTileColumns;
  const std::vector<Ray> rays(3, Ray{.origin = {0, 0, 0}, .direction = {0, 0, 1}});
  SampleTiles tiles;
  tiles.March(map, grid, march, rays, {});
  EXPECT_EQ(tiles.num_cut_rays(), 3);
  march.cone_angle = 0.02f;
  march.step = 0.02f;
  tiles.March(map, grid, march, rays, {});
  EXPECT_EQ(tiles.num_cut_rays(), 0);
  EXPECT_GT(tiles.num_samples(), 300);
}

}  // namespace
}  // namespace semfield
