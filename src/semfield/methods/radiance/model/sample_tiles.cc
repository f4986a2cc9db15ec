#include "semfield/methods/radiance/model/sample_tiles.h"

#include <algorithm>
#include <cstring>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {

namespace {

// SceneMap::UnitFromWorld of a bounded map for one axis of one ray's samples: a loop that the compiler turns
// into vectors.
void BoundedUnits(const SceneMap& map, const Ray& ray, int axis, const float* t, int count, float* units) {
  const float origin = ray.origin[axis], direction = ray.direction[axis], center = map.center[axis];
  const float scale = 1.0f / map.half_extent;
  for (int i = 0; i < count; ++i) units[i] = (origin + t[i] * direction - center) * scale * 0.5f + 0.5f;
}

// How many samples a step has differs from step to step: a quarter more than asked for is there for the next.
void Grow(Buffer<float>& buffer, size_t size) {
  if (buffer.size() < size) buffer.ResizeUninitialized(size + size / 4);
}

}  // namespace

// A block is left when less than one ray's most samples are free in it, and no ray has more than a tile's
// columns.
size_t SampleTiles::NumBlocks(size_t num_rays, size_t num_samples) {
  return (num_rays + kChunkRays - 1) / kChunkRays + num_samples / (kBlockSamples - ops::kTileColumns + 1);
}

void SampleTiles::Reserve(size_t num_rays, size_t num_samples, int encoded_rows) {
  blocks_.resize(std::max(blocks_.size(), NumBlocks(num_rays, num_rays * ops::kTileColumns)));
  for (size_t block = 0; block < NumBlocks(num_rays, num_samples); ++block)
    Grow(blocks_[block], 2 * kBlockSamples);
  counts_.reserve(num_rays);
  offsets_.reserve(num_rays);
  // Whole rays lie in a tile, so that up to half of it may stay empty; each tile but the last has a ray at
  // least.
  const size_t num_tiles =
      std::min(num_rays, 2 * num_samples / ops::kTileColumns + num_rays / ops::kTileColumns + 1);
  tiles_.reserve(num_tiles);
  begin_.reserve(num_rays + num_tiles + 1);
  for (Buffer<float>* buffer : {&t_, &dt_, &x_, &y_, &z_}) Grow(*buffer, num_tiles * ops::kTileStride);
  Grow(encoded_, num_tiles * encoded_rows * ops::kTileStride);
}

void SampleTiles::March(const SceneMap& map, const ops::OccupancyGrid& grid, const ops::MarchOptions& options,
                        std::span<const Ray> rays, std::span<const float> jitter, size_t num_trios) {
  SF_CHECK_LE(options.max_samples, ops::kTileColumns);
  static_assert(kBlockSamples > ops::kTileColumns);
  const size_t num_rays = rays.size();
  const size_t most_blocks = NumBlocks(num_rays, num_rays * ops::kTileColumns);
  if (blocks_.size() < most_blocks) blocks_.resize(most_blocks);
  counts_.resize(num_rays);
  offsets_.resize(num_rays);
  next_block_ = 0;
  ParallelChunks(num_rays, kChunkRays, [&](int64_t begin, int64_t end, int) {
    MarchChunk({map, grid, options, rays, jitter}, begin, end);
  });
  const size_t spare = std::min(blocks_.size(), next_block_ + next_block_ / 4 + 1);
  for (size_t block = next_block_; block < spare; ++block) Grow(blocks_[block], 2 * kBlockSamples);
  num_cut_rays_ = std::count(counts_.begin(), counts_.end(), options.max_samples);
  SF_CHECK_LE(3 * num_trios, num_rays);
  Pack(num_rays, num_trios);
  FillTiles(map, rays, [this](size_t ray) {
    const float* t = Marched(offsets_[ray]);
    return Samples{t, t + kBlockSamples};
  });
}

void SampleTiles::Place(const SceneMap& map, const Given& given, std::span<const Ray> rays) {
  SF_CHECK_EQ(given.begin.size(), rays.size() + 1);
  counts_.resize(rays.size());
  for (size_t r = 0; r < rays.size(); ++r) {
    counts_[r] = given.begin[r + 1] - given.begin[r];
    SF_CHECK_LE(counts_[r], ops::kTileColumns);
  }
  num_cut_rays_ = 0;
  Pack(rays.size(), 0);
  FillTiles(map, rays, [&given](size_t ray) {
    return Samples{given.t + given.begin[ray], given.dt + given.begin[ray]};
  });
}

