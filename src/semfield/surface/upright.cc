#include "semfield/surface/upright.h"

#include <Eigen/Geometry>
#include <cmath>
#include <numbers>

#include "semfield/base/error.h"

namespace semfield {

Vec3 MeanUp(const Capture& capture) {
  Vec3 up = Vec3::Zero();
  for (const int index : capture.train) up -= capture.views[index].world_from_camera.rotation.col(1);
  return up.norm() > 1e-6 ? Vec3(up.normalized()) : Vec3(0, 0, 1);
}

Mat3 YUpFrom(const Vec3& up) {
  const Vec3 y = up.normalized();
  // The axis that is most across, x where it is.
  int across = 0;
  if (std::abs(y.x()) > 0.8) across = 1;
  Vec3 x = Vec3::Unit(across) - y[across] * y;
  x.normalize();
  Mat3 rotation;
  rotation.row(0) = x;
  rotation.row(1) = y;
  rotation.row(2) = x.cross(y);
  return rotation;
}

Vec3 UpOfCapture(const Capture& capture, const std::string& axis) {
  constexpr double kNearAxis = 25 * std::numbers::pi / 180;
  if (axis == "auto") {
    const Vec3 up = (capture.capture_from_world.topLeftCorner<3, 3>() * MeanUp(capture)).normalized();
    int nearest = 0;
    up.cwiseAbs().maxCoeff(&nearest);
    if (std::abs(up[nearest]) < std::cos(kNearAxis)) return up;
    return std::copysign(1.0, up[nearest]) * Vec3::Unit(nearest);
  }
  const bool is_down = !axis.empty() && axis[0] == '-';
  const std::string letter = axis.substr(is_down ? 1 : 0);
  if (letter != "x" && letter != "y" && letter != "z")
    throw InputError("--up {}: expected auto, x, y, z, -x, -y or -z", axis);
  return (is_down ? -1.0 : 1.0) * Vec3::Unit(letter[0] - 'x');
}

Vec3 BaseOf(const Mesh& mesh, const Vec3& up) {
  const Mat3 y_up = YUpFrom(up);
  Mat4 turn = Mat4::Identity();
  turn.topLeftCorner<3, 3>() = y_up;
  const Box3 box = BoundsOf(Transformed(mesh, turn));
  return y_up.transpose() * Vec3(box.Center().x(), box.min.y(), box.Center().z());
}

}  // namespace semfield
