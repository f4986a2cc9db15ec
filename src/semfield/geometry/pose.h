#pragma once

#include "semfield/geometry/types.h"

namespace semfield {

// A rigid transform a_from_b: p_a = rotation * p_b + translation. For world_from_camera, translation is the
// camera centre in the world and the columns of rotation are the camera's axes (x right, y down, z forward:
// OpenCV).
struct Pose {
  Mat3 rotation = Mat3::Identity();
  Vec3 translation = Vec3::Zero();

  Vec3 operator*(const Vec3& p) const { return rotation * p + translation; }
  Pose operator*(const Pose& b_from_c) const;  // a_from_c
  Pose Inverse() const;                        // b_from_a
  Mat4 Matrix() const;
};

// Flips between OpenGL camera axes (x right, y up, z back) and OpenCV ones; it is its own inverse.
Pose FlipOpenGlOpenCv(const Pose& world_from_camera);

// Whether rotation is orthonormal with determinant +1 within tolerance, and everything is finite.
bool IsRigid(const Pose& pose, double tolerance = 1e-3);

// Nearest rotation (polar decomposition), for poses that are rigid up to rounding.
Mat3 NearestRotation(const Mat3& m);

// Rotation by slerp, translation linearly; t = 0 gives a, t = 1 gives b.
Pose Interpolate(const Pose& a, const Pose& b, double t);

// Angle between two rotations, radians.
double RotationAngle(const Mat3& a, const Mat3& b);

// A camera at `eye` that looks at `target`, image y pointing away from `up`.
Pose LookAt(const Vec3& eye, const Vec3& target, const Vec3& up);

}  // namespace semfield
