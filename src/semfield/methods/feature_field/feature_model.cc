#include "semfield/methods/feature_field/feature_model.h"

#include <algorithm>
#include <cstring>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

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
      layout_(SemanticGridLayout(options)),
      context_(ContextOf(options, space)),
      head_(HeadOf(options, space)),
      grid_(MakeSemanticGrid(options, layout_)),
      head_parameters_("head", {static_cast<int64_t>(head_.num_parameters())}) {
  if (space_.resolution == 0) space_.resolution = options.teacher_resolution;
  Random head_random(options.seed, 12);
  head_.Initialize(head_random, head_parameters_.values.data());
}

FeatureParameterCounts CountFeatureParameters(const FeatureOptions& options, const FeatureSpace& space) {
  return {.grid = SemanticGridLayout(options).num_parameters,
          .head = HeadOf(options, space).num_parameters()};
}

int FeatureModel::num_tiles(const TokenInputs& inputs) const {
  return NumTokenTiles(inputs);
}

void FeatureModel::Compose(const TokenInputs& inputs, Buffer<float>* own, Buffer<float>* rows) const {
  SF_CHECK_EQ(inputs.pixels.size(), static_cast<size_t>(NumPixelRows(options_)) * inputs.num_tokens);
  const size_t tiles = num_tiles(inputs);
  rows->ResizeUninitialized(tiles * head_.input_rows() * ops::kTileStride);
  own->ResizeUninitialized(tiles * own_rows() * ops::kTileStride);
  ComposeSemantics(layout_, grid_, inputs, own_rows(), own->data());
  CutIntoTiles(inputs, inputs.pixels, own_rows(), layout_.num_features(), own->data());
  GatherContext(context_, own->data(), head_.input_rows(), rows->data());
  CutIntoTiles(inputs, inputs.extras, head_.input_rows(), context_.rows(), rows->data());
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
    head_.Answer(head_parameters_.values.data(), all_rows + tile * tile_size, columns, work, output.data());
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
