#include "semfield/methods/radiance/sample_tiles.h"

#include <algorithm>
#include <cstring>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {

void SampleTiles::March(const SceneMap& map, const ops::OccupancyGrid& grid, const ops::MarchOptions& options,
                        std::span<const Ray> rays, std::span<const float> jitter) {
  SF_CHECK_LE(options.max_samples, ops::kTileColumns);
  const size_t num_rays = rays.size();
  const size_t num_chunks = (num_rays + kChunkRays - 1) / kChunkRays;
  if (chunk_t_.size() < num_chunks) {
    chunk_t_.resize(num_chunks);
    chunk_dt_.resize(num_chunks);
  }
  counts_.resize(num_rays);
  offsets_.resize(num_rays);
  ParallelChunks(num_rays, kChunkRays, [&](int64_t begin, int64_t end, int) {
    std::vector<float>& ts = chunk_t_[begin / kChunkRays];
    std::vector<float>& dts = chunk_dt_[begin / kChunkRays];
    int32_t used = 0;
    for (int64_t r = begin; r < end; ++r) {
      if (ts.size() < static_cast<size_t>(used + options.max_samples)) {
        ts.resize(used + 4 * options.max_samples);
        dts.resize(ts.size());
      }
      const float shift = jitter.empty() ? 0.5f : jitter[r];
      const int count = ops::MarchRay(map, grid, options, rays[r], shift, ts.data() + used, dts.data() + used);
      counts_[r] = count;
      offsets_[r] = used;
      used += count;
    }
  });
  Pack(num_rays);
  const size_t columns = tiles_.size() * ops::kTileStride;
  for (Buffer<float>* buffer : {&t_, &dt_, &x_, &y_, &z_}) buffer->ResizeUninitialized(columns);
  ParallelFor(tiles_.size(), [&](int64_t tile, int) { FillTile(tile, map, rays); });
}

void SampleTiles::Pack(size_t num_rays) {
  tiles_.clear();
  begin_.clear();
  num_samples_ = 0;
  SampleTile tile;
  begin_.push_back(0);
  for (size_t r = 0; r < num_rays; ++r) {
    if (tile.num_columns + counts_[r] > ops::kTileColumns || tile.num_rays == ops::kTileColumns) {
      tiles_.push_back(tile);
      tile = {.first_ray = static_cast<int32_t>(r), .begin_offset = static_cast<int32_t>(begin_.size())};
      begin_.push_back(0);
    }
    tile.num_columns += counts_[r];
    tile.num_rays += 1;
    begin_.push_back(tile.num_columns);
    num_samples_ += counts_[r];
  }
  if (tile.num_rays > 0) tiles_.push_back(tile);
}

void SampleTiles::FillTile(size_t tile_index, const SceneMap& map, std::span<const Ray> rays) {
  const SampleTile& tile = tiles_[tile_index];
  float *ts = t(tile_index), *dts = dt(tile_index);
  float *xs = x(tile_index), *ys = y(tile_index), *zs = z(tile_index);
  int column = 0;
  for (int k = 0; k < tile.num_rays; ++k) {
    const int32_t r = tile.first_ray + k;
    const Ray& ray = rays[r];
    const float* from_t = chunk_t_[r / kChunkRays].data() + offsets_[r];
    const float* from_dt = chunk_dt_[r / kChunkRays].data() + offsets_[r];
    for (int i = 0; i < counts_[r]; ++i, ++column) {
      ts[column] = from_t[i];
      dts[column] = from_dt[i];
      const float p[3] = {ray.origin[0] + from_t[i] * ray.direction[0], ray.origin[1] + from_t[i] * ray.direction[1],
                          ray.origin[2] + from_t[i] * ray.direction[2]};
      float u[3];
      map.UnitFromWorld(p, u);
      xs[column] = u[0];
      ys[column] = u[1];
      zs[column] = u[2];
    }
  }
  // Kernels read whole column blocks: what lies past the end must at least be numbers.
  for (; column < ops::kTileStride; ++column) ts[column] = dts[column] = xs[column] = ys[column] = zs[column] = 0;
}

void SampleTiles::Encode(const ops::HashGridLayout& layout, const Half* table, int num_active_levels) {
  encoded_rows_ = layout.num_features();
  encoded_.ResizeUninitialized(tiles_.size() * encoded_rows_ * ops::kTileStride);
  const int features = layout.config.features_per_level;
  for (int level = 0; level < layout.config.num_levels; ++level) {
    const size_t first_row = static_cast<size_t>(level) * features * ops::kTileStride;
    ParallelFor(tiles_.size(), [&](int64_t tile, int) {
      float* rows = encoded(tile) + first_row;
      const int columns = tiles_[tile].num_columns;
      if (level < num_active_levels) {
        ops::HashGridForward(layout, level, table, points(tile, columns), rows, ops::kTileStride);
      } else {
        std::memset(rows, 0, sizeof(float) * features * ops::kTileStride);
      }
    });
  }
}

}  // namespace semfield
