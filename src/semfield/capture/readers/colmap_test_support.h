#pragma once

#include <string>

#include "semfield/capture/readers/colmap_camera.h"
#include "semfield/capture/readers/colmap_model.h"
#include "semfield/capture/test_support.h"

namespace semfield::testing_support {

inline constexpr int kCircleViews = 12;

inline std::string CircleName(int i) {
  return fmt::format("cam{}/p {:02}.png", i / 6, i);
}

// Twelve views on a circle in two sub-folders, all of one OPENCV camera, that see the same 27 points around
// the origin without error. Ids have gaps and images stand in reverse order.
inline ColmapModel CircleModel() {
  ColmapModel model;
  model.cameras[4] = {"OPENCV", 64, 48, {60, 61, 32.5, 24.5, 0.01, -0.02, 0.002, -0.001}};
  std::string note;
  const Camera camera = CameraFromColmap(model.cameras[4], "", &note);
  uint64_t id = 100;
  for (int x = -1; x <= 1; ++x) {
    for (int y = -1; y <= 1; ++y) {
      for (int z = -1; z <= 1; ++z) {
        const auto shade = static_cast<uint8_t>(id);
        model.points[id++] = {0.5 * Vec3(x, y, z), {shade, 20, 30}, 0.25};
      }
    }
  }
  for (int i = kCircleViews - 1; i >= 0; --i) {
    ColmapImage image;
    image.id = static_cast<uint32_t>(3 * i + 1);
    image.name = CircleName(i);
    image.camera_id = 4;
    image.camera_from_world = CirclePose(i, kCircleViews).Inverse();
    for (const auto& [point_id, point] : model.points) {
      const auto pixel = camera.Project(image.camera_from_world * point.position);
      if (pixel) image.keypoints.push_back({pixel->x(), pixel->y(), point_id});
    }
    model.images.push_back(std::move(image));
  }
  return model;
}

// Appends the bytes of numbers.
template <class... Numbers>
void Put(std::string* bytes, Numbers... numbers) {
  (bytes->append(reinterpret_cast<const char*>(&numbers), sizeof numbers), ...);
}

}  // namespace semfield::testing_support
