#include "semfield/methods/feature_field/token_context.h"

#include <gtest/gtest.h>

#include "semfield/base/random.h"
#include "semfield/ops/tile.h"

namespace semfield {
namespace {

size_t At(int token, int rows, int row) {
  return (static_cast<size_t>(token / ops::kTileColumns) * rows + row) * ops::kTileStride +
         token % ops::kTileColumns;
}

// 40 x 40 tokens: two tiles, and rows of tokens that a tile's end cuts in two.
constexpr int kGrid = 40, kTiles = 2;

TEST(TokenContext, EveryRowIsTheNeighborAtItsOffset) {
  const TokenContext context = {.grid = kGrid, .features = 3, .rings = 2};
  const int out_rows = context.rows() + 2;
  Buffer<float> features(kTiles * 3 * ops::kTileStride),
      out(static_cast<size_t>(kTiles) * out_rows * ops::kTileStride);
  const auto value = [](int f, int i, int j) { return 10000.0f * (f + 1) + 100.0f * i + j; };
  for (int f = 0; f < 3; ++f) {
    for (int token = 0; token < kGrid * kGrid; ++token) {
      features[At(token, 3, f)] = value(f, token / kGrid, token % kGrid);
    }
  }
  out.Fill(-1);
  GatherContext(context, features.data(), out_rows, out.data());
  const int offsets[17][2] = {{0, 0},   {-1, -1}, {-1, 0}, {-1, 1}, {0, -1}, {0, 1},  {1, -1}, {1, 0}, {1, 1},
                              {-3, -3}, {-3, 0},  {-3, 3}, {0, -3}, {0, 3},  {3, -3}, {3, 0},  {3, 3}};
  for (int o = 0; o < 17; ++o) {
    for (int f = 0; f < 3; ++f) {
      for (int token = 0; token < kGrid * kGrid; ++token) {
        const int i = token / kGrid + offsets[o][0], j = token % kGrid + offsets[o][1];
        const bool inside = i >= 0 && i < kGrid && j >= 0 && j < kGrid;
        ASSERT_EQ(out[At(token, out_rows, o * 3 + f)], inside ? value(f, i, j) : 0.0f)
            << "offset " << o << " feature " << f << " token " << token;
      }
    }
  }
  // Rows of other inputs are not touched.
  EXPECT_EQ(out[At(7, out_rows, context.rows())], -1);
}

TEST(TokenContext, ScatterIsTheTransposeOfGather) {
  const TokenContext context = {.grid = kGrid, .features = 2, .rings = 3};
  const int out_rows = context.rows();
  Random random(5, 1);
  Buffer<float> x(kTiles * 2 * ops::kTileStride),
      gathered(static_cast<size_t>(kTiles) * out_rows * ops::kTileStride);
  Buffer<float> y(gathered.size()), scattered(x.size());
  for (int token = 0; token < kGrid * kGrid; ++token) {
    for (int f = 0; f < 2; ++f) x[At(token, 2, f)] = random.Uniform(-1, 1);
    for (int row = 0; row < out_rows; ++row) y[At(token, out_rows, row)] = random.Uniform(-1, 1);
  }
  GatherContext(context, x.data(), out_rows, gathered.data());
  ScatterContext(context, y.data(), out_rows, scattered.data());
  double left = 0, right = 0;
  for (int token = 0; token < kGrid * kGrid; ++token) {
    for (int row = 0; row < out_rows; ++row)
      left += double(gathered[At(token, out_rows, row)]) * y[At(token, out_rows, row)];
    for (int f = 0; f < 2; ++f) right += double(x[At(token, 2, f)]) * scattered[At(token, 2, f)];
  }
  EXPECT_NEAR(left, right, 1e-3 * (1 + std::abs(left)));
}

}  // namespace
}  // namespace semfield
