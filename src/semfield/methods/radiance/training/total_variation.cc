#include "semfield/methods/radiance/training/total_variation.h"

#include <algorithm>
#include <cmath>

namespace semfield {

void AddTotalVariation(const ops::HashGridLayout& layout, int level, const ops::GridPoints& points,
                       int stride, float scale, Parameter* grid) {
  const float* values = grid->values.data();
  float* gradient = grid->gradient.data();
  const ops::HashGridLevel& part = layout.levels[level];
  const auto features = static_cast<size_t>(layout.config.features_per_level);
  const auto cell = [&](float coordinate) {
    const float clamped = coordinate > 0 ? std::min(coordinate, 1.0f) : 0.0f;  // NaN counts as 0
    return static_cast<uint32_t>(std::floor(clamped * part.scale + 0.5f));
  };
  for (int64_t i = 0; i < points.count; i += stride) {
    const uint32_t v[3] = {cell(points.x[i]), cell(points.y[i]), cell(points.z[i])};
    const size_t here = part.offset + features * ops::HashGridEntry(part, v[0], v[1], v[2]);
    for (int axis = 0; axis < 3; ++axis) {
      const size_t there =
          part.offset + features * ops::HashGridEntry(part, v[0] + (axis == 0 ? 1 : 0),
                                                      v[1] + (axis == 1 ? 1 : 0), v[2] + (axis == 2 ? 1 : 0));
      for (size_t f = 0; f < features; ++f) {
        const float pull = 2 * scale * (values[there + f] - values[here + f]);
        gradient[there + f] += pull;
        gradient[here + f] -= pull;
      }
    }
  }
}

}  // namespace semfield
