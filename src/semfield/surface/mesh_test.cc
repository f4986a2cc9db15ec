#include "semfield/surface/mesh.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "semfield/surface/mesh_test_util.h"

namespace semfield {
namespace {

TEST(Mesh, OfABoxHasItsAreaBoundsAndNormals) {
  const Mesh box = BoxMesh({0, 0, 0}, {1, 2, 3});
  EXPECT_TRUE(DefectsOf(box).None());
  EXPECT_NEAR(AreaOf(box), 2 * (2 + 3 + 6), 1e-6);
  EXPECT_EQ(BoundsOf(box).max, Vec3(1, 2, 3));
  for (int f = 0; f < box.num_faces(); ++f)
    EXPECT_GT(box.Cross(f).dot(box.Centroid(f) - Vec3(0.5, 1, 1.5)), 0) << f;
  const std::vector<Vec3f> normals = VertexNormals(box);
  for (int v = 0; v < box.num_vertices(); ++v) {
    EXPECT_NEAR(normals[v].norm(), 1, 1e-5);
    EXPECT_GT(normals[v].dot(box.vertices[v] - Vec3f(0.5f, 1, 1.5f)), 0);
  }
}

TEST(Mesh, DefectsAreCountedEachByItsName) {
  Mesh mesh = BoxMesh({0, 0, 0}, {1, 1, 1});
  mesh.vertices.push_back({5, 5, 5});
  mesh.colors.push_back({1, 2, 3});
  EXPECT_EQ(DefectsOf(mesh).unreferenced, 1);
  mesh.faces.push_back({8, 8, 0});
  EXPECT_EQ(DefectsOf(mesh).degenerate_faces, 1);
  mesh.faces.push_back(mesh.faces[0]);
  EXPECT_EQ(DefectsOf(mesh).repeated_faces, 1);
  EXPECT_EQ(Cleaned(mesh).num_faces(), 12);
  EXPECT_EQ(Cleaned(mesh).num_vertices(), 8);
  EXPECT_TRUE(DefectsOf(Cleaned(mesh)).None());
  mesh.vertices[8].x() = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(DefectsOf(mesh).not_finite, 1);
  mesh.faces.push_back({0, 1, 99});
  EXPECT_EQ(DefectsOf(mesh).out_of_range, 1);
  // Three points on a line have no area.
  const Mesh line{.vertices = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}}, .faces = {{0, 1, 2}}, .colors = {}};
  EXPECT_EQ(DefectsOf(line).degenerate_faces, 1);
}

TEST(Mesh, AFaceThatIsTurnedOverIsNoticed) {
  Mesh mesh = BoxMesh({0, 0, 0}, {1, 1, 1});
  std::swap(mesh.faces[3][0], mesh.faces[3][1]);
  EXPECT_EQ(DefectsOf(mesh).one_way_edges, 3);
}

TEST(Mesh, PartsHangTogetherAndCrumbsAreLeftOut) {
  Mesh mesh = BoxMesh({0, 0, 0}, {1, 1, 1});
  Append(BoxMesh({3, 0, 0}, {3.1, 0.1, 0.1}), &mesh);
  const std::vector<int> parts = PartsOf(mesh);
  EXPECT_EQ(parts.front(), 0);
  EXPECT_EQ(parts.back(), 1);
  EXPECT_EQ(WithoutCrumbs(mesh, 0.1).num_faces(), 24);
  const Mesh whole = WithoutCrumbs(mesh, 0.5);
  EXPECT_EQ(whole.num_faces(), 12);
  EXPECT_EQ(BoundsOf(whole).max, Vec3(1, 1, 1));
  EXPECT_TRUE(WithoutCrumbs(mesh, 5).faces.empty());
}

TEST(Mesh, SimplifiedASphereStaysOne) {
  const Mesh sphere = SphereMesh(1, 64, 128);
  ASSERT_TRUE(DefectsOf(sphere).None());
  const Mesh simple = Simplified(sphere, 1000);
  EXPECT_LE(simple.num_faces(), 1000);
  EXPECT_GT(simple.num_faces(), 800);
  EXPECT_TRUE(DefectsOf(simple).None());
  ASSERT_EQ(simple.colors.size(), simple.vertices.size());
  for (int v = 0; v < simple.num_vertices(); ++v) {
    EXPECT_NEAR(simple.vertices[v].norm(), 1, 1e-5);  // vertices keep their places
    EXPECT_EQ(simple.colors[v], ColorOf(simple.vertices[v]));
  }
  EXPECT_NEAR(AreaOf(simple), 4 * std::numbers::pi, 0.02 * 4 * std::numbers::pi);
  EXPECT_EQ(Simplified(sphere, 1 << 20).num_faces(), sphere.num_faces());
}

TEST(Mesh, AMirrorTurnsTheFacesToo) {
  Mat4 mirror = Mat4::Identity();
  mirror(0, 0) = -2;
  mirror(1, 3) = 5;
  const Mesh box = Transformed(BoxMesh({0, 0, 0}, {1, 1, 1}), mirror);
  EXPECT_EQ(BoundsOf(box).min, Vec3(-2, 5, 0));
  for (int f = 0; f < box.num_faces(); ++f)
    EXPECT_GT(box.Cross(f).dot(box.Centroid(f) - Vec3(-1, 5.5, 0.5)), 0) << f;
}

}  // namespace
}  // namespace semfield
