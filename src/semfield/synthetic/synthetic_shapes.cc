#include "semfield/synthetic/synthetic_shapes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "semfield/base/random.h"

namespace semfield {
namespace {

constexpr double kNearest = 1e-6;

double LatticeValue(int64_t x, int64_t y, int64_t z, uint64_t seed) {
  const uint64_t hash = MixSeed(MixSeed(seed, static_cast<uint64_t>(x)),
                                MixSeed(static_cast<uint64_t>(y), static_cast<uint64_t>(z)));
  return static_cast<double>(hash >> 11) * 0x1p-53;
}

double Smooth(double t) {
  return t * t * (3 - 2 * t);
}

// Value noise: random lattice values blended smoothly, in [0, 1].
double ValueNoise(const Vec3& p, uint64_t seed) {
  const Vec3 base(std::floor(p.x()), std::floor(p.y()), std::floor(p.z()));
  const Vec3 t = p - base;
  double sum = 0;
  for (int corner = 0; corner < 8; ++corner) {
    double weight = 1;
    int64_t at[3];
    for (int k = 0; k < 3; ++k) {
      const int bit = (corner >> k) & 1;
      at[k] = static_cast<int64_t>(base[k]) + bit;
      weight *= bit ? Smooth(t[k]) : 1 - Smooth(t[k]);
    }
    sum += weight * LatticeValue(at[0], at[1], at[2], seed);
  }
  return sum;
}

// Candidate hits of a convex shape: where the ray enters and leaves it.
struct Span {
  double enter, leave;
  Vec3 enter_normal, leave_normal;  // outward, local
};

std::optional<Span> IntersectBox(const Vec3& half, const Vec3& o, const Vec3& d) {
  Span span{-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), Vec3::Zero(),
            Vec3::Zero()};
  for (int k = 0; k < 3; ++k) {
    if (std::abs(d[k]) < 1e-14) {
      if (std::abs(o[k]) > half[k]) return std::nullopt;
      continue;
    }
    const double sign = d[k] > 0 ? 1 : -1;
    const double near = (-sign * half[k] - o[k]) / d[k], far = (sign * half[k] - o[k]) / d[k];
    if (near > span.enter) {
      span.enter = near;
      span.enter_normal = -sign * Vec3::Unit(k);
    }
    if (far < span.leave) {
      span.leave = far;
      span.leave_normal = sign * Vec3::Unit(k);
    }
  }
  if (span.enter > span.leave) return std::nullopt;
  return span;
}

std::optional<Span> IntersectSphere(double radius, const Vec3& o, const Vec3& d) {
  const double b = o.dot(d), c = o.squaredNorm() - radius * radius;
  const double root = b * b - c;
  if (root < 0) return std::nullopt;
  const double s = std::sqrt(root);
  return Span{-b - s, -b + s, (o + d * (-b - s)) / radius, (o + d * (-b + s)) / radius};
}

std::optional<Span> IntersectCylinder(double radius, double half_height, const Vec3& o, const Vec3& d) {
  Span span{-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), Vec3::Zero(),
            Vec3::Zero()};
  const double a = d.x() * d.x() + d.y() * d.y();
  const double b = o.x() * d.x() + o.y() * d.y();
  const double c = o.x() * o.x() + o.y() * o.y() - radius * radius;
  if (a < 1e-18) {
    if (c > 0) return std::nullopt;
  } else {
    const double root = b * b - a * c;
    if (root < 0) return std::nullopt;
    span.enter = (-b - std::sqrt(root)) / a;
    span.leave = (-b + std::sqrt(root)) / a;
    const Vec3 p = o + d * span.enter, q = o + d * span.leave;
    span.enter_normal = Vec3(p.x(), p.y(), 0) / radius;
    span.leave_normal = Vec3(q.x(), q.y(), 0) / radius;
  }
  if (std::abs(d.z()) < 1e-14) return std::abs(o.z()) > half_height ? std::nullopt : std::optional(span);
  const double sign = d.z() > 0 ? 1 : -1;
  const double near = (-sign * half_height - o.z()) / d.z(), far = (sign * half_height - o.z()) / d.z();
  if (near > span.enter) {
    span.enter = near;
    span.enter_normal = Vec3(0, 0, -sign);
  }
  if (far < span.leave) {
    span.leave = far;
    span.leave_normal = Vec3(0, 0, sign);
  }
  if (span.enter > span.leave) return std::nullopt;
  return span;
}

}  // namespace

