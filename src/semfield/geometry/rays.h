#pragma once

#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"

namespace semfield {

// One ray in the world: unit direction. depth (z-depth) = distance * z_scale, where z_scale is the cosine
// between the ray and the camera's forward axis.
struct Ray {
  float origin[3];
  float direction[3];
  float z_scale;
};

// The ray through a pixel position.
Ray MakeRay(const Camera& camera, const Pose& world_from_camera, const Vec2& pixel);

// Rays through all pixel centres of the camera, row-major: [height * width].
std::vector<Ray> MakeRays(const Camera& camera, const Pose& world_from_camera);

}  // namespace semfield
