#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "semfield/field/radiance_field.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {

// The synthetic scene itself as a radiance field: one sample of weight 1 where a ray hits, at the exact
// distance.
class AnalyticField : public RadianceField {
 public:
  explicit AnalyticField(const SyntheticOptions& options) : scene(options) {
    const Box3 bounds = scene.Bounds();
    for (int k = 0; k < 3; ++k) map_.center[k] = static_cast<float>(bounds.Center()[k]);
    map_.half_extent = static_cast<float>(0.51 * bounds.Extent().maxCoeff());
  }

  const SceneMap& scene_map() const override { return map_; }

  int latent_width() const override { return 16; }

  RenderedView Render(const Camera& camera, const Pose& pose, const RenderRequest& request,
                      const StopToken* = nullptr) const override {
    RenderedView view;
    view.rgb = ImageF(camera.width, camera.height, 3);
    view.depth = view.opacity = ImageF(camera.width, camera.height, 1);
    const std::vector<Ray> rays = MakeRays(camera, pose);
    for (size_t r = 0; r < rays.size(); ++r) {
      const SyntheticHit hit = Trace(rays[r], request.gaps, r);
      for (int k = 0; k < 3; ++k) view.rgb.data[3 * r + k] = hit.hit ? hit.rgb[k] : request.background[k];
      view.depth.data[r] = hit.hit ? hit.distance * rays[r].z_scale : 0;
      view.opacity.data[r] = hit.hit ? 1 : 0;
    }
    return view;
  }

  RaySamples Weights(std::span<const Ray> rays, const WeightRequest& request,
                     const StopToken* = nullptr) const override {
    RaySamples samples;
    samples.ray_begin.push_back(0);
    for (size_t r = 0; r < rays.size(); ++r) {
      const Ray& ray = rays[r];
      const SyntheticHit hit = Trace(ray, request.gaps, r);
      if (hit.hit) {
        float p[3], u[3];
        for (int k = 0; k < 3; ++k) p[k] = ray.origin[k] + hit.distance * ray.direction[k];
        map_.UnitFromWorld(p, u);
        samples.x.push_back(u[0]);
        samples.y.push_back(u[1]);
        samples.z.push_back(u[2]);
        samples.weight.push_back(1);
      }
      samples.ray_begin.push_back(static_cast<int32_t>(samples.x.size()));
      samples.distance.push_back(hit.hit ? hit.distance : 0);
      samples.opacity.push_back(hit.hit ? 1 : 0);
      for (int k = 0; request.rgb && k < 3; ++k) samples.rgb.push_back(hit.rgb[k]);
      for (int k = 0; request.latent && k < 16; ++k) samples.latent.push_back(hit.distance + k);
    }
    return samples;
  }

  // Surfaces have no volume.
  void Density(std::span<const Vec3>, std::span<float> density, const StopToken* = nullptr) const override {
    std::fill(density.begin(), density.end(), 0.0f);
  }

  SyntheticScene scene;

 private:
  // The first hit that lies in no gap of ray r.
  SyntheticHit Trace(const Ray& ray, const RayGaps* gaps, size_t r) const {
    SyntheticHit hit = scene.Trace(ray);
    for (int32_t i = gaps != nullptr ? gaps->begin[r] : 0; hit.hit && i < (gaps ? gaps->begin[r + 1] : 0);
         ++i) {
      if (hit.distance < gaps->from[i] || hit.distance >= gaps->to[i]) continue;
      Ray behind = ray;
      for (int k = 0; k < 3; ++k) behind.origin[k] += gaps->to[i] * ray.direction[k];
      hit = scene.Trace(behind);
      hit.distance += gaps->to[i];
    }
    return hit;
  }

  SceneMap map_;
};

}  // namespace semfield
