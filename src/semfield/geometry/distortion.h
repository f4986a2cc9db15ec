#pragma once

#include <optional>

#include "semfield/geometry/camera.h"

namespace semfield {

// The lens part of a camera, in normalised image coordinates (pixels minus principal point, over focal
// length). Camera::DirectionAt and Camera::Project make one per call; code that maps many pixels of one
// camera keeps one.
//
// The radial part r_d = r (1 + k1 r^2 + k2 r^4 + k3 r^6 + k4 r^8) is one polynomial for both models: r is
// tan(theta) for kOpenCv and theta itself for kFisheye (Kannala and Brandt 2006, Eq. 6, as OpenCV writes it).
// The tangential terms (and the thin prism of kFisheye) act on the position r (x, y) / |(x, y)| in both.
// It can be undone only up to the first maximum of r_d, max_radius().
class Distortion {
 public:
  explicit Distortion(const Camera& camera);

  // Distorted position of a point in the camera frame; nothing outside the valid range.
  std::optional<Vec2> Distorted(const Vec3& point_in_camera) const;
  // Unit direction that is seen at a distorted position; beyond the valid range, the direction at its border.
  Vec3 Undistorted(const Vec2& distorted) const;

  // Largest r (kOpenCv: tangent, at most 1000; kFisheye: angle, at most pi) up to which r_d increases.
  double max_radius() const { return max_radius_; }

 private:
  double Radial(double r) const;            // r_d
  double RadialDerivative(double r) const;  // d r_d / d r
  double InverseRadial(double r_d) const;   // clamped to max_radius
  Vec2 TangentialDistorted(const Vec2& p) const;
  Mat2 TangentialJacobian(const Vec2& p) const;
  Vec2 InverseTangential(const Vec2& distorted) const;

  bool fisheye_;
  bool identity_;
  double k_[4];
  double p1_, p2_;
  double sx1_, sy1_;
  bool tangential_;  // p1_ p2_ sx1_ sy1_ do something
  double max_radius_;
  double max_distorted_;  // Radial(max_radius)
};

}  // namespace semfield
