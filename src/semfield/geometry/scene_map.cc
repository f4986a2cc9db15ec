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

float SceneMap::WorldPerUnit(const float p[3]) const {
  if (!contracted) return 2 * half_extent;
  float q[3];
  return 4 * half_extent * std::max(1.0f, Normalised(*this, p, q));
}

}  // namespace semfield
