#include "semfield/methods/radiance/model/point_density.h"

#include <algorithm>
#include <cstring>

#include "semfield/base/parallel.h"
#include "semfield/ops/tile.h"

namespace semfield {

void PointDensity::Evaluate(const RadianceModel& model, const ops::GridPoints& points, int num_active_levels,
                            float* log_density) {
  const int features = model.layout.config.features_per_level;
  const size_t tile_size = static_cast<size_t>(model.layout.num_features()) * ops::kTileStride;
  const int64_t num_tiles = (points.count + ops::kTileColumns - 1) / ops::kTileColumns;
  encoded_.ResizeUninitialized(num_tiles * tile_size);
  outputs_.resize(NumThreads());
  for (Buffer<float>& output : outputs_) {
    output.ResizeUninitialized(RadianceModel::kGeometryRows * ops::kTileStride);
  }
  const auto columns_of = [&](int64_t tile) {
    return static_cast<int>(std::min<int64_t>(ops::kTileColumns, points.count - tile * ops::kTileColumns));
  };
  for (int level = 0; level < model.layout.config.num_levels; ++level) {
    ParallelFor(num_tiles, [&](int64_t tile, int) {
      float* rows =
          encoded_.data() + tile * tile_size + static_cast<size_t>(level) * features * ops::kTileStride;
      if (level >= num_active_levels) {
        std::memset(rows, 0, sizeof(float) * features * ops::kTileStride);
        return;
      }
      const int64_t first = tile * ops::kTileColumns;
      const ops::GridPoints part = {points.x + first, points.y + first, points.z + first, columns_of(tile)};
      ops::HashGridForward(model.layout, level, model.grid.half.data(), part, rows, ops::kTileStride);
    });
  }
  ParallelFor(num_tiles, [&](int64_t tile, int worker) {
    Buffer<float>& output = outputs_[worker];
    const int columns = columns_of(tile);
    ops::MlpForward(model.density_shape, model.density_mlp.values.data(),
                    {encoded_.data() + tile * tile_size, ops::kTileStride, columns}, output.data());
    const float bias = static_cast<float>(model.options.density_bias.value());
    float* to = log_density + tile * ops::kTileColumns;
    for (int c = 0; c < columns; ++c) to[c] = output[c] + bias;
  });
}

}  // namespace semfield
