#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/geometry/rays.h"
#include "semfield/geometry/scene_map.h"
#include "semfield/image/image.h"

namespace semfield {

// Where rays are taken to be empty, as if the scene had no density there: ray r between the distances from[i]
// and to[i] along it, i in [begin[r], begin[r + 1]).
struct RayGaps {
  std::vector<int32_t> begin = {0};  // [num_rays + 1]
  std::vector<float> from, to;
};

// Where rays are looked at, instead of all along them: ray r at the distances t[i], each for the length dt[i]
// of it, i in [begin[r], begin[r + 1]), from near to far. None: the ray is empty.
struct RaySpots {
  std::vector<int32_t> begin = {0};  // [num_rays + 1]
  std::vector<float> t, dt;
};

// What to render; a picture that was not asked for stays empty.
struct RenderRequest {
  bool rgb = true;
  bool normals = false;
  float background[3] = {1, 1, 1};  // behind everything
  // With finer steps than the field was trained with: half as many samples more, for the eye and for figures.
  bool fine = true;
  const RayGaps* gaps = nullptr;  // of all pixels, row-major
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
  std::vector<float> rgb;       // [num_rays, 3] composited color over black; empty unless asked for
  std::vector<float> latent;    // [num_rays, latent_width()], composited like colors; empty unless asked for
};

struct WeightRequest {
  float min_weight = 0.002f;  // lighter samples are dropped
  bool rgb = false;
  bool latent = false;
  const RayGaps* gaps = nullptr;    // of all rays
  const RaySpots* spots = nullptr;  // of all rays, at most 1024 each; nullptr: the field finds its samples
};

// A scene as every room above the methods sees it. Const calls are thread-safe. A call whose `stop` is asked
// to stop throws InterruptedError and leaves nothing behind; nullptr cannot be stopped.
class RadianceField {
 public:
  virtual ~RadianceField() = default;
  // From the world to the unit cube that samples are told in.
  virtual const SceneMap& scene_map() const = 0;
  // The world's box that the field shows: all of a bounded scene, and of an unbounded one
  // (scene_map().contracted) the cube that contraction leaves unwarped.
  virtual Box3 Bounds() const;
  // How many values a sample's latent has: what the field knows of a place beside its density. 0: none.
  virtual int latent_width() const = 0;
  virtual RenderedView Render(const Camera& camera, const Pose& world_from_camera,
                              const RenderRequest& request, const StopToken* stop = nullptr) const = 0;
  // Compositing weights along rays. No color is computed unless asked for.
  virtual RaySamples Weights(std::span<const Ray> rays, const WeightRequest& request,
                             const StopToken* stop = nullptr) const = 0;
  // density[i] >= 0 at points[i] of the world, per world unit, as rays meet it: 0 outside of a bounded scene
  // and where the field knows that there is nothing. points and density have one size.
  virtual void Density(std::span<const Vec3> points, std::span<float> density,
                       const StopToken* stop = nullptr) const = 0;
};

inline Box3 RadianceField::Bounds() const {
  const SceneMap& map = scene_map();
  const Vec3 center(map.center[0], map.center[1], map.center[2]);
  const Vec3 half = Vec3::Constant(map.half_extent);
  return {.min = center - half, .max = center + half};
}

}  // namespace semfield
