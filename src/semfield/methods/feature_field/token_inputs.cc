#include "semfield/methods/feature_field/token_inputs.h"

#include <algorithm>

#include "semfield/base/check.h"
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
  ops::SphericalHarmonics(xyz.data(), xyz.data() + n, xyz.data() + 2 * n, static_cast<int>(n),
                          extras.data() + at, n);
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

constexpr int kGeometryRows = 16;

// Composited features begin near zero, so colours of full range would drown them.
constexpr float kPixelScale = 0.1f;

// The rendered picture at token_pixels pixels a token side, one row for each place within a token and colour.
struct PixelRequest {
  const Camera& square;
  const Pose& world_from_camera;
  int grid, side;
  const StopToken* stop;
};

std::vector<float> TokenPixels(const RadianceField& field, const PixelRequest& request) {
  const auto& [square, world_from_camera, grid, side, stop] = request;
  const RenderRequest black = {.rgb = true, .normals = false, .background = {0, 0, 0}, .fine = false};
  const ImageF picture =
      field.Render(square.Resized(grid * side, grid * side), world_from_camera, black, stop).rgb;
  std::vector<float> rows;
  rows.reserve(static_cast<size_t>(3) * side * side * grid * grid);
  for (int place = 0; place < side * side; ++place) {
    for (int k = 0; k < 3; ++k) {
      for (int token = 0; token < grid * grid; ++token) {
        const int x = token % grid * side + place % side, y = token / grid * side + place / side;
        rows.push_back(kPixelScale * (picture.At(x, y, k) - 0.5f));
      }
    }
  }
  return rows;
}

// side x side rays through every token, all of a token before the next one's.
std::vector<Ray> TokenMajorRays(const Camera& square, const Pose& world_from_camera, int grid, int side) {
  std::vector<Ray> rays = MakeRays(square.Resized(grid * side, grid * side), world_from_camera);
  if (side == 1) return rays;
  std::vector<Ray> sorted;
  sorted.reserve(rays.size());
  for (int token = 0; token < grid * grid; ++token) {
    for (int place = 0; place < side * side; ++place) {
      const int x = token % grid * side + place % side, y = token / grid * side + place / side;
      sorted.push_back(rays[static_cast<size_t>(y) * grid * side + x]);
    }
  }
  return sorted;
}

// Every `count` rays become one whose samples are theirs, each at 1 / count of its weight, and whose rendered
// quantities are their means; the distance that of those that hit something.
void JoinRays(int count, RaySamples* samples) {
  const size_t joined = (samples->ray_begin.size() - 1) / count;
  for (size_t r = 0; r <= joined; ++r) samples->ray_begin[r] = samples->ray_begin[r * count];
  samples->ray_begin.resize(joined + 1);
  samples->ray_begin.shrink_to_fit();
  for (float& weight : samples->weight) weight /= static_cast<float>(count);
  const auto mean = [&](std::vector<float>& values) {
    if (values.empty()) return;
    const size_t channels = values.size() / (joined * count);
    for (size_t r = 0; r < joined; ++r) {
      for (size_t k = 0; k < channels; ++k) {
        float sum = 0;
        for (int i = 0; i < count; ++i) sum += values[(r * count + i) * channels + k];
        values[r * channels + k] = sum / static_cast<float>(count);
      }
    }
    values.resize(joined * channels);
  };
  for (std::vector<float>* values : {&samples->opacity, &samples->rgb, &samples->latent}) mean(*values);
  // A ray that hits nothing has no distance: it says nothing of how far the others' surface is.
  for (size_t r = 0; r < joined; ++r) {
    float sum = 0;
    int hits = 0;
    for (int i = 0; i < count; ++i) {
      const float distance = samples->distance[r * count + i];
      sum += distance;
      hits += distance > 0;
    }
    samples->distance[r] = hits > 0 ? sum / static_cast<float>(hits) : 0;
  }
  samples->distance.resize(joined);
}

}  // namespace

int NumPixelRows(const FeatureOptions& options) {
  return 3 * options.token_pixels * options.token_pixels;
}

int NumExtraRows(const FeatureOptions& options) {
  return kGeometryRows * Wants(options, "geometry") + 16 * Wants(options, "direction") +
         3 * Wants(options, "color") + Wants(options, "depth") + 5 * Wants(options, "position");
}

TokenInputs MakeTokenInputs(const RadianceField& field, const Camera& square, const Pose& world_from_camera,
                            int grid, const FeatureOptions& options, const StopToken* stop) {
  const int side = options.token_rays;
  const std::vector<Ray> rays = TokenMajorRays(square, world_from_camera, grid, side);
  TokenInputs inputs;
  inputs.num_tokens = grid * grid;
  inputs.samples = field.Weights(rays,
                                 {.min_weight = static_cast<float>(options.min_weight),
                                  .rgb = Wants(options, "color"),
                                  .latent = Wants(options, "geometry")},
                                 stop);
  if (options.token_pixels > 0) {
    inputs.pixels = TokenPixels(field, {square, world_from_camera, grid, options.token_pixels, stop});
  }
  if (side > 1) JoinRays(side * side, &inputs.samples);
  const std::vector<Ray> middles = side > 1 ? MakeRays(square.Resized(grid, grid), world_from_camera) : rays;
  const size_t n = middles.size();
  const auto transpose = [&](const std::vector<float>& values, int channels) {
    for (int k = 0; k < channels; ++k) {
      for (size_t r = 0; r < n; ++r) inputs.extras.push_back(values[r * channels + k]);
    }
  };
  if (Wants(options, "geometry")) {
    SF_CHECK_EQ(field.latent_width(), kGeometryRows);
    transpose(inputs.samples.latent, kGeometryRows);
  }
  if (Wants(options, "direction")) AddDirections(middles, inputs.extras);
  if (Wants(options, "color")) transpose(inputs.samples.rgb, 3);
  if (Wants(options, "depth")) {
    const float unit = field.scene_map().half_extent;
    for (size_t r = 0; r < n; ++r) {
      const float t = inputs.samples.distance[r] * middles[r].z_scale / unit;
      inputs.extras.push_back(t / (1 + t));
    }
  }
  if (Wants(options, "position")) AddPositions(grid, inputs.extras);
  inputs.samples.rgb = {};
  inputs.samples.latent = {};
  return inputs;
}

}  // namespace semfield
