#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/geometry/scene_map.h"
#include "semfield/methods/radiance/model/radiance_options.h"
#include "semfield/ops/hash_grid.h"
#include "semfield/ops/occupancy_grid.h"
#include "semfield/ops/ray_marching.h"
#include "semfield/ops/small_mlp.h"
#include "semfield/training/parameter.h"

namespace semfield {

// Parameters of one scene's radiance field and where it stands in the world.
//   [raw density, 15 geometry features] = density_mlp(E(u(x)));  density = exp(raw + density_bias) per
//   half_extent colour = sigmoid(color_mlp(raw density, geometry features, SH(direction)))
struct RadianceModel {
  RadianceOptions options;  // resolved
  SceneMap map;
  ops::HashGridLayout layout;
  ops::MlpShape density_shape;
  ops::MlpShape color_shape;
  Parameter grid;  // with a half copy, which is what kernels read
  Parameter density_mlp;
  Parameter color_mlp;
  ops::OccupancyGrid occupancy;

  static constexpr int kGeometryRows = 16;
  static constexpr float kFineSteps = 0.7f;  // coarseness of RenderRequest::fine

  // Random parameters from options.seed; occupancy full.
  RadianceModel(const RadianceOptions& resolved, const SceneMap& map);

  // Quadrature lengths are in units of half_extent, so that densities do not depend on the world's scale.
  float LengthScale() const { return 1.0f / map.half_extent; }
  // Marching with steps `coarseness` times as long as those of training.
  ops::MarchOptions March(float coarseness) const;
  // A model of its own with the parameters and densities of this moment; all cells of its grid are occupied
  // until OccupancyUpdate::Restore.
  std::unique_ptr<RadianceModel> Copy() const;

  // Checkpoint parts. Views into this object: they live as long as it is unchanged.
  std::vector<TensorView> Tensors() const;
  void LoadTensors(const SafetensorsFile& file);  // Error naming file and tensor if shapes differ
};

ops::HashGridLayout MakeGridLayout(const RadianceOptions& options);
ops::MlpShape DensityShape(const RadianceOptions& options);
ops::MlpShape ColorShape(const RadianceOptions& options);

// How the world of a capture is mapped to the unit cube.
SceneMap MakeSceneMap(const Capture& capture);

}  // namespace semfield
