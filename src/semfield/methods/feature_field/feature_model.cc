#include "semfield/methods/feature_field/feature_model.h"

#include <algorithm>
#include <cstring>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

ops::HashGridLayout LayoutOf(const FeatureOptions& options) {
  return ops::MakeHashGridLayout({.num_levels = options.levels,
                                  .features_per_level = options.features_per_level,
                                  .log2_table_size = options.log2_table_size,
                                  .base_resolution = options.base_resolution,
                                  .finest_resolution = options.finest_resolution});
}

TokenContext ContextOf(const FeatureOptions& options, const FeatureSpace& space) {
  return {.grid = space.grid,
          .features = options.levels * options.features_per_level + NumPixelRows(options),
          .rings = options.context_rings};
}

FeatureHead HeadOf(const FeatureOptions& options, const FeatureSpace& space) {
  return FeatureHead(options, ContextOf(options, space).rows() + NumExtraRows(options), space.channels);
}

}  // namespace

FeatureModel::FeatureModel(const FeatureOptions& options, const FeatureSpace& space)
    : options_(options),
      space_(space),
      layout_(LayoutOf(options)),
      context_(ContextOf(options, space)),
      head_(HeadOf(options, space)),
      grid_("semantic_grid", {static_cast<int64_t>(layout_.num_parameters)}, Parameter::HalfCopy::kYes),
      head_parameters_("head", {static_cast<int64_t>(head_.num_parameters())}) {
  if (space_.resolution == 0) space_.resolution = options.teacher_resolution;
  Random grid_random(options.seed, 11);
  for (float& value : grid_.values.span()) value = grid_random.Uniform(-1e-2f, 1e-2f);
  Random head_random(options.seed, 12);
  head_.Initialize(head_random, head_parameters_.values.data());
  grid_.UpdateHalf();
}

FeatureParameterCounts CountFeatureParameters(const FeatureOptions& options, const FeatureSpace& space) {
  return {.grid = LayoutOf(options).num_parameters, .head = HeadOf(options, space).num_parameters()};
}

int FeatureModel::num_tiles(const TokenInputs& inputs) const {
  return (inputs.num_tokens + ops::kTileColumns - 1) / ops::kTileColumns;
}

void FeatureModel::Compose(const TokenInputs& inputs, Buffer<float>* own, Buffer<float>* rows) const {
  SF_CHECK_EQ(inputs.pixels.size(), static_cast<size_t>(NumPixelRows(options_)) * inputs.num_tokens);
  const int tiles = num_tiles(inputs), features = layout_.config.features_per_level;
  const size_t own_size = static_cast<size_t>(own_rows()) * ops::kTileStride;
  const size_t tile_size = static_cast<size_t>(head_.input_rows()) * ops::kTileStride;
  rows->ResizeUninitialized(tiles * tile_size);
  own->ResizeUninitialized(tiles * own_size);
  const RaySamples& samples = inputs.samples;
  const ops::GridPoints points = {samples.x.data(), samples.y.data(), samples.z.data(),
                                  static_cast<int64_t>(samples.x.size())};
  const auto count_of = [&](int64_t tile) {
    return std::min<int64_t>(ops::kTileColumns, inputs.num_tokens - tile * ops::kTileColumns);
  };
  // Level by level, so that a level's table stays in cache.
  ParallelFor(static_cast<int64_t>(layout_.config.num_levels) * tiles, [&](int64_t task, int) {
    const int level = static_cast<int>(task / tiles);
    const int64_t tile = task % tiles;
    ops::HashGridRaysForward(
        layout_, level, grid_.half.data(),
        {points, samples.weight.data(), samples.ray_begin.data() + tile * ops::kTileColumns, count_of(tile)},
        own->data() + tile * own_size + static_cast<size_t>(level) * features * ops::kTileStride,
        ops::kTileStride);
  });
  // Rows that are not learned, cut into tiles: [num_rows, num_tokens] -> from row `first` of every tile.
  const auto cut = [&](const std::vector<float>& from, size_t num_rows, float* to, size_t stride, int first) {
    for (int tile = 0; tile < tiles; ++tile) {
      for (size_t row = 0; row < num_rows; ++row) {
        std::copy_n(from.data() + row * inputs.num_tokens + tile * ops::kTileColumns, count_of(tile),
                    to + tile * stride + (first + row) * ops::kTileStride);
      }
    }
  };
  cut(inputs.pixels, NumPixelRows(options_), own->data(), own_size, layout_.num_features());
  GatherContext(context_, own->data(), head_.input_rows(), rows->data());
  cut(inputs.extras, NumExtraRows(options_), rows->data(), tile_size, context_.rows());
}

void FeatureModel::ComposeBackward(const TokenInputs& inputs, const Buffer<float>& d_rows,
                                   Buffer<float>* d_features) const {
  const size_t own_size = static_cast<size_t>(own_rows()) * ops::kTileStride;
  d_features->ResizeUninitialized(num_tiles(inputs) * own_size);
  ScatterContext(context_, d_rows.data(), head_.input_rows(), d_features->data());
}

FeatureMap FeatureModel::Render(const TokenInputs& inputs) const {
  SF_CHECK_EQ(inputs.num_tokens, space_.grid * space_.grid);
  // Kept by the threads for the next call: fresh memory costs as much as a good part of the work.
  thread_local Buffer<float> own, rows;
  Compose(inputs, &own, &rows);
  FeatureMap map;
  map.channels = space_.channels;
  map.height = map.width = space_.grid;
  map.encoder = space_.encoder;
  map.data.resize(static_cast<size_t>(map.channels) * inputs.num_tokens);
  const size_t tile_size = static_cast<size_t>(head_.input_rows()) * ops::kTileStride;
  const float* all_rows = rows.data();  // a name of this thread's buffer that other threads may use
  ParallelFor(num_tiles(inputs), [&](int64_t tile, int) {
    thread_local FeatureHead::Workspace work;
    thread_local Buffer<float> output;
    output.ResizeUninitialized(static_cast<size_t>(map.channels) * ops::kTileStride);
    const int first = static_cast<int>(tile) * ops::kTileColumns;
    const int columns = std::min(ops::kTileColumns, inputs.num_tokens - first);
    head_.Forward(head_parameters_.values.data(), all_rows + tile * tile_size, columns, work, output.data());
    for (int channel = 0; channel < map.channels; ++channel) {
      std::copy_n(output.data() + static_cast<size_t>(channel) * ops::kTileStride, columns,
                  map.data.data() + static_cast<size_t>(channel) * inputs.num_tokens + first);
    }
  });
  return map;
}

FeatureMap FeatureModel::Render(const RadianceField& radiance, const Camera& square,
                                const Pose& world_from_camera, int width, int height,
                                const StopToken* stop) const {
  SF_CHECK_EQ(width, space_.grid);
  SF_CHECK_EQ(height, space_.grid);
  return Render(MakeTokenInputs(radiance, square, world_from_camera, space_.grid, options_, stop));
}

std::unique_ptr<FeatureModel> FeatureModel::Copy() const {
  auto copy = std::make_unique<FeatureModel>(options_, space_);
  copy->grid_.CopyValues(grid_);
  copy->head_parameters_.CopyValues(head_parameters_);
  return copy;
}

std::vector<TensorView> FeatureModel::Tensors() const {
  return {grid_.ValueTensor(), head_parameters_.ValueTensor()};
}

void FeatureModel::LoadTensors(const SafetensorsFile& file) {
  for (Parameter* parameter : {&grid_, &head_parameters_}) parameter->LoadValues(file);
}

}  // namespace semfield
