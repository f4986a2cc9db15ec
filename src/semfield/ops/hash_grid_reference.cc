#include "semfield/ops/hash_grid_reference.h"

#include <cmath>

namespace semfield::ops::reference {
namespace {

uint64_t EntryOf(const HashGridLevel& level, const uint32_t vertex[3]) {
  if (level.dense) {
    const uint64_t side = level.resolution;
    return vertex[0] + vertex[1] * side + vertex[2] * side * side;
  }
  // Instant NGP Eq. 4.
  return (vertex[0] ^ (vertex[1] * 2654435761u) ^ (vertex[2] * 805459861u)) % level.num_entries;
}

// Calls use(first parameter of the entry, trilinear weight, d weight / d coordinate [3]) for the eight
// corners around a point.
template <class Use>
void ForEachCorner(const HashGridLayout& layout, int level_index, const GridPoints& points, int64_t i,
                   Use use) {
  const HashGridLevel& level = layout.levels[level_index];
  const double point[3] = {points.x[i], points.y[i], points.z[i]};
  uint32_t cell[3];
  double fraction[3], cells_per_unit[3];
  for (int axis = 0; axis < 3; ++axis) {
    const double clamped = point[axis] > 0 ? std::fmin(point[axis], 1.0) : 0.0;  // NaN counts as 0
    const double position = clamped * level.scale + 0.5;
    cell[axis] = static_cast<uint32_t>(std::floor(position));
    fraction[axis] = position - cell[axis];
    cells_per_unit[axis] =
        point[axis] > 0 && point[axis] < 1 ? level.scale : 0;  // a clamped point does not move
  }
  for (uint32_t corner = 0; corner < 8; ++corner) {
    uint32_t vertex[3];
    double weight = 1, slope[3] = {1, 1, 1};
    for (int axis = 0; axis < 3; ++axis) {
      const uint32_t high = (corner >> axis) & 1u;
      vertex[axis] = cell[axis] + high;
      const double share = high != 0 ? fraction[axis] : 1 - fraction[axis];
      weight *= share;
      for (int other = 0; other < 3; ++other) {
        slope[other] *= other != axis ? share : high != 0 ? cells_per_unit[axis] : -cells_per_unit[axis];
      }
    }
    use(level.offset + EntryOf(level, vertex) * layout.config.features_per_level, weight, slope);
  }
}

}  // namespace

void HashGridForward(const HashGridLayout& layout, int level, const double* table, const GridPoints& points,
                     double* out, size_t out_stride) {
  const int features = layout.config.features_per_level;
  for (int64_t i = 0; i < points.count; ++i) {
    for (int f = 0; f < features; ++f) out[f * out_stride + i] = 0;
    ForEachCorner(layout, level, points, i, [&](size_t parameter, double weight, const double*) {
      for (int f = 0; f < features; ++f) out[f * out_stride + i] += weight * table[parameter + f];
    });
  }
}

void HashGridBackward(const HashGridLayout& layout, int level, const GridPoints& points, const double* d_out,
                      size_t d_out_stride, double* gradient) {
  const int features = layout.config.features_per_level;
  for (int64_t i = 0; i < points.count; ++i) {
    ForEachCorner(layout, level, points, i, [&](size_t parameter, double weight, const double*) {
      for (int f = 0; f < features; ++f) gradient[parameter + f] += weight * d_out[f * d_out_stride + i];
    });
  }
}

void HashGridPositionBackward(const HashGridLayout& layout, int level, const double* table,
                              const GridPoints& points, const PositionGradient& gradient) {
  const int features = layout.config.features_per_level;
  for (int64_t i = 0; i < points.count; ++i) {
    ForEachCorner(layout, level, points, i, [&](size_t parameter, double, const double* slope) {
      for (int axis = 0; axis < 3; ++axis) {
        for (int f = 0; f < features; ++f) {
          gradient.d_points[axis * gradient.d_points_stride + i] +=
              slope[axis] * table[parameter + f] * gradient.d_out[f * gradient.d_out_stride + i];
        }
      }
    });
  }
}

void HashGridRaysForward(const HashGridLayout& layout, int level, const double* table, const GridRays& rays,
                         double* out, size_t out_stride) {
  const int features = layout.config.features_per_level;
  for (int64_t r = 0; r < rays.count; ++r) {
    for (int f = 0; f < features; ++f) out[f * out_stride + r] = 0;
    for (int64_t i = rays.begin[r]; i < rays.begin[r + 1]; ++i) {
      ForEachCorner(layout, level, rays.points, i, [&](size_t parameter, double weight, const double*) {
        for (int f = 0; f < features; ++f)
          out[f * out_stride + r] += rays.weights[i] * weight * table[parameter + f];
      });
    }
  }
}

void HashGridRaysBackward(const HashGridLayout& layout, int level, const GridRays& rays, const double* d_out,
                          size_t d_out_stride, double* gradient) {
  const int features = layout.config.features_per_level;
  for (int64_t r = 0; r < rays.count; ++r) {
    for (int64_t i = rays.begin[r]; i < rays.begin[r + 1]; ++i) {
      ForEachCorner(layout, level, rays.points, i, [&](size_t parameter, double weight, const double*) {
        for (int f = 0; f < features; ++f) {
          gradient[parameter + f] += rays.weights[i] * weight * d_out[f * d_out_stride + r];
        }
      });
    }
  }
}

}  // namespace semfield::ops::reference
