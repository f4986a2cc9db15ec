#include "semfield/geometry/pose.h"

#include <Eigen/Geometry>
#include <Eigen/LU>
#include <Eigen/SVD>
#include <cmath>

#include "semfield/base/check.h"

namespace semfield {

Pose Pose::operator*(const Pose& b_from_c) const {
  return {rotation * b_from_c.rotation, rotation * b_from_c.translation + translation};
}

Pose Pose::Inverse() const {
  const Mat3 inverse = rotation.transpose();
  return {inverse, -(inverse * translation)};
}

Mat4 Pose::Matrix() const {
  Mat4 matrix = Mat4::Identity();
  matrix.topLeftCorner<3, 3>() = rotation;
  matrix.topRightCorner<3, 1>() = translation;
  return matrix;
}

Pose FlipOpenGlOpenCv(const Pose& world_from_camera) {
  return {world_from_camera.rotation * Vec3(1, -1, -1).asDiagonal(), world_from_camera.translation};
}

bool IsRigid(const Pose& pose, double tolerance) {
  if (!pose.rotation.allFinite() || !pose.translation.allFinite()) return false;
  const Mat3 excess = pose.rotation.transpose() * pose.rotation - Mat3::Identity();
  return excess.cwiseAbs().maxCoeff() <= tolerance && pose.rotation.determinant() > 0;
}

Mat3 NearestRotation(const Mat3& m) {
  const Eigen::JacobiSVD<Mat3> svd(m, Eigen::ComputeFullU | Eigen::ComputeFullV);
  Vec3 signs(1, 1, 1);
  if ((svd.matrixU() * svd.matrixV().transpose()).determinant() < 0) signs.z() = -1;
  return svd.matrixU() * signs.asDiagonal() * svd.matrixV().transpose();
}

Pose Interpolate(const Pose& a, const Pose& b, double t) {
  if (t == 0) return a;
  if (t == 1) return b;
  const Eigen::Quaterniond qa(a.rotation), qb(b.rotation);
  return {qa.slerp(t, qb).normalized().toRotationMatrix(), (1 - t) * a.translation + t * b.translation};
}

// atan2 of sine and cosine: acos of the trace alone loses half the digits for small angles.
double RotationAngle(const Mat3& a, const Mat3& b) {
  const Mat3 between = a.transpose() * b;
  const Vec3 twice_sine(between(2, 1) - between(1, 2), between(0, 2) - between(2, 0),
                        between(1, 0) - between(0, 1));
  return std::atan2(twice_sine.norm(), between.trace() - 1);
}

Pose LookAt(const Vec3& eye, const Vec3& target, const Vec3& up) {
  const Vec3 toward = target - eye;
  SF_CHECK_GT(toward.norm(), 0.0);
  const Vec3 forward = toward.normalized();
  Vec3 right = forward.cross(up.normalized());
  if (!(right.norm() > 1e-9)) {  // looking along `up`: any axis across will do
    Eigen::Index smallest = 0;
    forward.cwiseAbs().minCoeff(&smallest);
    right = forward.cross(Vec3::Unit(smallest));
  }
  right.normalize();
  Pose world_from_camera;
  world_from_camera.rotation.col(0) = right;
  world_from_camera.rotation.col(1) = forward.cross(right);
  world_from_camera.rotation.col(2) = forward;
  world_from_camera.translation = eye;
  return world_from_camera;
}

}  // namespace semfield
