#pragma once

#include <cstddef>
#include <cstdint>

#include "semfield/base/check.h"
#include "semfield/ops/hash_grid.h"

// What the kernels of all instruction sets share. Private to hash_grid.cc and
// hash_grid_position.cc.
namespace semfield::ops::hash_grid {

inline constexpr int kBlock = 16;   // points worked on together, whatever the vector length
inline constexpr int kCorners = 8;  // corner = 4 z + 2 y + x
inline constexpr uint32_t kAllPoints = (1u << kBlock) - 1;
inline constexpr int kMostRuns = 6;

// One level as the kernels see it.
struct Level {
  float scale;
  uint32_t resolution;
  uint32_t mask;  // of a hashed index
  bool dense;
  bool prefetch_values;    // the half table is too large for the first cache level
  bool prefetch_gradient;  // the same of the float gradient
};

// Bytes from which prefetching pays: from the second cache level, out-of-order execution hides the wait by
// itself.
inline constexpr size_t kPrefetchFrom = (1 << 20) + 1;

inline Level MakeLevel(const HashGridLayout& layout, int level) {
  SF_CHECK(level >= 0 && level < static_cast<int>(layout.levels.size()));
  const HashGridLevel& from = layout.levels[level];
  const size_t numbers = size_t{from.num_entries} * layout.config.features_per_level;
  return {from.scale,
          from.resolution,
          from.num_entries - 1,
          from.dense,
          numbers * sizeof(Half) >= kPrefetchFrom,
          numbers * sizeof(float) >= kPrefetchFrom};
}

// Where 16 points read, in numbers from the level's first parameter, and with which trilinear weight.
struct alignas(64) Corners {
  uint32_t offset[kCorners][kBlock];
  float weight[kCorners][kBlock];
  uint32_t cell[3][2 * kBlock] = {};  // in the second half
  uint32_t pair[kCorners][kBlock];    // with two features: the entries themselves, by FetchPairs
};

struct alignas(64) PointBlock {
  float x[kBlock];
  float y[kBlock];
  float z[kBlock];
};

struct ForwardJob {
  Level level;
  const Half* table;  // of the level
  GridPoints points;
  float* out;
  size_t stride;
};

struct BackwardJob {
  Level level;
  GridPoints points;
  const float* d_out;
  size_t stride;
  float* gradient;  // of the level
};

}  // namespace semfield::ops::hash_grid
