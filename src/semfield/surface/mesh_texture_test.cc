#include "semfield/surface/mesh_texture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "semfield/image/pixels.h"
#include "semfield/surface/mesh_test_util.h"

namespace semfield {
namespace {

constexpr int kSize = 256;

TEST(MakeAtlas, LaysABoxFlatWithoutStretchOrOverlap) {
  const Mesh box = BoxMesh({0, 0, 0}, {1, 2, 3});
  const Atlas atlas = MakeAtlas(box, kSize, 2, {});
  EXPECT_EQ(atlas.num_charts, 6);
  ASSERT_EQ(atlas.mesh.num_faces(), 12);
  ASSERT_EQ(atlas.uv.size(), atlas.mesh.vertices.size());
  EXPECT_TRUE(DefectsOf(atlas.mesh).None());
  double covered = 0;
  for (int f = 0; f < 12; ++f) {
    const auto& [a, b, c] = atlas.mesh.faces[f];
    const Eigen::Vector2f p = atlas.uv[b] - atlas.uv[a], q = atlas.uv[c] - atlas.uv[a];
    // Lengths are kept up to the scale, and no face is mirrored: with y downwards they go round clockwise.
    EXPECT_NEAR(p.norm(), atlas.pixels_per_unit * (atlas.mesh.vertices[b] - atlas.mesh.vertices[a]).norm(),
                0.01);
    const double area = p.x() * q.y() - p.y() * q.x();
    EXPECT_LT(area, 0);
    covered -= 0.5 * area;
  }
  EXPECT_NEAR(covered, 22 * atlas.pixels_per_unit * atlas.pixels_per_unit, 1);
  EXPECT_GT(covered, 0.5 * kSize * kSize);
  for (const Eigen::Vector2f& at : atlas.uv) {
    EXPECT_GT(at.minCoeff(), 2);
    EXPECT_LT(at.maxCoeff(), kSize - 2);
  }
}

TEST(MakeAtlas, OfASphereHasTexelsOnTheSphereEachOnce) {
  const Mesh sphere = SphereMesh(1, 24, 48);
  const Atlas atlas = MakeAtlas(sphere, kSize, 2, {});
  EXPECT_EQ(atlas.mesh.num_faces(), sphere.num_faces());
  EXPECT_GT(atlas.num_charts, 3);
  EXPECT_LT(atlas.num_charts, 60);
  EXPECT_NEAR(AreaOf(atlas.mesh), AreaOf(sphere), 1e-6);
  const std::vector<Texel> texels = TexelsOf(atlas);
  EXPECT_GT(texels.size(), 0.3 * kSize * kSize);
  std::set<int32_t> pixels;
  for (const Texel& texel : texels) {
    EXPECT_TRUE(pixels.insert(texel.pixel).second);
    EXPECT_NEAR(texel.place.norm(), 1, 0.02);
    EXPECT_GT(texel.normal.dot(texel.place), 0.95f);
  }
  // What is flat on the sphere's charts covers its area: no chart lies on another.
  const double unit = 1 / (atlas.pixels_per_unit * atlas.pixels_per_unit);
  EXPECT_GT(unit * static_cast<double>(texels.size()), 0.6 * AreaOf(sphere));
}

TEST(MakeAtlas, OfNothingAndOfCrumbsIsInOrder) {
  EXPECT_TRUE(MakeAtlas(Mesh(), kSize, 2, {}).mesh.faces.empty());
  Mesh crumbs;
  for (int i = 0; i < 2000; ++i) {
    const float x = static_cast<float>(i);
    const int first = crumbs.num_vertices();
    crumbs.vertices.insert(crumbs.vertices.end(), {{x, 0, 0}, {x + 0.5f, 0, 0}, {x, 0.5f, 0}});
    crumbs.faces.push_back({first, first + 1, first + 2});
  }
  const Atlas atlas = MakeAtlas(crumbs, 64, 2, {});
  EXPECT_EQ(atlas.mesh.num_faces(), 2000);
  for (const Eigen::Vector2f& at : atlas.uv) {
    EXPECT_GE(at.minCoeff(), 0);
    EXPECT_LE(at.maxCoeff(), atlas.size);
  }
}

// Photos of a sphere from all sides come back as its texture, and the texture as its picture.
// A curtain that closes a thing may fall along itself.
TEST(MakeAtlas, FacesWithoutAreaSpoilNoOthers) {
  Mesh box = BoxMesh({0, 0, 0}, {1, 2, 3});
  box.faces.insert(box.faces.begin(), {0, 0, 1});
  box.vertices.push_back({5, 5, 5});
  box.faces.push_back({8, 8, 8});
  const Atlas atlas = MakeAtlas(box, kSize, 2, {});
  ASSERT_EQ(atlas.mesh.num_faces(), 14);
  for (const Eigen::Vector2f& at : atlas.uv) {
    EXPECT_TRUE(at.allFinite());
    EXPECT_GE(at.minCoeff(), 0);
    EXPECT_LE(at.maxCoeff(), kSize);
  }
}

TEST(TextureMesh, ShowsWhatPhotosShowed) {
  const Mesh sphere = SphereMesh(1, 48, 96);
  const MeshRays rays(sphere);
  std::vector<DepthView> depths;
  std::vector<ColorView> views;
  depths.reserve(6);
  for (const Vec3& eye : {Vec3(4, 0, 0), Vec3(-4, 0, 0), Vec3(0, 4, 0), Vec3(0, -4, 0), Vec3(0, 0, 4)}) {
    const Camera camera = PinholeCamera(200, 200, 0.6);
    const Pose pose = LookAt(eye, Vec3::Zero(), {0.1, 0.2, 1});
    const MeshPicture picture = Picture(sphere, rays, camera, pose);
    depths.push_back({.view = 0, .camera = camera, .world_from_camera = pose, .depth = picture.depth});
    const auto image = std::make_shared<const ImageU8>(ToU8(picture.rgb));
    views.push_back({.depth = &depths.back(), .camera = camera, .image = [image] { return image; }});
  }
  Mesh simple = Simplified(sphere, 1500);
  for (auto& color : simple.colors) color = {0, 255, 0};  // where no photo looks
  const TexturedMesh textured = TextureMesh(simple, kSize, views, rays, 0.03, {});
  EXPECT_GT(textured.from_photos, 0.85);
  EXPECT_LT(textured.from_photos, 1);
  ASSERT_EQ(textured.uv.size(), textured.mesh.vertices.size());
  const MeshRays simple_rays(textured.mesh);
  const MeshSkin skin{.uv = textured.uv, .texture = textured.texture};
  const Camera camera = PinholeCamera(100, 100, 0.6);
  const Pose pose = LookAt({2.4, -2.4, 2}, Vec3::Zero(), {0, 0, 1});
  const MeshPicture picture = Picture(textured.mesh, simple_rays, camera, pose, {0, 0, 0}, &skin),
                    truth = Picture(sphere, rays, camera, pose, {0, 0, 0});
  double sum = 0;
  int count = 0;
  for (size_t i = 0; i < truth.depth.data.size(); ++i) {
    if (truth.depth.data[i] <= 0 || picture.depth.data[i] <= 0) continue;
    for (int k = 0; k < 3; ++k) sum += std::abs(truth.rgb.data[3 * i + k] - picture.rgb.data[3 * i + k]);
    count += 3;
  }
  EXPECT_LT(sum / count, 0.02);
  // From below nobody has looked.
  const Pose below = LookAt({0, 0.1, -4}, Vec3::Zero(), {1, 0, 0});
  EXPECT_GT(Picture(textured.mesh, simple_rays, camera, below, {0, 0, 0}, &skin).rgb.At(50, 50, 1), 0.95f);
}

}  // namespace
}  // namespace semfield
