#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "semfield/base/half.h"

namespace semfield::ops {

// Multiresolution hash encoding (Mueller et al. 2022, "Instant NGP", section 3). Points live in [0, 1]^3.
struct HashGridConfig {
  int num_levels = 8;
  int features_per_level = 4;  // 2, 4 or 8
  int log2_table_size = 17;    // entries a level at most
  int base_resolution = 16;
  int finest_resolution = 2048;
};

// A level has grid vertices at (i - 0.5) / scale: a point p falls at p * scale + 0.5. Dense (index = x + y r
// + z r^2) while the vertices fit the table, else hashed: (x ^ y * 2654435761 ^ z * 805459861) mod entries.
struct HashGridLevel {
  float scale = 0;
  uint32_t resolution = 0;  // vertices a side
  bool dense = true;
  uint32_t num_entries = 0;  // multiple of 16; a power of two when hashed
  size_t offset = 0;         // of the first parameter, in numbers
};

inline constexpr uint32_t kHashPrimeY = 2654435761u;
inline constexpr uint32_t kHashPrimeZ = 805459861u;

// Which of the level's entries a vertex has (Instant NGP Eq. 4 when hashed). Vertices of dense levels are
// below `resolution`.
inline uint32_t HashGridEntry(const HashGridLevel& level, uint32_t x, uint32_t y, uint32_t z) {
  if (level.dense) return x + level.resolution * (y + level.resolution * z);
  return (x ^ (y * kHashPrimeY) ^ (z * kHashPrimeZ)) & (level.num_entries - 1);
}

struct HashGridLayout {
  HashGridConfig config;
  std::vector<HashGridLevel> levels;
  size_t num_parameters = 0;
  int num_features() const { return config.num_levels * config.features_per_level; }
};
HashGridLayout MakeHashGridLayout(const HashGridConfig& config);  // nonsense in the config: SF_CHECK

// Structure of arrays; values outside [0, 1] are clamped, NaN counts as 0.
struct GridPoints {
  const float* x;
  const float* y;
  const float* z;
  int64_t count;
};

// One level for all points: out[f * out_stride + i], f in [0, features_per_level). `table` is the whole
// parameter array in half precision. Trilinear interpolation. Safe to call from several threads; a point's
// result does not depend on the points beside it. Call it level by level over many points: a level's table
// then stays in cache.
void HashGridForward(const HashGridLayout& layout, int level, const Half* table, const GridPoints& points,
                     float* out, size_t out_stride);

// gradient[...] += d out / d parameters for one level, in the order of the points: deterministic. One thread
// a level. `gradient` is the whole float array. Columns whose d_out are all zero cost little.
void HashGridBackward(const HashGridLayout& layout, int level, const GridPoints& points, const float* d_out,
                      size_t d_out_stride, float* gradient);

// Weighted points along rays: ray r owns points [begin[r], begin[r + 1]).
struct GridRays {
  GridPoints points;
  const float* weights = nullptr;  // [points.count]
  const int32_t* begin = nullptr;  // [count + 1]
  int64_t count = 0;               // of rays
};

// The same with quadrature fused in:
//   out[f * out_stride + r] = sum_i weight_i * E_level,f(x_i)            (SAN Eq. 6, inner sum)
void HashGridRaysForward(const HashGridLayout& layout, int level, const Half* table, const GridRays& rays,
                         float* out, size_t out_stride);
void HashGridRaysBackward(const HashGridLayout& layout, int level, const GridRays& rays, const float* d_out,
                          size_t d_out_stride, float* gradient);

}  // namespace semfield::ops
