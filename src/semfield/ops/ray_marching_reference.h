#pragma once

#include <vector>

#include "semfield/ops/ray_marching.h"

namespace semfield::ops {

struct MarchedSample {
  double t;
  double dt;
};

// The contract of MarchRay by walking every interval of the ray and looking up its middle, for tests. Without
// max_samples and stop_optical_depth.
std::vector<MarchedSample> MarchRayReference(const SceneMap& map, const OccupancyGrid& grid,
                                             const MarchOptions& options, const Ray& ray, float jitter);

// The cell at a distance along a ray, and how far (in cells) it is from the nearest face of that cell.
struct CellAtDistance {
  uint32_t cell;
  double to_face;
};
CellAtDistance FindCell(const SceneMap& map, const OccupancyGrid& grid, const Ray& ray, double t);

}  // namespace semfield::ops
