#include "semfield/geometry/distortion.h"

#include <Eigen/LU>
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace semfield {
namespace {

// 89.94 degrees off the axis: a pinhole sees nothing worth having beyond.
constexpr double kLargestTangent = 1e3;
constexpr double kTolerance = 1e-10;

// Roots in (0, limit) of c[0] + c[1] x + ... + c[degree] x^degree, increasing. The roots of the derivative
// cut the range into monotonic pieces, each of which holds at most one root.
struct Roots {
  std::array<double, 4> value{};
  int count = 0;
};

double Evaluate(const std::array<double, 5>& c, int degree, double x) {
  double sum = c[degree];
  for (int i = degree - 1; i >= 0; --i) sum = sum * x + c[i];
  return sum;
}

double Bisect(const std::array<double, 5>& c, int degree, double low, double high) {
  const bool rising = Evaluate(c, degree, low) < 0;
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    ((Evaluate(c, degree, middle) < 0) == rising ? low : high) = middle;
  }
  return low;
}

Roots PositiveRoots(const std::array<double, 5>& c, int degree, double limit) {
  while (degree > 0 && c[degree] == 0) --degree;
  Roots roots;
  if (degree == 0) return roots;
  std::array<double, 5> derivative{};
  for (int i = 1; i <= degree; ++i) derivative[i - 1] = i * c[i];
  const Roots turns = PositiveRoots(derivative, degree - 1, limit);
  double low = 0;
  for (int i = 0; i <= turns.count; ++i) {
    const double high = i < turns.count ? turns.value[i] : limit;
    const double at_low = Evaluate(c, degree, low), at_high = Evaluate(c, degree, high);
    if ((at_low < 0) != (at_high < 0)) roots.value[roots.count++] = Bisect(c, degree, low, high);
    low = high;
  }
  return roots;
}

// First r at which d r_d / d r = 1 + 3 k1 r^2 + 5 k2 r^4 + 7 k3 r^6 + 9 k4 r^8 is zero, or limit.
double MonotonicRadius(const double k[4], double limit) {
  const std::array<double, 5> slope = {1, 3 * k[0], 5 * k[1], 7 * k[2], 9 * k[3]};
  const double limit_squared = limit * limit;
  if (k[2] == 0 && k[3] == 0) {  // the common lens: the quadratic in closed form, its smaller positive root
    const double discriminant = slope[1] * slope[1] - 4 * slope[2];
    if (discriminant < 0) return limit;
    const double denominator = -slope[1] + std::sqrt(discriminant);
    if (denominator <= 0) return limit;
    const double root = 2 / denominator;
    return root < limit_squared ? std::sqrt(root) : limit;
  }
  const Roots roots = PositiveRoots(slope, 4, limit_squared);
  return roots.count > 0 ? std::sqrt(roots.value[0]) : limit;
}

}  // namespace

Distortion::Distortion(const Camera& camera)
    : fisheye_(camera.model == CameraModel::kFisheye),
      identity_(!camera.HasDistortion()),
      k_{camera.k1, camera.k2, camera.k3, camera.k4},
      p1_(camera.p1),
      p2_(camera.p2),
      sx1_(fisheye_ ? camera.sx1 : 0),
      sy1_(fisheye_ ? camera.sy1 : 0),
      tangential_(p1_ != 0 || p2_ != 0 || sx1_ != 0 || sy1_ != 0) {
  const double limit = fisheye_ ? std::numbers::pi : kLargestTangent;
  max_radius_ = identity_ ? limit : MonotonicRadius(k_, limit);
  max_distorted_ = Radial(max_radius_);
}

double Distortion::Radial(double r) const {
  const double s = r * r;
  return r * (1 + s * (k_[0] + s * (k_[1] + s * (k_[2] + s * k_[3]))));
}

double Distortion::RadialDerivative(double r) const {
  const double s = r * r;
  return 1 + s * (3 * k_[0] + s * (5 * k_[1] + s * (7 * k_[2] + s * 9 * k_[3])));
}

// Newton's method inside a shrinking bracket: near max_radius the slope goes to zero and plain Newton jumps
// away.
double Distortion::InverseRadial(double r_d) const {
  if (!(r_d < max_distorted_)) return max_radius_;
  double low = 0, high = max_radius_;
  double r = std::min(r_d, 0.5 * (low + high));
  for (int i = 0; i < 100; ++i) {
    const double residual = Radial(r) - r_d;
    if (std::abs(residual) <= 1e-15 * r_d) break;
    (residual < 0 ? low : high) = r;
    double next = r - residual / RadialDerivative(r);
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (next == r) break;
    r = next;
  }
  return r;
}

Vec2 Distortion::TangentialDistorted(const Vec2& p) const {
  const double s = p.squaredNorm();
  const double radial = 1 + s * (k_[0] + s * (k_[1] + s * (k_[2] + s * k_[3])));
  const double xy = p.x() * p.y();
  return {p.x() * radial + 2 * p1_ * xy + p2_ * (s + 2 * p.x() * p.x()) + sx1_ * s,
          p.y() * radial + p1_ * (s + 2 * p.y() * p.y()) + 2 * p2_ * xy + sy1_ * s};
}

