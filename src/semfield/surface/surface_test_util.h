#pragma once

#include <vector>

#include "semfield/surface/surface_map.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {

// A synthetic room as its exact depths show it, with the instance of every pixel.
struct RoomOfDepths {
  explicit RoomOfDepths(int num_views, int width = 160, int height = 120)
      : options{.views = num_views, .width = width, .height = height}, scene(options) {
    int index = 0;
    for (const auto& [camera, pose] : scene.Cameras()) {
      depths.push_back(Look(camera, pose, index++, &instances.emplace_back(camera.width, camera.height, 1)));
    }
  }

  DepthView Look(const Camera& camera, const Pose& pose, int view, Image<int>* ids) const {
    DepthView depth{.view = view,
                    .camera = camera,
                    .world_from_camera = pose,
                    .depth = ImageF(camera.width, camera.height, 1)};
    const std::vector<Ray> rays = MakeRays(camera, pose);
    for (size_t r = 0; r < rays.size(); ++r) {
      const SyntheticHit hit = scene.Trace(rays[r]);
      depth.depth.data[r] = hit.hit ? hit.distance * rays[r].z_scale : 0;
      ids->data[r] = hit.hit ? hit.instance : 0;
    }
    return depth;
  }

  SyntheticOptions options;
  SyntheticScene scene;
  std::vector<DepthView> depths;
  std::vector<Image<int>> instances;
};

}  // namespace semfield
