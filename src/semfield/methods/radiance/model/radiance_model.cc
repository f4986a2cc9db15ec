#include "semfield/methods/radiance/model/radiance_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "semfield/base/check.h"

namespace semfield {
namespace {

TensorView FloatTensor(const std::string& name, const Buffer<float>& buffer) {
  return MakeTensorView<float>(name, {static_cast<int64_t>(buffer.size())}, buffer.span());
}

void LoadFloats(const SafetensorsFile& file, const std::string& name, Buffer<float>& buffer) {
  const std::span<const float> data = file.Get<float>(name, {static_cast<int64_t>(buffer.size())});
  std::copy(data.begin(), data.end(), buffer.data());
}

}  // namespace

SceneMap MakeSceneMap(const Capture& capture) {
  SceneMap map;
  map.contracted = capture.extent == SceneExtent::kUnbounded;
  const Vec3 center = capture.bounds.Center();
  for (int k = 0; k < 3; ++k) map.center[k] = static_cast<float>(center[k]);
  // One scale for all axes keeps grid cells cubic; a hair of margin keeps the walls inside.
  map.half_extent =
      static_cast<float>(0.5 * capture.bounds.Extent().maxCoeff() * (map.contracted ? 1.0 : 1.001));
  return map;
}

RadianceModel::RadianceModel(const RadianceOptions& resolved, const SceneMap& scene_map)
    : options(resolved), map(scene_map), occupancy(resolved.occupancy_resolution) {
  layout = ops::MakeHashGridLayout({.num_levels = options.levels,
                                    .features_per_level = options.features_per_level,
                                    .log2_table_size = options.log2_table_size,
                                    .base_resolution = options.base_resolution,
                                    .finest_resolution = options.finest_resolution});
  density_shape = {
      .input = layout.num_features(), .hidden = options.hidden, .num_hidden = 1, .output = kGeometryRows};
  color_shape = {.input = kGeometryRows + 16, .hidden = options.hidden, .num_hidden = 2, .output = 3};
  grid.Resize(layout.num_parameters);
  grid_half.Resize(layout.num_parameters);
  density_mlp.Resize(ops::MlpNumParameters(density_shape));
  color_mlp.Resize(ops::MlpNumParameters(color_shape));
  Random grid_random(options.seed, 1);
  for (float& value : grid.span()) value = grid_random.Uniform(-1e-4f, 1e-4f);
  Random mlp_random(options.seed, 2);
  ops::MlpInitialize(density_shape, mlp_random, density_mlp.data());
  ops::MlpInitialize(color_shape, mlp_random, color_mlp.data());
  UpdateShadow();
  occupancy.Fill();
}

ops::MarchOptions RadianceModel::March(float coarseness) const {
  ops::MarchOptions march;
  march.step = coarseness * 2 * map.half_extent / static_cast<float>(options.steps_across);
  march.cone_angle = coarseness * static_cast<float>(options.cone_angle);
  march.near_distance = 0.02f * map.half_extent;
  // The outermost occupancy cells hold everything beyond a few dozen half extents.
  march.far_distance = map.contracted ? 200 * map.half_extent : 1e9f;
  march.max_samples = ops::kTileColumns;
  // Grid densities are per half_extent.
  march.stop_optical_depth = static_cast<float>(options.stop_optical_depth) * map.half_extent;
  march.stop_margin_cells = 3;
  return march;
}

std::unique_ptr<RadianceModel> RadianceModel::Copy() const {
  auto copy = std::make_unique<RadianceModel>(options, map);
  const auto take = [](const Buffer<float>& from, Buffer<float>& to) {
    std::copy(from.begin(), from.end(), to.begin());
  };
  take(grid, copy->grid);
  take(density_mlp, copy->density_mlp);
  take(color_mlp, copy->color_mlp);
  take(occupancy.density(), copy->occupancy.density());
  take(occupancy.mean_density(), copy->occupancy.mean_density());
  copy->UpdateShadow();
  return copy;
}

void RadianceModel::UpdateShadow() {
  for (size_t i = 0; i < grid.size(); ++i) grid_half[i] = FloatToHalf(grid[i]);
}

std::vector<TensorView> RadianceModel::Tensors() const {
  return {FloatTensor("grid", grid), FloatTensor("density_mlp", density_mlp),
          FloatTensor("color_mlp", color_mlp), FloatTensor("occupancy_density", occupancy.density()),
          FloatTensor("occupancy_mean_density", occupancy.mean_density())};
}

void RadianceModel::LoadTensors(const SafetensorsFile& file) {
  LoadFloats(file, "grid", grid);
  LoadFloats(file, "density_mlp", density_mlp);
  LoadFloats(file, "color_mlp", color_mlp);
  LoadFloats(file, "occupancy_density", occupancy.density());
  LoadFloats(file, "occupancy_mean_density", occupancy.mean_density());
  UpdateShadow();
}

}  // namespace semfield
