#include "semfield/evaluation/surface_score.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/random.h"
#include "semfield/surface/mesh_rays.h"
#include "semfield/surface/mesh_test_util.h"

namespace semfield {
namespace {

TEST(PointGrid, FindsTheNearestAsASearchThroughAllDoes) {
  Random random(3);
  std::vector<Vec3f> points(500);
  for (Vec3f& p : points) p = {random.Uniform(-1, 1), random.Uniform(-1, 1), random.Uniform(-1, 1)};
  const double radius = 0.3;
  const PointGrid grid(points, radius);
  for (int i = 0; i < 300; ++i) {
    const Vec3f to(random.Uniform(-1.5f, 1.5f), random.Uniform(-1.5f, 1.5f), random.Uniform(-1.5f, 1.5f));
    double nearest = radius;
    for (const Vec3f& p : points) nearest = std::min<double>(nearest, (p - to).norm());
    EXPECT_NEAR(grid.NearestWithin(to), nearest, 1e-6);
  }
  EXPECT_EQ(PointGrid({}, 2).NearestWithin({0, 0, 0}), 2);
}

TEST(SampleSurface, SpreadsByArea) {
  Mesh mesh = BoxMesh({0, 0, 0}, {1, 1, 1});
  Append(BoxMesh({10, 0, 0}, {12, 2, 2}), &mesh);  // four times the area
  const std::vector<Vec3f> points = SampleSurface(mesh, 10000, 1);
  ASSERT_EQ(points.size(), 10000u);
  const auto far = std::count_if(points.begin(), points.end(), [](const Vec3f& p) { return p.x() > 5; });
  EXPECT_NEAR(static_cast<double>(far), 8000, 10);
  EXPECT_TRUE(SampleSurface(Mesh(), 10, 1).empty());
}

// A wall that cameras look at from one side.
struct Wall {
  Wall() : truth(BoxMesh({-1, -0.5, -1}, {1, 0, 1})) {
    const MeshRays rays(truth);
    for (const double x : {-0.3, 0.0, 0.3}) {
      const Camera camera = PinholeCamera(200, 200, 1.2);
      const Pose pose = LookAt({x, 3, 0}, {x, 0, 0}, {0, 0, 1});
      views.push_back({.view = 0,
                       .camera = camera,
                       .world_from_camera = pose,
                       .depth = Picture(truth, rays, camera, pose).depth});
    }
  }
  Mesh truth;
  std::vector<DepthView> views;
};

const std::vector<double> kDistances = {0.02, 0.05, 0.10};

TEST(ScoreSurface, OfTheTruthItselfIsOne) {
  const Wall wall;
  const SurfaceScore score = ScoreSurface(wall.truth, wall.truth, wall.views, kDistances, 0.01, 40000);
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_GT(score.f[i], 0.999);
    EXPECT_GT(score.recall[i], 0.999);
  }
  EXPECT_LT(score.judged_share, 0.7);  // the far side cannot be seen
}

TEST(ScoreSurface, AShiftCountsByItsSizeAndAHalfByItsArea) {
  const Wall wall;
  Mat4 shift = Mat4::Identity();
  shift(1, 3) = 0.07;
  const SurfaceScore before =
      ScoreSurface(Transformed(wall.truth, shift), wall.truth, wall.views, kDistances, 0.01, 40000);
  EXPECT_LT(before.f[1], 0.2);  // the sides of the box still touch
  EXPECT_GT(before.f[2], 0.99);
  // Half of the wall: right as far as it goes, and half of what is asked for.
  const SurfaceScore half =
      ScoreSurface(BoxMesh({-1, -0.5, -1}, {0, 0, 1}), wall.truth, wall.views, kDistances, 0.01, 40000);
  EXPECT_NEAR(half.recall[1], 0.5, 0.03);
  EXPECT_GT(half.precision[1], 0.95);
  // What floats before the wall is wrong; what is behind it is not judged.
  Mesh floats = wall.truth, behind = wall.truth;
  Append(BoxMesh({-0.5, 0.99, -0.5}, {0.5, 1, 0.5}), &floats);
  Append(BoxMesh({-0.5, -2.1, -0.5}, {0.5, -2, 0.5}), &behind);
  EXPECT_LT(ScoreSurface(floats, wall.truth, wall.views, kDistances, 0.01, 40000).precision[2], 0.8);
  EXPECT_GT(ScoreSurface(behind, wall.truth, wall.views, kDistances, 0.01, 40000).precision[2], 0.99);
  EXPECT_EQ(ScoreSurface(Mesh(), wall.truth, wall.views, kDistances, 0.01, 1000).f[2], 0);
}

}  // namespace
}  // namespace semfield
