#pragma once

#include <Eigen/Core>

namespace semfield {

// Camera maths is done in double; kernels take float spans.
using Vec2 = Eigen::Vector2d;
using Vec3 = Eigen::Vector3d;
using Mat2 = Eigen::Matrix2d;
using Mat3 = Eigen::Matrix3d;
using Mat4 = Eigen::Matrix4d;

// Axis-aligned box, in world units.
struct Box3 {
  Vec3 min = Vec3::Zero();
  Vec3 max = Vec3::Zero();
  Vec3 Extent() const { return max - min; }
  Vec3 Center() const { return 0.5 * (min + max); }
};

}  // namespace semfield
