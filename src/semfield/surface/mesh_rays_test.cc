#include "semfield/surface/mesh_rays.h"

#include <gtest/gtest.h>

#include "semfield/surface/mesh_test_util.h"

namespace semfield {
namespace {

TEST(MeshRays, MeetABoxWhereItIs) {
  const Mesh box = BoxMesh({-1, -1, -1}, {1, 1, 1});
  const MeshRays rays(box);
  const auto hit = rays.Cast({0.3f, 0.2f, 5}, {0, 0, -2});
  ASSERT_TRUE(hit);
  EXPECT_NEAR(hit->distance, 2, 1e-6);
  EXPECT_TRUE(hit->is_front);
  const auto& [a, b, c] = box.faces[hit->face];
  const Vec3f point =
      (1 - hit->u - hit->v) * box.vertices[a] + hit->u * box.vertices[b] + hit->v * box.vertices[c];
  EXPECT_LT((point - Vec3f(0.3f, 0.2f, 1)).norm(), 1e-5);
  EXPECT_FALSE(rays.Cast({0, 0, 5}, {0, 0, 1}));
  EXPECT_FALSE(rays.Cast({0, 0, 5}, {0, 0, -1}, 3.9f));
  const auto from_inside = rays.Cast({0.1f, 0.2f, 0}, {1, 0, 0});
  ASSERT_TRUE(from_inside);
  EXPECT_FALSE(from_inside->is_front);
}

TEST(MeshRays, KnowWhatIsInTheWay) {
  const Mesh box = BoxMesh({-1, -1, -1}, {1, 1, 1});
  const MeshRays rays(box);
  EXPECT_FALSE(rays.IsFree({-3, 0.1f, 0}, {3, 0.1f, 0}, 0.01f));
  EXPECT_TRUE(rays.IsFree({-3, 0.1f, 2}, {3, 0.1f, 2}, 0.01f));
  // A point of the surface itself is not in its own way.
  EXPECT_TRUE(rays.IsFree({0, 0, 1}, {0, 0, 5}, 0.01f));
  EXPECT_FALSE(rays.IsFree({0, 0, -1}, {0, 0, 5}, 0.01f));
}

TEST(MeshRays, OfNothingMeetNothing) {
  const Mesh nothing;
  const MeshRays rays(nothing);
  EXPECT_FALSE(rays.Cast({0, 0, 0}, {0, 0, 1}));
  EXPECT_TRUE(rays.IsFree({0, 0, 0}, {0, 0, 1}, 0));
}

TEST(Picture, ShowsDepthAndColorsOfASphere) {
  const Mesh sphere = SphereMesh(1, 64, 128);
  const MeshRays rays(sphere);
  const Camera camera = PinholeCamera(65, 65, 0.8);
  const Pose pose = LookAt({0, -4, 0}, Vec3::Zero(), {0, 0, 1});
  const MeshPicture picture = Picture(sphere, rays, camera, pose, {0, 0, 1});
  EXPECT_NEAR(picture.depth.At(32, 32), 3, 0.01);
  EXPECT_EQ(picture.depth.At(0, 0), 0);
  EXPECT_NEAR(picture.rgb.At(32, 32, 1), 0, 0.02);  // y = -1
  EXPECT_NEAR(picture.rgb.At(32, 32, 0), 0.5, 0.03);
  EXPECT_EQ(picture.rgb.At(0, 0, 2), 1);
  // To the right is +x, upwards +z.
  EXPECT_GT(picture.rgb.At(40, 32, 0), picture.rgb.At(24, 32, 0) + 0.1f);
  EXPECT_GT(picture.rgb.At(32, 24, 2), picture.rgb.At(32, 40, 2) + 0.1f);
}

}  // namespace
}  // namespace semfield
