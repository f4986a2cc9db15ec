#pragma once

#include <tuple>

#include "semfield/geometry/camera.h"

namespace semfield {

// Orders cameras by their values: views with equal keys were taken by one camera.
inline auto CameraKey(const Camera& c) {
  return std::tuple(c.width, c.height, c.fx, c.fy, c.cx, c.cy, c.model, c.k1, c.k2, c.k3, c.k4, c.p1, c.p2,
                    c.sx1, c.sy1);
}

}  // namespace semfield
