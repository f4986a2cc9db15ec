#include "semfield/methods/radiance/training/depth_losses.h"

#include <algorithm>
#include <cmath>

namespace semfield {
namespace {

constexpr float kStraight = 0.01f;  // a bend below this share of the inverse depth hardly costs

// Rays of the tile, columns of theirs, and what they came from.
struct Tile {
  const TilePass& pass;
  const RayBatch& batch;
  const float* distance;

  int begin(int r) const { return pass.begin()[r]; }
  int end(int r) const { return pass.begin()[r + 1]; }
  float z_scale(int r) const { return batch.rays[pass.first_ray() + r].z_scale; }

  float InverseDepth(int r) const {
    float sum = 0;
    for (int c = begin(r); c < end(r); ++c) sum += pass.weight()[c] / distance[c];
    return sum / z_scale(r);
  }
};

double AddBend(const Tile& tile, int first, float scale, float* d_weight) {
  float u[3], mean = 0;
  for (int k = 0; k < 3; ++k) {
    u[k] = tile.InverseDepth(first + k);
    mean += u[k] / 3;
  }
  if (!(mean > 0)) return 0;
  const float bend = (u[0] - 2 * u[1] + u[2]) / mean;
  const float root = std::sqrt(bend * bend + kStraight * kStraight);
  for (int k = 0; k < 3; ++k) {
    const int r = first + k;
    const float d_u = scale * bend / root / mean * (k == 1 ? -2.0f : 1.0f);
    const float d = d_u / tile.z_scale(r);
    for (int c = tile.begin(r); c < tile.end(r); ++c) d_weight[c] += d / tile.distance[c];
  }
  return scale * root;
}

double AddKnown(const Tile& tile, int r, float scale, const DepthLossGradients& gradients) {
  const float depth = tile.batch.depth[tile.pass.first_ray() + r];
  if (!(depth > 0)) return 0;
  const float inverse = tile.z_scale(r) / depth;  // of the distance
  double loss = scale * tile.pass.final_transmittance()[r];
  for (int c = tile.begin(r); c < tile.end(r); ++c) {
    const float off = scale * std::min(1.0f, std::abs(tile.distance[c] * inverse - 1));
    gradients.d_weight[c] += off;
    loss += off * tile.pass.weight()[c];
  }
  gradients.d_final_transmittance[r] += scale;
  return loss;
}

double AddNearness(const Tile& tile, float length_scale, float scale, float* d_weight) {
  double loss = 0;
  for (int c = 0; c < tile.pass.columns(); ++c) {
    const float near = scale / (1 + tile.distance[c] * length_scale);
    d_weight[c] += near;
    loss += near * tile.pass.weight()[c];
  }
  return loss;
}

}  // namespace

double AddDepthLosses(const TilePass& pass, const RayBatch& batch, const float* distance,
                      const DepthLossScales& scales, const DepthLossGradients& gradients) {
  std::fill_n(gradients.d_weight, pass.columns(), 0.0f);
  const Tile tile{pass, batch, distance};
  double loss = 0;
  if (scales.near > 0) loss += AddNearness(tile, scales.length_scale, scales.near, gradients.d_weight);
  for (int r = 0; r < pass.num_rays(); ++r) {
    const size_t ray = static_cast<size_t>(pass.first_ray()) + static_cast<size_t>(r);
    const bool begins_trio = ray % 3 == 0 && ray / 3 < batch.plainness.size() && r + 2 < pass.num_rays();
    if (scales.plane > 0 && begins_trio && batch.plainness[ray / 3] > 0)
      loss += AddBend(tile, r, scales.plane * batch.plainness[ray / 3], gradients.d_weight);
    if (scales.known > 0 && !batch.depth.empty()) loss += AddKnown(tile, r, scales.known, gradients);
  }
  return loss;
}

}  // namespace semfield
