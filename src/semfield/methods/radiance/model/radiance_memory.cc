#include "semfield/methods/radiance/model/radiance_memory.h"

#include "semfield/ops/hash_grid.h"
#include "semfield/ops/tile.h"

namespace semfield {
namespace {

// While rays still end in fog a step marches more samples than it aims at; buffers keep that size.
constexpr double kMostSamples = 2.5;
constexpr int kNumbersPerSample = 7;  // t, dt twice, position
constexpr int kRowsPerThread = 200;   // of a tile, beside the networks' activations and their gradients

}  // namespace

RadianceMemory EstimateRadianceMemory(const RadianceOptions& options, int num_threads) {
  const ops::HashGridLayout layout =
      ops::MakeHashGridLayout({.num_levels = options.levels,
                               .features_per_level = options.features_per_level,
                               .log2_table_size = options.log2_table_size,
                               .base_resolution = options.base_resolution,
                               .finest_resolution = options.finest_resolution});
  const size_t parameters = layout.num_parameters;
  const size_t side = static_cast<size_t>(options.occupancy_resolution);
  RadianceMemory memory;
  // Masters, what kernels read in half precision, gradient and two moments; density and mean density of a
  // cell.
  memory.field = parameters * (4 * sizeof(float) + 2) + side * side * side * 3 * sizeof(float);
  if (options.average_last > 0) memory.field += parameters * sizeof(float);
  // A gradient of the position, where cameras move.
  const double per_sample =
      sizeof(float) * (kNumbersPerSample + layout.num_features() + (options.refine_poses ? 3 : 0));
  memory.samples = static_cast<size_t>(kMostSamples * options.samples_per_step * per_sample);
  const size_t rows = kRowsPerThread + 6 * static_cast<size_t>(options.hidden) + layout.num_features();
  memory.samples += static_cast<size_t>(num_threads) * rows * ops::kTileStride * sizeof(float);
  memory.checkpoint = parameters * (options.average_last > 0 ? 4 : 3) * sizeof(float) +
                      side * side * side * 2 * sizeof(float);
  return memory;
}

}  // namespace semfield
