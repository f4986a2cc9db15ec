#include "semfield/geometry/rays.h"

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/geometry/distortion.h"

namespace semfield {
namespace {

Ray WorldRay(const Vec3& direction_in_camera, const Pose& world_from_camera) {
  const Vec3 direction = (world_from_camera.rotation * direction_in_camera).normalized();
  Ray ray;
  for (int i = 0; i < 3; ++i) {
    ray.origin[i] = static_cast<float>(world_from_camera.translation[i]);
    ray.direction[i] = static_cast<float>(direction[i]);
  }
  ray.z_scale = static_cast<float>(direction_in_camera.z());
  return ray;
}

}  // namespace

Ray MakeRay(const Camera& camera, const Pose& world_from_camera, const Vec2& pixel) {
  return WorldRay(camera.DirectionAt(pixel), world_from_camera);
}

std::vector<Ray> MakeRays(const Camera& camera, const Pose& world_from_camera) {
  SF_CHECK_GE(camera.width, 0);
  SF_CHECK_GE(camera.height, 0);
  std::vector<Ray> rays(static_cast<size_t>(camera.width) * camera.height);
  const Distortion distortion(camera);
  constexpr int kRowsPerTask = 16;
  ParallelChunks(camera.height, kRowsPerTask, [&](int64_t begin, int64_t end, int) {
    for (int64_t y = begin; y < end; ++y) {
      Ray* row = rays.data() + y * camera.width;
      const double v = (y + 0.5 - camera.cy) / camera.fy;
      for (int x = 0; x < camera.width; ++x) {
        row[x] =
            WorldRay(distortion.Undistorted(Vec2((x + 0.5 - camera.cx) / camera.fx, v)), world_from_camera);
      }
    }
  });
  return rays;
}

}  // namespace semfield
