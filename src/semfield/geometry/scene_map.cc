#include "semfield/geometry/scene_map.h"

#include <algorithm>
#include <cmath>

namespace semfield {
namespace {

// Far beyond every scene and still safe to square in float.
constexpr float kFarthest = 1e18f;

// q = (p - center) / half_extent, and the L-infinity norm of it.
float Normalised(const SceneMap& map, const float p[3], float q[3]) {
  const float scale = 1.0f / map.half_extent;
  float norm = 0;
  for (int i = 0; i < 3; ++i) {
    q[i] = std::clamp((p[i] - map.center[i]) * scale, -kFarthest, kFarthest);
    norm = std::max(norm, std::abs(q[i]));
  }
  return norm;
}

}  // namespace

void SceneMap::UnitFromWorld(const float p[3], float u[3]) const {
  float q[3];
  const float norm = Normalised(*this, p, q);
  if (!contracted) {
    for (int i = 0; i < 3; ++i) u[i] = q[i] * 0.5f + 0.5f;
    return;
  }
  if (norm > 1) {
    // q / norm first: its largest component is exactly +-1, so that u cannot leave [0, 1] by rounding.
    const float inverse = 1.0f / norm;
    const float reach = 2.0f - inverse;
    for (int i = 0; i < 3; ++i) q[i] = q[i] / norm * reach;
  }
  for (int i = 0; i < 3; ++i) u[i] = (q[i] + 2.0f) * 0.25f;
}

void SceneMap::PullBack(const float p[3], const float d_u[3], float d_p[3]) const {
  float q[3];
  const float norm = Normalised(*this, p, q);
  const float scale = (contracted ? 0.25f : 0.5f) / half_extent;
  if (!contracted || norm <= 1) {
    for (int i = 0; i < 3; ++i) d_p[i] = scale * d_u[i];
    return;
  }
  // q' = q g(m), g = 2/m - 1/m^2, and m = |q_k| of the largest k: dq'_i/dq_j = g delta_ij + q_i g' sign(q_k)
  // delta_jk.
  const float inverse = 1.0f / norm;
  const float g = (2.0f - inverse) * inverse;
  const float m_slope = 2.0f * (inverse - 1.0f) * inverse;  // m g'(m); of q_i remains q_i / m
  int largest = 0;
  for (int i = 1; i < 3; ++i) {
    if (std::abs(q[i]) > std::abs(q[largest])) largest = i;
  }
  float along = 0;
  for (int i = 0; i < 3; ++i) along += d_u[i] * (q[i] * inverse);
  for (int i = 0; i < 3; ++i) d_p[i] = scale * g * d_u[i];
  d_p[largest] += (q[largest] > 0 ? scale : -scale) * m_slope * along;
}

}  // namespace semfield
