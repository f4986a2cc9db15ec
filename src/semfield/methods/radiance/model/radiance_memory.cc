#include "semfield/methods/radiance/model/radiance_memory.h"

#include "semfield/methods/radiance/model/radiance_model.h"
#include "semfield/ops/tile.h"

namespace semfield {
namespace {

// While rays still end in fog a step marches more samples than it aims at; buffers keep that size.
constexpr double kMostSamples = 2.5;
constexpr int kNumbersPerSample = 7;  // t, dt twice, position
constexpr int kRowsPerThread = 200;   // of a tile, beside the networks' activations and their gradients

}  // namespace

RadianceMemory EstimateRadianceMemory(const RadianceOptions& options, int num_threads) {
  const ops::HashGridLayout layout = MakeGridLayout(options);
  const size_t grid = layout.num_parameters;
  const size_t networks =
      ops::MlpNumParameters(DensityShape(options)) + ops::MlpNumParameters(ColorShape(options));
  const size_t side = static_cast<size_t>(options.occupancy_resolution);
  const size_t mean = options.average_last > 0 ? (grid + networks) * sizeof(float) : 0;
  RadianceMemory memory;
  // Density and mean density of a cell, and room to look at it.
  memory.field = Parameter::TrainingBytes(grid, Parameter::HalfCopy::kYes) +
                 Parameter::TrainingBytes(networks, Parameter::HalfCopy::kNo) + mean +
                 side * side * side * 3 * sizeof(float);
  // A gradient of the position, where cameras move.
  const double per_sample =
      sizeof(float) * (kNumbersPerSample + layout.num_features() + (options.refine_poses ? 3 : 0));
  memory.samples = static_cast<size_t>(kMostSamples * options.samples_per_step * per_sample);
  const size_t rows = kRowsPerThread + 6 * static_cast<size_t>(options.hidden) + layout.num_features();
  memory.samples += static_cast<size_t>(num_threads) * rows * ops::kTileStride * sizeof(float);
  memory.checkpoint =
      Parameter::CheckpointBytes(grid + networks) + mean + side * side * side * 2 * sizeof(float);
  return memory;
}

}  // namespace semfield
