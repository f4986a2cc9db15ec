#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/geometry/rays.h"
#include "semfield/geometry/scene_map.h"
#include "semfield/image/image.h"

namespace semfield {

// What to render; a picture that was not asked for stays empty.
struct RenderOptions {
  bool rgb = true;
  bool normals = false;
  float background[3] = {1, 1, 1};  // behind everything
  // With finer steps than the field was trained with: half as many samples more, for the eye and for figures.
  bool fine = true;
};

struct RenderedView {
  ImageF rgb;      // 3 channels in [0, 1], over the background
  ImageF depth;    // 1 channel: z-depth (world units) where transmittance passes 1/2; 0 where opacity < 1/2
  ImageF opacity;  // 1 channel, 1 - final transmittance
  ImageF normals;  // 3 channels, unit, world axes, towards the camera; 0 where depth is 0
};

// Samples that matter along rays: ray r owns [ray_begin[r], ray_begin[r + 1]).
struct RaySamples {
  std::vector<int32_t> ray_begin;  // [num_rays + 1]
  std::vector<float> x, y, z;      // unit-cube coordinates (SceneMap)
  std::vector<float> weight;       // T_i alpha_i (SAN Eq. 1)
  std::vector<float> distance;  // [num_rays] along the ray where transmittance passes 1/2; 0 if it never does
  std::vector<float> opacity;   // [num_rays]
  std::vector<float> rgb;       // [num_rays, 3] composited colour over black; empty unless asked for
  std::vector<float> geometry;  // [num_rays, 16] composited geometry features; empty unless asked for
};

struct WeightOptions {
  float min_weight = 0.002f;  // lighter samples are dropped
  bool rgb = false;
  bool geometry = false;
};

// A trained scene as every room above sees it. Const calls are thread-safe.
class RadianceField {
 public:
  virtual ~RadianceField() = default;
  virtual const SceneMap& scene_map() const = 0;
  virtual RenderedView Render(const Camera& camera, const Pose& world_from_camera,
                              const RenderOptions& options) const = 0;
  // Compositing weights along rays. No colour is computed unless asked for.
  virtual RaySamples Weights(std::span<const Ray> rays, const WeightOptions& options) const = 0;
};

}  // namespace semfield
