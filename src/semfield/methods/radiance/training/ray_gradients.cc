#include "semfield/methods/radiance/training/ray_gradients.h"

#include <algorithm>

#include "semfield/base/parallel.h"
#include "semfield/ops/hash_grid_position.h"

namespace semfield {
namespace {

constexpr size_t kAxis = ops::kTileStride;
constexpr size_t kTile = 3 * kAxis;

}  // namespace

void RayGradients::Compute(const RadianceModel& model, SampleTiles& tiles, std::span<const Ray> rays,
                           std::span<const int32_t> ray_columns, int num_active_levels) {
  const auto num_tiles = static_cast<int64_t>(tiles.tiles().size());
  const auto kept = [&](int64_t index) {
    const SampleTile& tile = tiles.tiles()[index];
    int32_t columns = 0;
    for (int r = 0; r < tile.num_rays; ++r) columns += ray_columns[tile.first_ray + r];
    return columns;
  };
  if (const size_t size = num_tiles * kTile; d_points_.size() < size) {
    d_points_.ResizeUninitialized(size + size / 4);
  }
  std::fill_n(d_points_.data(), num_tiles * kTile, 0.0f);
  const int features = model.layout.config.features_per_level;
  // Level by level, so that a level's table stays in cache.
  for (int level = 0; level < num_active_levels; ++level) {
    ParallelFor(num_tiles, [&](int64_t tile, int) {
      ops::HashGridPositionBackward(
          model.layout, level, model.grid.half.data(), tiles.points(tile, kept(tile)),
          {.d_out = tiles.encoded(tile) + static_cast<size_t>(level) * features * ops::kTileStride,
           .d_out_stride = ops::kTileStride,
           .factor = 1,
           .d_points = d_points_.data() + tile * kTile,
           .d_points_stride = kAxis});
    });
  }
  gradients_.resize(rays.size());
  ParallelFor(num_tiles, [&](int64_t index, int) {
    const SampleTile& tile = tiles.tiles()[index];
    const float* d_points = d_points_.data() + index * kTile;
    const float* t = tiles.t(index);
    int column = 0;
    for (int r = tile.first_ray; r < tile.first_ray + tile.num_rays; ++r) {
      RayGradient gradient = {};
      for (const int end = column + ray_columns[r]; column < end; ++column) {
        float p[3], d_p[3];
        for (int k = 0; k < 3; ++k) p[k] = rays[r].origin[k] + t[column] * rays[r].direction[k];
        const float d_u[3] = {d_points[column], d_points[kAxis + column], d_points[2 * kAxis + column]};
        model.map.PullBack(p, d_u, d_p);
        for (int k = 0; k < 3; ++k) {
          gradient.origin[k] += d_p[k];
          gradient.direction[k] += t[column] * d_p[k];
        }
      }
      gradients_[r] = gradient;
    }
  });
}

}  // namespace semfield
