#pragma once

#include <span>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/methods/radiance/model/radiance_model.h"
#include "semfield/methods/radiance/model/sample_tiles.h"

namespace semfield {

// dL/dorigin and dL/ddirection of one ray. The direction's is that of moving the samples o + t d with their
// distances t held: marching, and the colour's own dependence on the viewing direction, are left out
// (RayGradients says why).
struct RayGradient {
  float origin[3];
  float direction[3];
};

// The gradient of rays through the positions of their samples:
//   dL/do = sum_i dL/dx_i,  dL/dd = sum_i t_i dL/dx_i,  x_i = o + t_i d,
// from dL/dencoding (what TilePass::Backward leaves in the tiles), through the grid's interpolation and the
// scene map. Distances are constants because marching is not differentiable where cells begin. The spherical
// harmonics of the direction are left out because a small rotation barely changes them, while their gradient
// tempts a pose to explain highlights. Results do not depend on the number of threads. Keeps its buffers
// between calls.
class RayGradients {
 public:
  // ray_columns: [rays] kept columns of each ray, which TilePass packed at the front of its tile, ray after
  // ray. Levels from num_active_levels on take no part.
  void Compute(const RadianceModel& model, SampleTiles& tiles, std::span<const Ray> rays,
               std::span<const int32_t> ray_columns, int num_active_levels);
  std::span<const RayGradient> gradients() const { return gradients_; }  // [rays]

 private:
  Buffer<float> d_points_;  // [tiles, 3, kTileStride]
  std::vector<RayGradient> gradients_;
};

}  // namespace semfield
