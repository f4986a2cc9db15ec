#include "semfield/geometry/rays.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "semfield/base/parallel.h"

namespace semfield {
namespace {

Camera SmallCamera(CameraModel model) {
  Camera camera;
  camera.model = model;
  camera.width = 37;
  camera.height = 53;
  camera.fx = 40;
  camera.fy = 41;
  camera.cx = 17;
  camera.cy = 27.5;
  camera.k1 = 0.05;
  camera.p1 = model == CameraModel::kOpenCv ? 0.001 : 0;
  return camera;
}

TEST(MakeRays, AreTheRaysOfPixelCenters) {
  const Pose pose = LookAt(Vec3(1, 2, 3), Vec3(0, 0.5, 0), Vec3(0, 0, 1));
  for (const CameraModel model : {CameraModel::kOpenCv, CameraModel::kFisheye}) {
    const Camera camera = SmallCamera(model);
    const std::vector<Ray> rays = MakeRays(camera, pose);
    ASSERT_EQ(rays.size(), 37u * 53u);
    for (int y = 0; y < camera.height; ++y) {
      for (int x = 0; x < camera.width; ++x) {
        const Ray expected = MakeRay(camera, pose, Vec2(x + 0.5, y + 0.5));
        const Ray& ray = rays[y * camera.width + x];
        ASSERT_EQ(std::memcmp(&ray, &expected, sizeof(Ray)), 0);
      }
    }
  }
}

TEST(MakeRays, DoNotDependOnTheNumberOfThreads) {
  const Camera camera = SmallCamera(CameraModel::kOpenCv);
  const std::vector<Ray> many = MakeRays(camera, Pose{});
  const ThreadShare serial(1);
  const std::vector<Ray> one = MakeRays(camera, Pose{});
  EXPECT_EQ(std::memcmp(many.data(), one.data(), one.size() * sizeof(Ray)), 0);
}

TEST(MakeRay, DistanceTimesZScaleIsDepth) {
  const Camera camera = SmallCamera(CameraModel::kOpenCv);
  const Pose world_from_camera = LookAt(Vec3(4, -1, 0.5), Vec3(0, 0, 0), Vec3(0, 0, 1));
  const Ray ray = MakeRay(camera, world_from_camera, Vec2(3, 50));
  const Vec3 origin(ray.origin[0], ray.origin[1], ray.origin[2]);
  const Vec3 direction(ray.direction[0], ray.direction[1], ray.direction[2]);
  EXPECT_NEAR(direction.norm(), 1, 1e-6);
  const double distance = 2.5;
  const Vec3 in_camera = world_from_camera.Inverse() * Vec3(origin + distance * direction);
  EXPECT_NEAR(in_camera.z(), distance * ray.z_scale, 1e-5);
  const auto pixel = camera.Project(in_camera);
  ASSERT_TRUE(pixel.has_value());
  EXPECT_NEAR((*pixel - Vec2(3, 50)).norm(), 0, 1e-4);
}

}  // namespace
}  // namespace semfield
