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

ops::HashGridLayout MakeGridLayout(const RadianceOptions& options) {
  return ops::MakeHashGridLayout({.num_levels = options.levels,
                                  .features_per_level = options.features_per_level,
                                  .log2_table_size = options.log2_table_size,
                                  .base_resolution = options.base_resolution,
                                  .finest_resolution = options.finest_resolution});
}

ops::MlpShape DensityShape(const RadianceOptions& options) {
  return {.input = options.levels * options.features_per_level,
          .hidden = options.hidden,
          .num_hidden = 1,
          .output = RadianceModel::kGeometryRows};
}

ops::MlpShape ColorShape(const RadianceOptions& options) {
  return {.input = RadianceModel::kGeometryRows + 16, .hidden = options.hidden, .num_hidden = 2, .output = 3};
}

RadianceModel::RadianceModel(const RadianceOptions& resolved, const SceneMap& scene_map)
    : options(resolved),
      map(scene_map),
      layout(MakeGridLayout(resolved)),
      density_shape(DensityShape(resolved)),
      color_shape(ColorShape(resolved)),
      grid("grid", {static_cast<int64_t>(layout.num_parameters)}, Parameter::HalfCopy::kYes),
      density_mlp("density_mlp", {static_cast<int64_t>(ops::MlpNumParameters(density_shape))}),
      color_mlp("color_mlp", {static_cast<int64_t>(ops::MlpNumParameters(color_shape))}),
      occupancy(resolved.occupancy_resolution) {
  Random grid_random(options.seed, 1);
  for (float& value : grid.values.span()) value = grid_random.Uniform(-1e-4f, 1e-4f);
  Random mlp_random(options.seed, 2);
  ops::MlpInitialize(density_shape, mlp_random, density_mlp.values.data());
  ops::MlpInitialize(color_shape, mlp_random, color_mlp.values.data());
  grid.UpdateHalf();
  occupancy.Fill();
}

ops::MarchOptions RadianceModel::March(float coarseness) const {
  ops::MarchOptions march;
  march.step = coarseness * 2 * map.half_extent / static_cast<float>(options.steps_across.value());
  march.cone_angle = std::min(coarseness * static_cast<float>(options.cone_angle.value()),
                              static_cast<float>(kMaxConeAngle));
  march.near_distance = 0.02f * map.half_extent;
  // The outermost occupancy cells hold everything beyond a few dozen half extents.
  march.far_distance = map.contracted ? 200 * map.half_extent : 1e9f;
  march.max_samples = ops::kTileColumns;
  // Grid densities are per half_extent.
  march.stop_optical_depth = static_cast<float>(options.stop_optical_depth.value()) * map.half_extent;
  march.stop_margin_cells = 3;
  return march;
}

std::unique_ptr<RadianceModel> RadianceModel::Copy() const {
  auto copy = std::make_unique<RadianceModel>(options, map);
  copy->grid.CopyValues(grid);
  copy->density_mlp.CopyValues(density_mlp);
  copy->color_mlp.CopyValues(color_mlp);
  const auto take = [](const Buffer<float>& from, Buffer<float>& to) {
    std::copy(from.begin(), from.end(), to.begin());
  };
  take(occupancy.density(), copy->occupancy.density());
  take(occupancy.mean_density(), copy->occupancy.mean_density());
  return copy;
}

std::vector<TensorView> RadianceModel::Tensors() const {
  return {grid.ValueTensor(), density_mlp.ValueTensor(), color_mlp.ValueTensor(),
          FloatTensor("occupancy_density", occupancy.density()),
          FloatTensor("occupancy_mean_density", occupancy.mean_density())};
}

void RadianceModel::LoadTensors(const SafetensorsFile& file) {
  for (Parameter* parameter : {&grid, &density_mlp, &color_mlp}) parameter->LoadValues(file);
  LoadFloats(file, "occupancy_density", occupancy.density());
  LoadFloats(file, "occupancy_mean_density", occupancy.mean_density());
}

}  // namespace semfield
