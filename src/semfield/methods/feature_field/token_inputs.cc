#include "semfield/methods/feature_field/token_inputs.h"

#include <algorithm>

#include "semfield/ops/spherical_harmonics.h"

namespace semfield {
namespace {

bool Wants(const FeatureOptions& options, const char* name) {
  return std::find(options.head_inputs.begin(), options.head_inputs.end(), name) != options.head_inputs.end();
}

void AddDirections(const std::vector<Ray>& rays, std::vector<float>& extras) {
  const size_t n = rays.size();
  std::vector<float> xyz(3 * n);
  for (size_t r = 0; r < n; ++r) {
    for (int k = 0; k < 3; ++k) xyz[k * n + r] = rays[r].direction[k];
  }
  const size_t at = extras.size();
  extras.resize(at + ops::kNumSphericalHarmonics * n);
  ops::SphericalHarmonics(xyz.data(), xyz.data() + n, xyz.data() + 2 * n, static_cast<int>(n), extras.data() + at, n);
}

void AddPositions(int grid, std::vector<float>& extras) {
  const size_t at = extras.size(), n = static_cast<size_t>(grid) * grid;
  extras.resize(at + 5 * n);
  for (int i = 0; i < grid; ++i) {
    for (int j = 0; j < grid; ++j) {
      const float u = 2 * (j + 0.5f) / grid - 1, v = 2 * (i + 0.5f) / grid - 1;
      const float values[5] = {u, v, u * u, v * v, u * v};
      for (int k = 0; k < 5; ++k) extras[at + k * n + i * grid + j] = values[k];
    }
  }
}

}  // namespace

int NumExtraRows(const FeatureOptions& options) {
  return 16 * Wants(options, "geometry") + 16 * Wants(options, "direction") + 3 * Wants(options, "color") +
         Wants(options, "depth") + 5 * Wants(options, "position");
}

TokenInputs MakeTokenInputs(const RadianceField& field, const SquareView& view, const Pose& world_from_camera,
                            int grid, const FeatureOptions& options) {
  const std::vector<Ray> rays = view.TokenRays(world_from_camera, grid);
  TokenInputs inputs;
  inputs.num_tokens = grid * grid;
  inputs.samples = field.Weights(rays, {.min_weight = static_cast<float>(options.min_weight),
                                        .rgb = Wants(options, "color"),
                                        .geometry = Wants(options, "geometry")});
  const size_t n = rays.size();
  const auto transpose = [&](const std::vector<float>& values, int channels) {
    for (int k = 0; k < channels; ++k) {
      for (size_t r = 0; r < n; ++r) inputs.extras.push_back(values[r * channels + k]);
    }
  };
  if (Wants(options, "geometry")) transpose(inputs.samples.geometry, 16);
  if (Wants(options, "direction")) AddDirections(rays, inputs.extras);
  if (Wants(options, "color")) transpose(inputs.samples.rgb, 3);
  if (Wants(options, "depth")) {
    const float unit = field.scene_map().half_extent;
    for (size_t r = 0; r < n; ++r) {
      const float t = inputs.samples.distance[r] * rays[r].z_scale / unit;
      inputs.extras.push_back(t / (1 + t));
    }
  }
  if (Wants(options, "position")) AddPositions(grid, inputs.extras);
  inputs.samples.rgb.clear();
  inputs.samples.geometry.clear();
  return inputs;
}

}  // namespace semfield
