#include "semfield/methods/language_field/token_pyramid.h"

#include <cstddef>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/ops/tile.h"

namespace semfield {
namespace {

// Calls visit(fine, coarse): where a row's number stands in both, for every fine token in order.
template <class Visit>
void ForTokens(const TokenPool& pool, int row, const Visit& visit) {
  const auto at = [&](int token) {
    return (static_cast<size_t>(token / ops::kTileColumns) * pool.rows + row) * ops::kTileStride +
           token % ops::kTileColumns;
  };
  const int coarse_grid = pool.grid / pool.factor;
  for (int i = 0; i < pool.grid; ++i) {
    for (int j = 0; j < pool.grid; ++j)
      visit(at(i * pool.grid + j), at(i / pool.factor * coarse_grid + j / pool.factor));
  }
}

}  // namespace

void PoolTokens(const TokenPool& pool, const float* fine, float* coarse) {
  SF_CHECK_EQ(pool.grid % pool.factor, 0);
  const float share = 1.0f / static_cast<float>(pool.factor * pool.factor);
  ParallelFor(pool.rows, [&](int64_t row, int) {
    ForTokens(pool, static_cast<int>(row), [&](size_t, size_t to) { coarse[to] = 0; });
    ForTokens(pool, static_cast<int>(row), [&](size_t from, size_t to) { coarse[to] += share * fine[from]; });
  });
}

void UnpoolTokens(const TokenPool& pool, const float* d_coarse, float* d_fine) {
  SF_CHECK_EQ(pool.grid % pool.factor, 0);
  const float share = 1.0f / static_cast<float>(pool.factor * pool.factor);
  ParallelFor(pool.rows, [&](int64_t row, int) {
    ForTokens(pool, static_cast<int>(row),
              [&](size_t to, size_t from) { d_fine[to] += share * d_coarse[from]; });
  });
}

}  // namespace semfield
