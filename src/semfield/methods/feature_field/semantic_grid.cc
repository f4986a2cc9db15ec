#include "semfield/methods/feature_field/semantic_grid.h"

#include <algorithm>

#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/ops/tile.h"

namespace semfield {
namespace {

ops::GridRays RaysOf(const TokenInputs& inputs, int tile) {
  const RaySamples& samples = inputs.samples;
  const ops::GridPoints points = {samples.x.data(), samples.y.data(), samples.z.data(),
                                  static_cast<int64_t>(samples.x.size())};
  const int64_t count = std::min(ops::kTileColumns, inputs.num_tokens - tile * ops::kTileColumns);
  return {points, samples.weight.data(), samples.ray_begin.data() + tile * ops::kTileColumns, count};
}

}  // namespace

ops::HashGridLayout SemanticGridLayout(const FeatureOptions& options) {
  return ops::MakeHashGridLayout({.num_levels = options.levels,
                                  .features_per_level = options.features_per_level,
                                  .log2_table_size = options.log2_table_size,
                                  .base_resolution = options.base_resolution,
                                  .finest_resolution = options.finest_resolution});
}

Parameter MakeSemanticGrid(const FeatureOptions& options, const ops::HashGridLayout& layout) {
  Parameter grid("semantic_grid", {static_cast<int64_t>(layout.num_parameters)}, Parameter::HalfCopy::kYes);
  Random random(options.seed, 11);
  for (float& value : grid.values.span()) value = random.Uniform(-1e-2f, 1e-2f);
  grid.UpdateHalf();
  return grid;
}

int NumTokenTiles(const TokenInputs& inputs) {
  return (inputs.num_tokens + ops::kTileColumns - 1) / ops::kTileColumns;
}

void ComposeSemantics(const ops::HashGridLayout& layout, const Parameter& grid, const TokenInputs& inputs,
                      int rows, float* out) {
  const int tiles = NumTokenTiles(inputs), features = layout.config.features_per_level;
  // Level by level, so that a level's table stays in cache.
  ParallelFor(static_cast<int64_t>(layout.config.num_levels) * tiles, [&](int64_t task, int) {
    const int level = static_cast<int>(task / tiles), tile = static_cast<int>(task % tiles);
    const size_t row = static_cast<size_t>(tile) * rows + static_cast<size_t>(level) * features;
    ops::HashGridRaysForward(layout, level, grid.half.data(), RaysOf(inputs, tile),
                             out + row * ops::kTileStride, ops::kTileStride);
  });
}

void StepSemantics(const ops::HashGridLayout& layout, const TokenInputs& inputs, int rows, const float* d_out,
                   const ops::AdamOptions& adam, Parameter* grid) {
  const int tiles = NumTokenTiles(inputs), features = layout.config.features_per_level;
  ParallelFor(layout.config.num_levels, [&](int64_t task, int) {
    const int level = layout.config.num_levels - 1 - static_cast<int>(task);
    for (int tile = 0; tile < tiles; ++tile) {
      const size_t row = static_cast<size_t>(tile) * rows + static_cast<size_t>(level) * features;
      ops::HashGridRaysBackward(layout, level, RaysOf(inputs, tile), d_out + row * ops::kTileStride,
                                ops::kTileStride, grid->gradient.data());
    }
    const ops::HashGridLevel& part = layout.levels[level];
    grid->Step(adam, part.offset, static_cast<size_t>(part.num_entries) * features);
  });
}

void CutIntoTiles(const TokenInputs& inputs, const std::vector<float>& from, int rows, int first,
                  float* out) {
  const size_t num_rows = from.size() / std::max(1, inputs.num_tokens);
  for (int tile = 0; tile < NumTokenTiles(inputs); ++tile) {
    const int begin = tile * ops::kTileColumns;
    for (size_t row = 0; row < num_rows; ++row) {
      std::copy_n(from.data() + row * inputs.num_tokens + begin,
                  std::min(ops::kTileColumns, inputs.num_tokens - begin),
                  out + (static_cast<size_t>(tile) * rows + first + row) * ops::kTileStride);
    }
  }
}

}  // namespace semfield