Mat2 Distortion::TangentialJacobian(const Vec2& p) const {
  const double x = p.x(), y = p.y(), s = p.squaredNorm();
  const double radial = 1 + s * (k_[0] + s * (k_[1] + s * (k_[2] + s * k_[3])));
  const double slope = k_[0] + s * (2 * k_[1] + s * (3 * k_[2] + s * 4 * k_[3]));  // d radial / d s
  Mat2 jacobian;
  jacobian(0, 0) = radial + 2 * x * x * slope + 2 * p1_ * y + 6 * p2_ * x + 2 * sx1_ * x;
  jacobian(1, 1) = radial + 2 * y * y * slope + 6 * p1_ * y + 2 * p2_ * x + 2 * sy1_ * y;
  jacobian(0, 1) = jacobian(1, 0) = 2 * x * y * slope + 2 * p1_ * x + 2 * p2_ * y;
  jacobian(0, 1) += 2 * sx1_ * y;
  jacobian(1, 0) += 2 * sy1_ * x;
  return jacobian;
}

// Newton's method from the radial-only answer, steps halved while they leave the valid disc or do not help.
Vec2 Distortion::InverseTangential(const Vec2& distorted) const {
  const double r_d = distorted.norm();
  if (r_d == 0 && !tangential_) return distorted;
  const Vec2 outward = r_d > 0 ? Vec2(distorted / r_d) : Vec2(1, 0);
  Vec2 p = outward * std::min(InverseRadial(r_d), 0.999 * max_radius_);
  Vec2 residual = TangentialDistorted(p) - distorted;
  for (int i = 0; i < 50 && residual.norm() > 1e-15 * (1 + r_d); ++i) {
    const Mat2 jacobian = TangentialJacobian(p);
    const double determinant = jacobian.determinant();
    if (!(determinant > 0)) break;
    const Vec2 step = Vec2(jacobian(1, 1) * residual.x() - jacobian(0, 1) * residual.y(),
                           jacobian(0, 0) * residual.y() - jacobian(1, 0) * residual.x()) /
                      determinant;
    bool better = false;
    for (double scale = 1; scale > 1e-6 && !better; scale *= 0.5) {
      const Vec2 trial = p - scale * step;
      if (trial.norm() > max_radius_) continue;
      const Vec2 trial_residual = TangentialDistorted(trial) - distorted;
      if (trial_residual.squaredNorm() >= residual.squaredNorm()) continue;
      p = trial;
      residual = trial_residual;
      better = true;
    }
    if (!better) break;
  }
  return residual.norm() <= kTolerance * (1 + r_d) ? p : Vec2(outward * max_radius_);
}

std::optional<Vec2> Distortion::Distorted(const Vec3& point) const {
  if (fisheye_) {
    const double across = std::hypot(point.x(), point.y());
    const double theta = std::atan2(across, point.z());
    if (!(theta <= max_radius_ * (1 + 1e-12))) return std::nullopt;
    if (across == 0) return point.z() > 0 ? std::optional<Vec2>(Vec2::Zero()) : std::nullopt;
    if (tangential_) {
      const Vec2 p = point.head<2>() * (theta / across);
      if (!(TangentialJacobian(p).determinant() > -1e-9)) return std::nullopt;
      return TangentialDistorted(p);
    }
    return Vec2(point.head<2>() * (Radial(theta) / across));
  }
  if (!(point.z() > 0)) return std::nullopt;
  const Vec2 p = point.head<2>() / point.z();
  if (!p.allFinite()) return std::nullopt;
  if (identity_) return p;
  if (p.norm() > max_radius_ * (1 + 1e-12)) return std::nullopt;
  if (tangential_ && !(TangentialJacobian(p).determinant() > -1e-9)) return std::nullopt;
  return TangentialDistorted(p);
}

Vec3 Distortion::Undistorted(const Vec2& distorted) const {
  const double r_d = distorted.norm();
  if (fisheye_) {
    if (tangential_) {
      const Vec2 p = InverseTangential(distorted);
      const double theta = p.norm();
      if (theta == 0) return Vec3::UnitZ();
      const Vec2 across = p * (std::sin(theta) / theta);
      return {across.x(), across.y(), std::cos(theta)};
    }
    if (r_d == 0) return Vec3::UnitZ();
    const double theta = InverseRadial(r_d);
    const Vec2 across = distorted * (std::sin(theta) / r_d);
    return {across.x(), across.y(), std::cos(theta)};
  }
  Vec2 p = distorted;
  if (!identity_) {
    if (tangential_) {
      p = InverseTangential(distorted);
    } else if (r_d > 0) {
      p = distorted * (InverseRadial(r_d) / r_d);
    }
  }
  return Vec3(p.x(), p.y(), 1).normalized();
}

}  // namespace semfield
