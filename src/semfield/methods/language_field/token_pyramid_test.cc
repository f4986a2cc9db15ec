#include "semfield/methods/language_field/token_pyramid.h"

#include <gtest/gtest.h>

#include <vector>

#include "semfield/base/random.h"
#include "semfield/ops/tile.h"

namespace semfield {
namespace {

size_t At(int token, int rows, int row) {
  return (static_cast<size_t>(token / ops::kTileColumns) * rows + row) * ops::kTileStride +
         token % ops::kTileColumns;
}
size_t SizeOf(int tokens, int rows) {
  return static_cast<size_t>((tokens + ops::kTileColumns - 1) / ops::kTileColumns) * rows * ops::kTileStride;
}

// 48 x 48 tokens fill more than two tiles.
TEST(TokenPyramid, CoarseTokensAreMeans) {
  constexpr int kGrid = 48, kFactor = 4, kRows = 3, kCoarse = kGrid / kFactor;
  Random random(1, 1);
  std::vector<float> fine(SizeOf(kGrid * kGrid, kRows)), coarse(SizeOf(kCoarse * kCoarse, kRows));
  for (float& value : fine) value = random.Uniform(-1, 1);
  PoolTokens({.grid = kGrid, .factor = kFactor, .rows = kRows}, fine.data(), coarse.data());
  for (int row = 0; row < kRows; ++row) {
    for (int i = 0; i < kCoarse; ++i) {
      for (int j = 0; j < kCoarse; ++j) {
        double sum = 0;
        for (int v = 0; v < kFactor; ++v) {
          for (int u = 0; u < kFactor; ++u)
            sum += fine[At((i * kFactor + v) * kGrid + j * kFactor + u, kRows, row)];
        }
        EXPECT_NEAR(coarse[At(i * kCoarse + j, kRows, row)], sum / (kFactor * kFactor), 1e-5);
      }
    }
  }
}

// <pool(x), y> = <x, unpool(y)>, and what is there is added to.
TEST(TokenPyramid, UnpoolIsTheTranspose) {
  constexpr int kGrid = 8, kFactor = 2, kRows = 2, kCoarse = kGrid / kFactor;
  Random random(2, 1);
  std::vector<float> x(SizeOf(kGrid * kGrid, kRows)), pooled(SizeOf(kCoarse * kCoarse, kRows));
  std::vector<float> y(pooled.size()), d(x.size(), 0.5f);
  for (float& value : x) value = random.Uniform(-1, 1);
  for (float& value : y) value = random.Uniform(-1, 1);
  const TokenPool pool = {.grid = kGrid, .factor = kFactor, .rows = kRows};
  PoolTokens(pool, x.data(), pooled.data());
  UnpoolTokens(pool, y.data(), d.data());
  double left = 0, right = 0;
  for (int row = 0; row < kRows; ++row) {
    for (int t = 0; t < kCoarse * kCoarse; ++t) left += pooled[At(t, kRows, row)] * y[At(t, kRows, row)];
    for (int t = 0; t < kGrid * kGrid; ++t) right += x[At(t, kRows, row)] * (d[At(t, kRows, row)] - 0.5f);
  }
  EXPECT_NEAR(left, right, 1e-4);
}

}  // namespace
}  // namespace semfield
