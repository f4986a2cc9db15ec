#pragma once

#include <cstdint>
#include <optional>

#include "semfield/geometry/types.h"

namespace semfield {

// Procedural surface colours, functions of the position in the shape's own frame.
struct Texture {
  enum class Kind { kPlain, kChecker, kStripes, kNoise, kGradient };
  Kind kind = Kind::kPlain;
  Vec3 color_a = Vec3::Constant(0.5);
  Vec3 color_b = Vec3::Constant(0.5);
  double period = 0.2;  // world units of one cell, stripe or gradient; of the coarsest noise
  uint64_t seed = 0;

  Vec3 ColorAt(const Vec3& p) const;  // linear blend of the two colours, in [0, 1]
};

// A box, sphere or upright cylinder; the shape's frame is turned about z and moved to `center`.
struct Shape {
  enum class Kind { kBox, kSphere, kCylinder };
  Kind kind = Kind::kBox;
  Vec3 center = Vec3::Zero();
  Vec3 half =
      Vec3::Constant(0.5);  // box: half sides; sphere: radius in x; cylinder: radius in x, half height in z
  double cos_yaw = 1, sin_yaw = 0;  // about +z
  bool inside_out = false;          // only the far sides are seen: the shell of a room
  Texture texture;
  int instance = 0;

  void SetYaw(double radians);
  Vec3 ToLocal(const Vec3& world) const;      // of a point
  Vec3 TurnToLocal(const Vec3& world) const;  // of a direction
  Vec3 TurnToWorld(const Vec3& local) const;  // of a direction
  Box3 Bounds() const;                        // axis-aligned, in the world
};

struct ShapeHit {
  double distance = 0;
  Vec3 normal = Vec3::Zero();   // unit, world, towards the ray's origin
  Vec3 local = Vec3::Zero();    // where, in the shape's frame
  Vec3 outward = Vec3::Zero();  // outward normal in the shape's frame: tells the faces of a box apart
};

// Whether the ray may hit the shape nearer than max_distance: false is certain, true is not.
bool MayHit(const Shape& shape, const Vec3& origin, const Vec3& direction, double max_distance);

// The nearest hit farther than 1e-6 along a unit direction.
std::optional<ShapeHit> Intersect(const Shape& shape, const Vec3& origin, const Vec3& direction);

}  // namespace semfield
