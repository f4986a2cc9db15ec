#pragma once

#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/methods/radiance/model/radiance_model.h"

namespace semfield {

// Density at scattered points, for the occupancy grid, normals and meshes. Keeps its buffers between calls.
class PointDensity {
 public:
  // log_density[i] = raw + density_bias at unit-cube point i (exp of it is the density per half_extent).
  void Evaluate(const RadianceModel& model, const ops::GridPoints& points, int num_active_levels,
                float* log_density);

 private:
  Buffer<float> encoded_;
  std::vector<Buffer<float>> outputs_;  // [worker]
};

}  // namespace semfield
