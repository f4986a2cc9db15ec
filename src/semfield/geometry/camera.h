#pragma once

#include <optional>
#include <string>

#include "semfield/geometry/types.h"

namespace semfield {

enum class CameraModel {
  // Pinhole: radial 1 + k1 r^2 + k2 r^4 + k3 r^6 + k4 r^8 (not OpenCV's rational k4..k6), tangential p1 p2.
  kOpenCv,
  // OpenCV fisheye (equidistant): theta_d = theta (1 + k1 theta^2 + ... + k4 theta^8). p1 p2 and the thin
  // prism
  // sx1 sy1 add to the position theta (x, y) / r as COLMAP's THIN_PRISM_FISHEYE writes them.
  kFisheye,
};

// Intrinsics in pixels of a width x height image; pixel centres at +0.5, origin at the top left corner.
struct Camera {
  int width = 0;
  int height = 0;
  double fx = 0, fy = 0, cx = 0, cy = 0;
  CameraModel model = CameraModel::kOpenCv;
  double k1 = 0, k2 = 0, k3 = 0, k4 = 0, p1 = 0, p2 = 0;
  double sx1 = 0, sy1 = 0;  // thin prism, kFisheye only: (sx1, sy1) theta^2 is added

  bool HasDistortion() const;
  // Unit direction in the camera frame (x right, y down, z forward) seen by a pixel position. Distortion is
  // undone by Newton's method to 1e-10; positions outside the valid range give the direction at its border.
  Vec3 DirectionAt(const Vec2& pixel) const;
  // Pixel position of a point in the camera frame; nothing when it is behind the camera (pinhole) or outside
  // the range in which the distortion is monotonic. The position may lie outside the image.
  std::optional<Vec2> Project(const Vec3& point_in_camera) const;
  bool Contains(const Vec2& pixel) const;  // 0 <= x <= width and 0 <= y <= height
  // The same camera for an image resized to width x height.
  Camera Resized(int new_width, int new_height) const;
};

// Pinhole camera with square pixels and the principal point in the middle; fov_y in radians.
Camera PinholeCamera(int width, int height, double fov_y);

// The smallest square pinhole camera at the same position and orientation that holds every pixel of `camera`
// (principal point in the middle), `size` pixels a side. What the teacher looks through.
Camera EnclosingSquareCamera(const Camera& camera, int size);

}  // namespace semfield
