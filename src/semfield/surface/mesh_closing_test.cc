#include "semfield/surface/mesh_closing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "semfield/surface/mesh_test_util.h"

namespace semfield {
namespace {

// Signed, of a closed mesh with its fronts outwards.
double VolumeOf(const Mesh& mesh) {
  double volume = 0;
  for (int f = 0; f < mesh.num_faces(); ++f) volume += mesh.Cross(f).dot(mesh.Centroid(f)) / 6;
  return volume;
}

// Without the faces whose middle is such.
template <class Predicate>
Mesh Without(const Mesh& mesh, const Predicate& is_such) {
  std::vector<char> keep(mesh.faces.size());
  for (int f = 0; f < mesh.num_faces(); ++f) keep[f] = !is_such(mesh.Centroid(f));
  return Submesh(mesh, keep);
}

TEST(BorderRings, OfAClosedMeshAreNone) {
  EXPECT_TRUE(BorderRings(BoxMesh({0, 0, 0}, {1, 1, 1})).empty());
}

TEST(BorderRings, GoAroundEachOpening) {
  const Mesh open = Without(SphereMesh(1, 16, 32), [](const Vec3& p) { return std::abs(p.z()) > 0.8; });
  const auto rings = BorderRings(open);
  ASSERT_EQ(rings.size(), 2u);
  for (const auto& ring : rings) EXPECT_EQ(ring.size(), 32u);
}

TEST(Closed, ABoxWithoutItsBottomIsABoxAgain) {
  const Mesh open = Without(BoxMesh({0, 0, 0}, {1, 2, 3}), [](const Vec3& p) { return p.z() < 1e-6; });
  ASSERT_EQ(open.num_faces(), 10);
  const Mesh closed = Closed(open, {0, 0, 1}, 0.1);
  EXPECT_TRUE(BorderRings(closed).empty());
  EXPECT_TRUE(DefectsOf(closed).None());
  EXPECT_NEAR(VolumeOf(closed), 6, 0.02);
  EXPECT_EQ(closed.colors.size(), closed.vertices.size());
}

// A box that was seen from the front and the top alone stands on the ground all the same.
TEST(Closed, WhatLeansAgainstAWallGetsABack) {
  const Mesh open =
      Without(BoxMesh({0, 0, 0}, {1, 1, 1}), [](const Vec3& p) { return p.z() < 1e-6 || p.y() > 1 - 1e-6; });
  const Mesh closed = Closed(open, {0, 0, 1}, 0.1);
  EXPECT_TRUE(BorderRings(closed).empty());
  EXPECT_NEAR(VolumeOf(closed), 1, 0.01);
}

TEST(Closed, ASmallHoleIsFilledWhereItIs) {
  const Mesh open = Without(SphereMesh(1, 32, 64), [](const Vec3& p) { return p.x() > 0.97; });
  const Mesh closed = Closed(open, {0, 0, 1}, 0.9);
  EXPECT_TRUE(BorderRings(closed).empty());
  EXPECT_TRUE(DefectsOf(closed).None());
  EXPECT_NEAR(VolumeOf(closed), 4.0 / 3 * std::numbers::pi, 0.05);
  EXPECT_GT(BoundsOf(closed).min.z(), -1.001);
}

TEST(Closed, NothingStaysNothing) {
  EXPECT_TRUE(Closed(Mesh(), {0, 0, 1}, 1).faces.empty());
}

}  // namespace
}  // namespace semfield
