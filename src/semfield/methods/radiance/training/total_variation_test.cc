#include "semfield/methods/radiance/training/total_variation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "semfield/base/random.h"

namespace semfield {
namespace {

// Every second of some points anywhere, at the border and beyond.
struct Sample {
  std::vector<float> x, y, z;
  ops::GridPoints points() const { return {x.data(), y.data(), z.data(), static_cast<int64_t>(x.size())}; }
};

Sample RandomPoints(int count) {
  Random random(7, 3);
  Sample sample;
  for (int i = 0; i < count; ++i) {
    for (std::vector<float>* axis : {&sample.x, &sample.y, &sample.z})
      axis->push_back(random.Uniform(-0.1f, 1.1f));
  }
  return sample;
}

std::vector<float> RandomGrid(size_t size) {
  Random random(8, 1);
  std::vector<float> grid(size);
  for (float& value : grid) value = random.Uniform(-1, 1);
  return grid;
}

// The loss as it is defined, with positions in double precision.
double Loss(const ops::HashGridLayout& layout, int level, const std::vector<float>& grid,
            const Sample& sample, int stride) {
  const ops::HashGridLevel& part = layout.levels[level];
  const int features = layout.config.features_per_level;
  double loss = 0;
  for (size_t i = 0; i < sample.x.size(); i += stride) {
    uint32_t v[3];
    const float coordinates[3] = {sample.x[i], sample.y[i], sample.z[i]};
    for (int k = 0; k < 3; ++k)
      v[k] = static_cast<uint32_t>(std::fmin(std::fmax(coordinates[k], 0.0f), 1.0f) * part.scale + 0.5f);
    for (int k = 0; k < 3; ++k) {
      uint32_t next[3] = {v[0], v[1], v[2]};
      ++next[k];
      for (int f = 0; f < features; ++f) {
        const double a = grid[part.offset + features * ops::HashGridEntry(part, v[0], v[1], v[2]) + f];
        const double b =
            grid[part.offset + features * ops::HashGridEntry(part, next[0], next[1], next[2]) + f];
        loss += (b - a) * (b - a);
      }
    }
  }
  return loss;
}

class TotalVariation : public testing::TestWithParam<int> {};

TEST_P(TotalVariation, GradientIsThatOfTheLoss) {
  const ops::HashGridLayout layout = ops::MakeHashGridLayout({.num_levels = 3,
                                                              .features_per_level = 2,
                                                              .log2_table_size = 9,
                                                              .base_resolution = 4,
                                                              .finest_resolution = 40});
  const int level = GetParam(), stride = 2;
  const Sample sample = RandomPoints(101);
  std::vector<float> grid = RandomGrid(layout.num_parameters);
  Parameter block("grid", {static_cast<int64_t>(grid.size())});
  block.PrepareTraining();
  std::copy(grid.begin(), grid.end(), block.values.begin());
  const Buffer<float>& gradient = block.gradient;
  const double scale = 0.25;
  AddTotalVariation(layout, level, sample.points(), stride, scale, &block);
  const ops::HashGridLevel& part = layout.levels[level];
  const size_t end = part.offset + size_t{part.num_entries} * 2;
  int moved = 0;
  for (size_t i = 0; i < grid.size(); ++i) {
    if (i < part.offset || i >= end) {
      EXPECT_EQ(gradient[i], 0) << "of another level";
      continue;
    }
    const float kept = grid[i], step = 0.125f;
    grid[i] = kept + step;
    const double above = Loss(layout, level, grid, sample, stride);
    grid[i] = kept - step;
    const double below = Loss(layout, level, grid, sample, stride);
    grid[i] = kept;
    EXPECT_NEAR(gradient[i], scale * (above - below) / (2 * step), 1e-4) << i;
    moved += gradient[i] != 0;
  }
  EXPECT_GT(moved, 20);
}

INSTANTIATE_TEST_SUITE_P(DenseAndHashed, TotalVariation, testing::Values(0, 2));

TEST(TotalVariationOfAConstant, IsFlat) {
  const ops::HashGridLayout layout = ops::MakeHashGridLayout({.num_levels = 2, .features_per_level = 2});
  const Sample sample = RandomPoints(50);
  Parameter grid("grid", {static_cast<int64_t>(layout.num_parameters)});
  grid.PrepareTraining();
  grid.values.Fill(0.5f);
  AddTotalVariation(layout, 1, sample.points(), 1, 1, &grid);
  for (const float value : grid.gradient) ASSERT_EQ(value, 0);
}

}  // namespace
}  // namespace semfield
