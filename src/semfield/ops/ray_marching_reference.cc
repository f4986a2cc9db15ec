#include "semfield/ops/ray_marching_reference.h"

#include <algorithm>
#include <cmath>

namespace semfield::ops {

CellAtDistance FindCell(const SceneMap& map, const OccupancyGrid& grid, const Ray& ray, double t) {
  const int n = grid.resolution();
  float p[3], u[3];
  for (int k = 0; k < 3; ++k) p[k] = static_cast<float>(ray.origin[k] + t * ray.direction[k]);
  map.UnitFromWorld(p, u);
  CellAtDistance found{0, 1};
  for (int k = 2; k >= 0; --k) {
    const double scaled = static_cast<double>(u[k]) * n;
    const int cell = std::clamp(static_cast<int>(std::floor(scaled)), 0, n - 1);
    found.cell = found.cell * n + cell;
    found.to_face = std::min(found.to_face, std::abs(scaled - std::round(scaled)));
  }
  return found;
}

std::vector<MarchedSample> MarchRayReference(const SceneMap& map, const OccupancyGrid& grid,
                                             const MarchOptions& options, const Ray& ray, float jitter) {
  double start = options.near_distance, end = options.far_distance;
  for (int k = 0; k < 3 && !map.contracted; ++k) {
    const double low = static_cast<double>(map.center[k]) - map.half_extent - ray.origin[k];
    const double high = static_cast<double>(map.center[k]) + map.half_extent - ray.origin[k];
    if (ray.direction[k] == 0) {
      if (low > 0 || high < 0) return {};
      continue;
    }
    start = std::max(start, std::min(low / ray.direction[k], high / ray.direction[k]));
    end = std::min(end, std::max(low / ray.direction[k], high / ray.direction[k]));
  }
  std::vector<MarchedSample> samples;
  const double cone = options.cone_angle;
  double middle = start + jitter * std::max<double>(options.step, cone * start);
  while (middle < end) {
    const double dt = std::max<double>(options.step, cone * middle);
    if (grid.Occupied(FindCell(map, grid, ray, middle).cell)) samples.push_back({middle, dt});
    // The next interval begins where this one ends: its middle is half of the old and half of its own width
    // away.
    const double boundary = middle + dt / 2;
    middle = std::max(boundary + options.step / 2.0, boundary / (1 - cone / 2));
  }
  return samples;
}

}  // namespace semfield::ops
