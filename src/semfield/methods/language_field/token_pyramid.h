#pragma once

namespace semfield {

// Rows of tokens in tiles (ops/tile.h), [tile][rows][kTileStride], of a grid a side and of one coarser by
// `factor`. A coarse token's numbers are the means of the fine ones it covers: what as many rays through it
// would composite.
struct TokenPool {
  int grid = 0;  // of the fine tokens; a multiple of factor
  int factor = 1;
  int rows = 0;
};

// All rows.
void PoolTokens(const TokenPool& pool, const float* fine, float* coarse);
// The transpose, added to d_fine.
void UnpoolTokens(const TokenPool& pool, const float* d_coarse, float* d_fine);

}  // namespace semfield
