#pragma once

// Stand-ins for tests of the feature field.

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "semfield/base/random.h"
#include "semfield/field/radiance_field.h"
#include "semfield/methods/feature_field/teacher_stream.h"
#include "semfield/ops/tile.h"
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

  RenderedView Render(const Camera& camera, const Pose& pose, const RenderOptions& options) const override {
    RenderedView view;
    view.rgb = ImageF(camera.width, camera.height, 3);
    view.depth = view.opacity = ImageF(camera.width, camera.height, 1);
    const std::vector<Ray> rays = MakeRays(camera, pose);
    for (size_t r = 0; r < rays.size(); ++r) {
      const SyntheticHit hit = scene.Trace(rays[r]);
      for (int k = 0; k < 3; ++k) view.rgb.data[3 * r + k] = hit.hit ? hit.rgb[k] : options.background[k];
      view.depth.data[r] = hit.hit ? hit.distance * rays[r].z_scale : 0;
      view.opacity.data[r] = hit.hit ? 1 : 0;
    }
    return view;
  }

  RaySamples Weights(std::span<const Ray> rays, const WeightOptions& options) const override {
    RaySamples samples;
    samples.ray_begin.push_back(0);
    for (const Ray& ray : rays) {
      const SyntheticHit hit = scene.Trace(ray);
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
      for (int k = 0; options.rgb && k < 3; ++k) samples.rgb.push_back(hit.rgb[k]);
      for (int k = 0; options.geometry && k < 16; ++k) samples.geometry.push_back(hit.distance + k);
    }
    return samples;
  }

  SyntheticScene scene;

 private:
  SceneMap map_;
};

// A view whose every token has a few samples around a random point, and a target that is a fixed smooth
// function of the point for every channel.
inline std::shared_ptr<TeacherEntry> RandomEntry(int64_t index, int grid, int channels, int extra_rows,
                                                 int pixel_rows = 0) {
  auto entry = std::make_shared<TeacherEntry>();
  entry->index = index;
  const int tokens = grid * grid;
  TokenInputs& inputs = entry->inputs;
  inputs.num_tokens = tokens;
  Random random(99, static_cast<uint64_t>(index));
  inputs.samples.ray_begin.push_back(0);
  entry->target.resize(static_cast<size_t>(channels) * tokens);
  inputs.extras.resize(static_cast<size_t>(extra_rows) * tokens);
  for (float& extra : inputs.extras) extra = random.Uniform(-1, 1);
  inputs.pixels.resize(static_cast<size_t>(pixel_rows) * tokens);
  for (float& pixel : inputs.pixels) pixel = random.Uniform(-0.5f, 0.5f);
  for (int token = 0; token < tokens; ++token) {
    const float at[3] = {random.Uniform(0.1f, 0.9f), random.Uniform(0.1f, 0.9f), random.Uniform(0.1f, 0.9f)};
    const int samples = static_cast<int>(random.Below(4));
    for (int i = 0; i < samples; ++i) {
      inputs.samples.x.push_back(at[0] + random.Uniform(-0.002f, 0.002f));
      inputs.samples.y.push_back(at[1] + random.Uniform(-0.002f, 0.002f));
      inputs.samples.z.push_back(at[2] + random.Uniform(-0.002f, 0.002f));
      inputs.samples.weight.push_back(1.0f / static_cast<float>(samples));
    }
    inputs.samples.ray_begin.push_back(static_cast<int32_t>(inputs.samples.x.size()));
    for (int channel = 0; channel < channels; ++channel) {
      const float value = samples == 0 ? 0 : std::sin(4 * at[channel % 3] + static_cast<float>(channel));
      entry->target[static_cast<size_t>(channel) * tokens + token] = FloatToHalf(value);
    }
  }
  return entry;
}

}  // namespace semfield