Vec3 Texture::ColorAt(const Vec3& p) const {
  double blend = 0;
  switch (kind) {
    case Kind::kPlain:
      break;
    case Kind::kChecker: {
      // Half a cell off, so that a face through the shape's middle plane does not flicker between two cells.
      const double sum = std::floor(p.x() / period + 0.5) + std::floor(p.y() / period + 0.5) +
                         std::floor(p.z() / period + 0.5);
      blend = std::fmod(std::abs(sum), 2);
      break;
    }
    case Kind::kStripes:
      blend = 0.5 + 0.5 * std::sin(2 * std::numbers::pi * (p.x() + 0.6 * p.y() + 0.8 * p.z()) / period);
      break;
    case Kind::kNoise:
      blend = 0.6 * ValueNoise(p / period, seed) + 0.4 * ValueNoise(p * (3 / period), seed + 1);
      break;
    case Kind::kGradient:
      blend = Smooth(std::clamp(0.5 + (0.3 * p.x() + 0.4 * p.y() + p.z()) / period, 0.0, 1.0));
      break;
  }
  return color_a + blend * (color_b - color_a);
}

void Shape::SetYaw(double radians) {
  cos_yaw = std::cos(radians);
  sin_yaw = std::sin(radians);
}

Vec3 Shape::ToLocal(const Vec3& world) const {
  return TurnToLocal(world - center);
}

Vec3 Shape::TurnToLocal(const Vec3& world) const {
  return Vec3(cos_yaw * world.x() + sin_yaw * world.y(), -sin_yaw * world.x() + cos_yaw * world.y(),
              world.z());
}

Vec3 Shape::TurnToWorld(const Vec3& local) const {
  return Vec3(cos_yaw * local.x() - sin_yaw * local.y(), sin_yaw * local.x() + cos_yaw * local.y(),
              local.z());
}

Box3 Shape::Bounds() const {
  Vec3 reach = half;
  if (kind == Kind::kSphere) reach = Vec3::Constant(half.x());
  if (kind == Kind::kCylinder) reach = Vec3(half.x(), half.x(), half.z());
  if (kind == Kind::kBox) {
    const double c = std::abs(cos_yaw), s = std::abs(sin_yaw);
    reach = Vec3(c * half.x() + s * half.y(), s * half.x() + c * half.y(), half.z());
  }
  return {center - reach, center + reach};
}

bool MayHit(const Shape& shape, const Vec3& origin, const Vec3& direction, double max_distance) {
  double squared_radius = shape.half.squaredNorm();
  if (shape.kind == Shape::Kind::kSphere) squared_radius = shape.half.x() * shape.half.x();
  const Vec3 to_center = shape.center - origin;
  const double along = to_center.dot(direction);
  const double squared_distance = to_center.squaredNorm();
  const double slack = 1e-9 * (1 + squared_distance);
  if (squared_distance - along * along > squared_radius + slack) return false;
  const double radius = std::sqrt(squared_radius);
  return along + radius > -1e-9 && along - radius < max_distance + 1e-9;
}

std::optional<ShapeHit> Intersect(const Shape& shape, const Vec3& origin, const Vec3& direction) {
  const Vec3 o = shape.ToLocal(origin);
  const Vec3 d = shape.TurnToLocal(direction);
  std::optional<Span> span;
  switch (shape.kind) {
    case Shape::Kind::kBox:
      span = IntersectBox(shape.half, o, d);
      break;
    case Shape::Kind::kSphere:
      span = IntersectSphere(shape.half.x(), o, d);
      break;
    case Shape::Kind::kCylinder:
      span = IntersectCylinder(shape.half.x(), shape.half.z(), o, d);
      break;
  }
  if (!span) return std::nullopt;
  const bool entering = !shape.inside_out && span->enter > kNearest;
  ShapeHit hit;
  hit.distance = entering ? span->enter : span->leave;
  if (!(hit.distance > kNearest)) return std::nullopt;
  hit.outward = entering ? span->enter_normal : span->leave_normal;
  hit.normal = shape.TurnToWorld(entering ? hit.outward : Vec3(-hit.outward));
  hit.local = o + d * hit.distance;
  return hit;
}

}  // namespace semfield