void SampleTiles::FillTiles(const SceneMap& map, std::span<const Ray> rays,
                            FunctionRef<Samples(size_t ray)> samples_of) {
  const size_t columns = tiles_.size() * ops::kTileStride;
  for (Buffer<float>* buffer : {&t_, &dt_, &x_, &y_, &z_}) Grow(*buffer, columns);
  ParallelFor(tiles_.size(), [&](int64_t tile, int) { FillTile(tile, map, rays, samples_of); });
}

void SampleTiles::MarchChunk(const Marching& marching, int64_t begin, int64_t end) {
  const auto& [map, grid, options, rays, jitter] = marching;
  int64_t offset = 0, block_end = 0;
  for (int64_t r = begin; r < end; ++r) {
    if (offset + options.max_samples > block_end) {
      const int64_t block = static_cast<int64_t>(next_block_.fetch_add(1));
      if (blocks_[block].empty()) blocks_[block].ResizeUninitialized(2 * kBlockSamples);
      offset = block * kBlockSamples;
      block_end = offset + kBlockSamples;
    }
    const float shift = jitter.empty() ? 0.5f : jitter[r];
    float* t = Marched(offset);
    const int count = ops::MarchRay(map, grid, options, rays[r], shift, {t, t + kBlockSamples});
    counts_[r] = count;
    offsets_[r] = offset;
    offset += count;
  }
}

void SampleTiles::Pack(size_t num_rays, size_t num_trios) {
  tiles_.clear();
  begin_.clear();
  num_samples_ = 0;
  SampleTile tile;
  begin_.push_back(0);
  for (size_t r = 0; r < num_rays; ++r) {
    const bool begins_trio = r < 3 * num_trios && r % 3 == 0;
    const int trio = begins_trio ? counts_[r] + counts_[r + 1] + counts_[r + 2] : 0;
    const int wanted = begins_trio && trio <= ops::kTileColumns ? trio : counts_[r];
    const int wanted_rays = begins_trio ? 3 : 1;
    if (tile.num_columns + wanted > ops::kTileColumns || tile.num_rays + wanted_rays > ops::kTileColumns) {
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

void SampleTiles::FillTile(size_t tile_index, const SceneMap& map, std::span<const Ray> rays,
                           FunctionRef<Samples(size_t ray)> samples_of) {
  const SampleTile& tile = tiles_[tile_index];
  float *ts = t(tile_index), *dts = dt(tile_index);
  float *xs = x(tile_index), *ys = y(tile_index), *zs = z(tile_index);
  int column = 0;
  for (int k = 0; k < tile.num_rays; ++k) {
    const int32_t r = tile.first_ray + k;
    const Ray& ray = rays[r];
    const auto [from_t, from_dt] = samples_of(r);
    const int count = counts_[r];
    std::copy_n(from_t, count, ts + column);
    std::copy_n(from_dt, count, dts + column);
    if (map.contracted) {
      for (int i = 0; i < count; ++i) {
        const float p[3] = {ray.origin[0] + from_t[i] * ray.direction[0],
                            ray.origin[1] + from_t[i] * ray.direction[1],
                            ray.origin[2] + from_t[i] * ray.direction[2]};
        float u[3];
        map.UnitFromWorld(p, u);
        xs[column + i] = u[0];
        ys[column + i] = u[1];
        zs[column + i] = u[2];
      }
    } else {
      float* rows[3] = {xs + column, ys + column, zs + column};
      for (int axis = 0; axis < 3; ++axis) BoundedUnits(map, ray, axis, from_t, count, rows[axis]);
    }
    column += count;
  }
  // Kernels read whole column blocks: what lies past the end must at least be numbers.
  for (; column < ops::kTileStride; ++column)
    ts[column] = dts[column] = xs[column] = ys[column] = zs[column] = 0;
}

void SampleTiles::Encode(const ops::HashGridLayout& layout, const Half* table, int num_active_levels) {
  encoded_rows_ = layout.num_features();
  Grow(encoded_, tiles_.size() * encoded_rows_ * ops::kTileStride);
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
