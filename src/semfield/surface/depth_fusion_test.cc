#include "semfield/surface/depth_fusion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "semfield/base/error.h"
#include "semfield/base/test_threads.h"
#include "semfield/surface/surface_test_util.h"

namespace semfield {
namespace {

// Exact depths of a sphere around the origin, from cameras all around it.
std::vector<DepthView> ViewsOfASphere(double radius, int num_views) {
  std::vector<DepthView> views;
  for (int i = 0; i < num_views; ++i) {
    const double height = 1.6 * ((i + 0.5) / num_views) - 0.8, around = 2.4 * i;
    const double across = std::sqrt(1 - height * height);
    const Vec3 eye = 4 * Vec3(across * std::cos(around), across * std::sin(around), height);
    DepthView view{.view = i,
                   .camera = PinholeCamera(160, 120, 0.9),
                   .world_from_camera = LookAt(eye, Vec3::Zero(), Vec3(0, 0, 1)),
                   .depth = ImageF(160, 120, 1)};
    const std::vector<Ray> rays = MakeRays(view.camera, view.world_from_camera);
    for (size_t r = 0; r < rays.size(); ++r) {
      const Vec3 o(rays[r].origin[0], rays[r].origin[1], rays[r].origin[2]),
          d(rays[r].direction[0], rays[r].direction[1], rays[r].direction[2]);
      const double b = o.dot(d), disc = b * b - (o.squaredNorm() - radius * radius);
      if (disc > 0) view.depth.data[r] = static_cast<float>((-b - std::sqrt(disc)) * rays[r].z_scale);
    }
    views.push_back(std::move(view));
  }
  return views;
}

TEST(FuseDepths, OfASphereGivesTheSphere) {
  const std::vector<DepthView> views = ViewsOfASphere(1, 24);
  const double voxel = 0.04;
  const Mesh mesh = FuseDepths(views, {.voxel = voxel, .truncation = 4}, {});
  EXPECT_TRUE(DefectsOf(mesh).None());
  ASSERT_GT(mesh.num_faces(), 1000);
  for (const Vec3f& vertex : mesh.vertices) EXPECT_NEAR(vertex.norm(), 1, 0.5 * voxel);
  int outwards = 0;
  for (int f = 0; f < mesh.num_faces(); ++f) outwards += mesh.Cross(f).dot(mesh.Centroid(f)) > 0;
  EXPECT_GT(outwards, 0.999 * mesh.num_faces());
  // Closed: all of it is seen.
  EXPECT_NEAR(AreaOf(mesh), 4 * std::numbers::pi, 0.03 * 4 * std::numbers::pi);
}

TEST(FuseDepths, OfARoomLiesOnItsSurfaces) {
  const RoomOfDepths room(16);
  const double voxel = VoxelFor(room.depths);
  EXPECT_GT(voxel, 0);
  const Mesh mesh = FuseDepths(room.depths, {}, {});
  EXPECT_TRUE(DefectsOf(mesh).None());
  // A vertex is on the surface where the ray from a camera to it ends there.
  int on = 0, asked = 0;
  for (int v = 0; v < mesh.num_vertices(); v += 37) {
    const Vec3 point = mesh.vertices[v].cast<double>();
    double nearest = 1e9;
    for (const DepthView& view : room.depths) {
      const auto at = view.Project(point);
      if (!at) continue;
      const SyntheticHit hit = room.scene.Trace(MakeRay(view.camera, view.world_from_camera, at->pixel));
      nearest =
          std::min(nearest, std::abs(hit.distance - (point - view.world_from_camera.translation).norm()));
    }
    ++asked;
    on += nearest < 2 * voxel;
  }
  ASSERT_GT(asked, 100);
  EXPECT_GT(on, 0.95 * asked);
}

TEST(FuseDepths, IsTheSameWithAnyNumberOfThreads) {
  const std::vector<DepthView> views = ViewsOfASphere(1, 6);
  const Mesh mesh = FuseDepths(views, {.voxel = 0.1}, {});
  const ScopedThreads one(1);
  const Mesh same = FuseDepths(views, {.voxel = 0.1}, {});
  EXPECT_EQ(mesh.vertices, same.vertices);
  EXPECT_EQ(mesh.faces, same.faces);
}

TEST(FuseDepths, OfNothingIsNothing) {
  const DepthView empty{
      .view = 0, .camera = PinholeCamera(8, 6, 1), .world_from_camera = {}, .depth = ImageF(8, 6, 1)};
  EXPECT_TRUE(FuseDepths(std::vector<DepthView>{empty}, {}, {}).faces.empty());
  EXPECT_EQ(VoxelFor(std::vector<DepthView>{empty}), 2);
}

TEST(FuseDepths, StopsWhenAskedAndSaysWhatDoesNotFit) {
  const std::vector<DepthView> views = ViewsOfASphere(1, 2);
  StopToken stop;
  stop.RequestStop();
  EXPECT_THROW(FuseDepths(views, {.voxel = 0.1}, {.progress = {}, .stop = &stop}), Error);
  try {
    FuseDepths(views, {.voxel = 0.0003, .truncation = 400}, {});
    FAIL() << "too many blocks";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_NE(std::string(error.what()).find("--voxel"), std::string::npos);
  }
}

}  // namespace
}  // namespace semfield
