#include "semfield/jobs/camera_path.h"

#include <Eigen/Geometry>
#include <Eigen/LU>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "semfield/base/error.h"
#include "semfield/surface/upright.h"

namespace semfield {
namespace {

// The point nearest to all optical axes: sum (I - d d^T) p = sum (I - d d^T) o.
Vec3 FocusOf(const Capture& capture) {
  Mat3 left = 1e-6 * Mat3::Identity();
  Vec3 right = 1e-6 * capture.bounds.Center();
  for (int index : capture.train) {
    const Pose& pose = capture.views[index].world_from_camera;
    const Vec3 axis = pose.rotation.col(2);
    const Mat3 across = Mat3::Identity() - axis * axis.transpose();
    left += across;
    right += across * pose.translation;
  }
  return left.inverse() * right;
}

}  // namespace

std::vector<NamedView> OrbitViews(const Capture& capture, int num_views) {
  const Vec3 focus = FocusOf(capture), up = MeanUp(capture);
  double radius = 0, height = 0, inward = 0;
  for (int index : capture.train) {
    const Pose& pose = capture.views[index].world_from_camera;
    const Vec3 offset = pose.translation - focus;
    height += offset.dot(up);
    radius += (offset - offset.dot(up) * up).norm();
    inward -= pose.rotation.col(2).dot(offset.normalized());
  }
  const double n = static_cast<double>(capture.train.size());
  radius /= n;
  height /= n;
  const Vec3 side = up.unitOrthogonal(), other = up.cross(side);
  std::vector<NamedView> views;
  for (int i = 0; i < num_views; ++i) {
    const double angle = 2 * std::numbers::pi * i / num_views;
    const Vec3 outward = std::cos(angle) * side + std::sin(angle) * other;
    const Vec3 eye = focus + radius * outward + height * up;
    const Vec3 target = inward > 0 ? focus : Vec3(eye + outward);
    views.push_back({.name = fmt::format("orbit_{:04d}", i),
                     .camera = capture.views[capture.train[0]].camera,
                     .world_from_camera = LookAt(eye, target, up)});
  }
  return views;
}

std::vector<NamedView> PathViews(const Capture& capture, int per_pair) {
  std::vector<NamedView> views;
  for (size_t i = 0; i + 1 < capture.train.size(); ++i) {
    const View& from = capture.views[capture.train[i]];
    const View& to = capture.views[capture.train[i + 1]];
    for (int k = 0; k < per_pair; ++k) {
      views.push_back({.name = fmt::format("path_{:05d}", views.size()),
                       .camera = from.camera,
                       .world_from_camera = Interpolate(from.world_from_camera, to.world_from_camera,
                                                        static_cast<double>(k) / per_pair)});
    }
  }
  if (views.empty()) throw InputError("--path needs at least two training views");
  return views;
}

}  // namespace semfield
