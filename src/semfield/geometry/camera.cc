#include "semfield/geometry/camera.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "semfield/base/check.h"
#include "semfield/geometry/distortion.h"

namespace semfield {

bool Camera::HasDistortion() const {
  if (model == CameraModel::kFisheye) return true;
  return k1 != 0 || k2 != 0 || k3 != 0 || k4 != 0 || p1 != 0 || p2 != 0;
}

Vec3 Camera::DirectionAt(const Vec2& pixel) const {
  return Distortion(*this).Undistorted(Vec2((pixel.x() - cx) / fx, (pixel.y() - cy) / fy));
}

std::optional<Vec2> Camera::Project(const Vec3& point_in_camera) const {
  const std::optional<Vec2> distorted = Distortion(*this).Distorted(point_in_camera);
  if (!distorted) return std::nullopt;
  const Vec2 pixel(fx * distorted->x() + cx, fy * distorted->y() + cy);
  if (!pixel.allFinite()) return std::nullopt;
  return pixel;
}

bool Camera::Contains(const Vec2& pixel) const {
  return pixel.x() >= 0 && pixel.x() <= width && pixel.y() >= 0 && pixel.y() <= height;
}

Camera Camera::Resized(int new_width, int new_height) const {
  SF_CHECK_GT(width, 0);
  SF_CHECK_GT(height, 0);
  SF_CHECK_GT(new_width, 0);
  SF_CHECK_GT(new_height, 0);
  const double scale_x = static_cast<double>(new_width) / width;
  const double scale_y = static_cast<double>(new_height) / height;
  Camera resized = *this;
  resized.width = new_width;
  resized.height = new_height;
  resized.fx *= scale_x;
  resized.cx *= scale_x;
  resized.fy *= scale_y;
  resized.cy *= scale_y;
  return resized;
}

Camera PinholeCamera(int width, int height, double fov_y) {
  SF_CHECK_GT(width, 0);
  SF_CHECK_GT(height, 0);
  SF_CHECK(fov_y > 0 && fov_y < std::numbers::pi);
  Camera camera;
  camera.width = width;
  camera.height = height;
  camera.fx = camera.fy = 0.5 * height / std::tan(0.5 * fov_y);
  camera.cx = 0.5 * width;
  camera.cy = 0.5 * height;
  return camera;
}

Camera EnclosingSquareCamera(const Camera& camera, int size) {
  SF_CHECK_GT(camera.width, 0);
  SF_CHECK_GT(camera.height, 0);
  SF_CHECK_GT(size, 0);
  const double largest = std::tan(75.0 * std::numbers::pi / 180.0);
  const Distortion distortion(camera);
  double tangent = 0;  // of the half field of view: the largest |x / z|, |y / z| on the image's border
  const auto add = [&](double x, double y) {
    const Vec3 d = distortion.Undistorted(Vec2((x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy));
    const double across = d.head<2>().cwiseAbs().maxCoeff();
    tangent = std::max(tangent, d.z() > 0 ? std::min(across / d.z(), largest) : largest);
  };
  for (int x = 0; x <= camera.width; ++x) {
    add(x, 0);
    add(x, camera.height);
  }
  for (int y = 0; y <= camera.height; ++y) {
    add(0, y);
    add(camera.width, y);
  }
  SF_CHECK_GT(tangent, 0.0);
  Camera square;
  square.width = square.height = size;
  // A hair wider, so that rounding leaves the outermost border inside.
  square.fx = square.fy = 0.5 * size / (tangent * (1 + 1e-12));
  square.cx = square.cy = 0.5 * size;
  return square;
}

}  // namespace semfield
