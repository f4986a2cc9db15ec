#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/base/function_ref.h"
#include "semfield/geometry/rays.h"
#include "semfield/geometry/scene_map.h"
#include "semfield/ops/hash_grid.h"
#include "semfield/ops/occupancy_grid.h"
#include "semfield/ops/ray_marching.h"
#include "semfield/ops/tile.h"

namespace semfield {

// One tile: whole rays [first_ray, first_ray + num_rays), their columns in order. begin[] of ray k of the
// tile is begin_offset + k in SampleTiles::begin; columns count from 0 in every tile.
struct SampleTile {
  int32_t first_ray = 0;
  int32_t num_rays = 0;
  int32_t begin_offset = 0;
  int32_t num_columns = 0;
};

// The samples of many rays, packed in tiles of at most kTileColumns columns. Column c of tile k lies at
// k * kTileStride + c in the per-sample arrays. Buffers keep their capacity between uses.
class SampleTiles {
 public:
  // Marches all rays (in parallel, results independent of the number of threads) and packs them. jitter[r] in
  // [0, 1) shifts ray r's samples; empty: 0.5 for all. The first num_trios times three rays are packed so
  // that rays 3 k to 3 k + 2 lie in one tile, where they fit into one.
  void March(const SceneMap& map, const ops::OccupancyGrid& grid, const ops::MarchOptions& options,
             std::span<const Ray> rays, std::span<const float> jitter, size_t num_trios = 0);

  // Packs samples that are given: of ray r at t[i] with lengths dt[i], i in [begin[r], begin[r + 1]), at most
  // kTileColumns.
  struct Given {
    std::span<const int32_t> begin;  // [rays + 1]
    const float *t, *dt;
  };
  void Place(const SceneMap& map, const Given& given, std::span<const Ray> rays);

  // Room for so many rays, samples and rows of encodings, so that March and Encode allocate nothing up to
  // there. Memory that is never written costs nothing.
  void Reserve(size_t num_rays, size_t num_samples, int encoded_rows);

  // Grid features of every sample: encoded[k][channel][column], level by level so that a level's table stays
  // in cache. Levels from num_active on are zero.
  void Encode(const ops::HashGridLayout& layout, const Half* table, int num_active_levels);

  const std::vector<SampleTile>& tiles() const { return tiles_; }
  int64_t num_samples() const { return num_samples_; }
  // Rays that had more samples than a tile has columns: what lies behind the last is missing.
  int64_t num_cut_rays() const { return num_cut_rays_; }
  const int32_t* begin(const SampleTile& tile) const { return begin_.data() + tile.begin_offset; }

  size_t column(size_t tile) const { return tile * ops::kTileStride; }
  float* t(size_t tile) { return t_.data() + column(tile); }
  float* dt(size_t tile) { return dt_.data() + column(tile); }
  float* x(size_t tile) { return x_.data() + column(tile); }
  float* y(size_t tile) { return y_.data() + column(tile); }
  float* z(size_t tile) { return z_.data() + column(tile); }
  float* encoded(size_t tile) { return encoded_.data() + tile * encoded_rows_ * ops::kTileStride; }
  int encoded_rows() const { return encoded_rows_; }
  ops::GridPoints points(size_t tile, int count) { return {x(tile), y(tile), z(tile), count}; }

 private:
  static size_t NumBlocks(size_t num_rays, size_t num_samples);  // at most
  void Pack(size_t num_rays, size_t num_trios);
  // Where a ray's t and dt wait.
  struct Samples {
    const float *t, *dt;
  };
  void FillTiles(const SceneMap& map, std::span<const Ray> rays, FunctionRef<Samples(size_t ray)> samples_of);
  void FillTile(size_t tile, const SceneMap& map, std::span<const Ray> rays,
                FunctionRef<Samples(size_t ray)> samples_of);

  struct Marching {
    const SceneMap& map;
    const ops::OccupancyGrid& grid;
    const ops::MarchOptions& options;
    std::span<const Ray> rays;
    std::span<const float> jitter;
  };
  void MarchChunk(const Marching& marching, int64_t begin, int64_t end);
  float* Marched(int64_t offset) { return blocks_[offset / kBlockSamples].data() + offset % kBlockSamples; }

  static constexpr int kChunkRays = 64;
  // Marched samples wait here until they are packed. A chunk of rays takes block after block; which ones is
  // chance, but moves nothing but addresses.
  static constexpr int kBlockSamples = 4096;
  std::vector<Buffer<float>> blocks_;  // t [kBlockSamples], dt [kBlockSamples]; empty until first taken
  std::atomic<size_t> next_block_{0};
  std::vector<int32_t> counts_;   // [num_rays]
  std::vector<int64_t> offsets_;  // [num_rays] of the first t in blocks_
  std::vector<SampleTile> tiles_;
  std::vector<int32_t> begin_;
  int64_t num_samples_ = 0;
  int64_t num_cut_rays_ = 0;
  int encoded_rows_ = 0;
  Buffer<float> t_, dt_, x_, y_, z_, encoded_;
};

}  // namespace semfield
