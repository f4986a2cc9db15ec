#include "semfield/ops/occupancy_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "semfield/base/check.h"

namespace semfield::ops {
namespace {

OccupancyGrid RandomGrid(int resolution, double share, uint64_t seed) {
  OccupancyGrid grid(resolution);
  Random random(seed);
  for (float& density : grid.density()) density = random.Uniform() < share ? random.Uniform(1, 10) : 0;
  return grid;
}

TEST(OccupancyGridTest, StartsEmptyAndFills) {
  OccupancyGrid grid(16);
  EXPECT_EQ(grid.num_cells(), 4096u);
  EXPECT_EQ(grid.OccupiedFraction(), 0);
  grid.Fill();
  EXPECT_EQ(grid.OccupiedFraction(), 1);
  for (int i = 0; i < 8; ++i) EXPECT_NE(grid.coarse()[i], 0);
}

TEST(OccupancyGridTest, RefusesResolutionsThatAreNoMultipleOfEight) {
  for (const int resolution : {0, -8, 4, 12, 1032})
    EXPECT_THROW(OccupancyGrid{resolution}, BugError) << resolution;
}

TEST(OccupancyGridTest, BitsAreDensityAboveThreshold) {
  for (const int resolution : {8, 24, 40}) {
    OccupancyGrid grid = RandomGrid(resolution, 0.3, resolution);
    grid.density()[5] = std::numeric_limits<float>::quiet_NaN();
    grid.density()[6] = 4;
    grid.Rebuild(4);
    size_t occupied = 0;
    for (size_t cell = 0; cell < grid.num_cells(); ++cell) {
      ASSERT_EQ(grid.Occupied(cell), grid.density()[cell] > 4) << cell;
      occupied += grid.Occupied(cell);
    }
    EXPECT_DOUBLE_EQ(grid.OccupiedFraction(), static_cast<double>(occupied) / grid.num_cells());
  }
}

TEST(OccupancyGridTest, ListsEveryStridethOfTheOccupiedCells) {
  for (const double share : {0.0, 0.02, 0.6, 1.0}) {
    OccupancyGrid grid = RandomGrid(16, share, 11);
    grid.Rebuild(0.5f);
    for (const uint32_t stride : {1u, 2u, 3u, 31u, 100u, 5000u}) {
      for (const uint32_t skip : {0u, 1u, 2u, 40u, 4999u}) {
        std::vector<uint32_t> expected, listed = {7};
        uint32_t seen = 0;
        for (uint32_t cell = 0; cell < grid.num_cells(); ++cell) {
          if (!grid.Occupied(cell)) continue;
          if (seen >= skip && (seen - skip) % stride == 0) expected.push_back(cell);
          ++seen;
        }
        grid.ListOccupied(stride, skip, listed);
        ASSERT_EQ(listed, expected) << "share " << share << ", stride " << stride << ", skip " << skip;
      }
    }
  }
}

TEST(OccupancyGridTest, CellThresholdsReplaceTheNumber) {
  OccupancyGrid grid = RandomGrid(16, 0.5, 7);
  std::vector<float> threshold(grid.num_cells());
  Random random(8);
  for (float& value : threshold) value = random.Uniform(0, 10);
  grid.Rebuild(1e9f, threshold.data());
  for (size_t cell = 0; cell < grid.num_cells(); ++cell) {
    ASSERT_EQ(grid.Occupied(cell), grid.density()[cell] > threshold[cell]);
  }
}

TEST(OccupancyGridTest, CoarseBlockIsSetWhereAnyOfItsCellsIs) {
  const int n = 32, blocks = n / 8;
  OccupancyGrid grid(n);
  grid.Fill();  // what was set before must go
  Random random(9);
  std::vector<bool> expected(blocks * blocks * blocks, false);
  for (int i = 0; i < 12; ++i) {
    const int x = random.Below(n), y = random.Below(n), z = random.Below(n);
    grid.density()[x + n * (y + n * z)] = 1;
    expected[x / 8 + blocks * (y / 8 + blocks * (z / 8))] = true;
  }
  grid.Rebuild(0.5f);
  for (size_t block = 0; block < expected.size(); ++block)
    EXPECT_EQ(grid.coarse()[block] != 0, expected[block]);
}

TEST(OccupancyGridTest, ClearanceIsTheDistanceToTheNearestOccupiedBlock) {
  for (const int n : {8, 24, 64}) {
    const int blocks = n / 4;
    OccupancyGrid grid(n);
    EXPECT_EQ(grid.Clearance(0, n - 1, n / 2), 255);  // nothing anywhere
    grid.Fill();
    EXPECT_EQ(grid.Clearance(0, n - 1, n / 2), 0);
    Random random(13);
    std::vector<std::array<int, 3>> occupied;
    for (int i = 0; i < n / 8; ++i) {
      const int x = random.Below(n), y = random.Below(n), z = random.Below(n);
      grid.density()[x + n * (y + n * z)] = 1;
      occupied.push_back({x / 4, y / 4, z / 4});
    }
    grid.Rebuild(0.5f);
    for (int block = 0; block < blocks * blocks * blocks; ++block) {
      const std::array<int, 3> at = {block % blocks, block / blocks % blocks, block / blocks / blocks};
      int expected = 255;
      for (const auto& other : occupied) {
        int distance = 0;
        for (int k = 0; k < 3; ++k) distance = std::max(distance, std::abs(at[k] - other[k]));
        expected = std::min(expected, distance);
      }
      ASSERT_EQ(grid.Clearance(4 * at[0] + 3, 4 * at[1], 4 * at[2] + 2), expected) << n;
    }
  }
}

TEST(OccupancyGridTest, BlendKeepsTheDecayedMaximum) {
  OccupancyGrid grid(8);
  grid.density().Fill(2);
  const std::vector<uint32_t> cells = {3, 400, 5, 7};
  const std::vector<float> fresh = {1, 8, std::numeric_limits<float>::quiet_NaN(), 1.9f};
  grid.Blend(cells.data(), 4, fresh.data(), 0.9f);
  EXPECT_FLOAT_EQ(grid.density()[3], 1.8f);
  EXPECT_FLOAT_EQ(grid.density()[400], 8);
  EXPECT_FLOAT_EQ(grid.density()[5], 1.8f);
  EXPECT_FLOAT_EQ(grid.density()[7], 1.9f);
  EXPECT_FLOAT_EQ(grid.density()[0], 2);
}

TEST(OccupancyGridTest, BlendOfLongListsIsTheSequentialOne) {
  for (const bool sorted : {true, false}) {
    OccupancyGrid grid = RandomGrid(64, 0.5, 10);
    const OccupancyGrid start = RandomGrid(64, 0.5, 10);
    Random random(11);
    std::vector<uint32_t> cells;
    for (uint32_t cell = 0; cell < grid.num_cells(); cell += 3) {
      cells.push_back(sorted ? cell : random.Below(static_cast<uint32_t>(grid.num_cells())));
    }
    std::vector<float> fresh(cells.size());
    for (float& value : fresh) value = random.Uniform(0, 10);
    grid.Blend(cells.data(), static_cast<int64_t>(cells.size()), fresh.data(), 0.95f);
    std::vector<float> expected(start.density().begin(), start.density().end());
    for (size_t i = 0; i < cells.size(); ++i)
      expected[cells[i]] = std::max(expected[cells[i]] * 0.95f, fresh[i]);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), grid.density().begin()));
  }
}

TEST(OccupancyGridTest, JitteredPointsLieInTheirCells) {
  for (const int resolution : {8, 24, 128, 256}) {
    const OccupancyGrid grid(resolution);
    std::vector<uint32_t> cells;
    Random random(12);
    for (int i = 0; i < 5000; ++i) cells.push_back(random.Below(static_cast<uint32_t>(grid.num_cells())));
    cells.push_back(static_cast<uint32_t>(grid.num_cells() - 1));
    const int64_t count = static_cast<int64_t>(cells.size());
    std::vector<float> x(count), y(count), z(count);
    grid.JitteredPoints(cells.data(), count, random, x.data(), y.data(), z.data());
    double mean = 0;
    for (int64_t i = 0; i < count; ++i) {
      const uint32_t cell = static_cast<uint32_t>(x[i] * resolution) +
                            resolution * (static_cast<uint32_t>(y[i] * resolution) +
                                          resolution * static_cast<uint32_t>(z[i] * resolution));
      ASSERT_EQ(cell, cells[i]);
      mean += x[i] * resolution - std::floor(x[i] * resolution);
    }
    EXPECT_NEAR(mean / count, 0.5, 0.02);
  }
}

}  // namespace
}  // namespace semfield::ops
