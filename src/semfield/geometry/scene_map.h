#pragma once

#include "semfield/geometry/types.h"

namespace semfield {

// World -> the unit cube in which grids live.
//   bounded:    u = (p - center) / (2 half_extent) + 0.5, not clamped: outside the box u leaves [0, 1]
//   contracted: q = (p - center) / half_extent, m = max |q_k|,
//               q' = q if m <= 1, else q (2 - 1/m) / m     (Mip-NeRF 360, Eq. 10, with the L-infinity norm)
//               u = (q' + 2) / 4, always inside [0, 1]
struct SceneMap {
  bool contracted = false;
  float center[3] = {0, 0, 0};
  float half_extent = 1;

  void UnitFromWorld(const float p[3], float u[3]) const;
  // The derivative of a loss with respect to the world point p, given its derivative with respect to u at p:
  // the transposed Jacobian of UnitFromWorld. On an edge of the contraction the side that UnitFromWorld
  // takes.
  void PullBack(const float p[3], const float d_u[3], float d_p[3]) const;
};

}  // namespace semfield
