#pragma once

#include <cstddef>

#include "semfield/ops/hash_grid.h"

namespace semfield::ops {

struct HashGridPositionGradient {
  const float* d_out;  // d_out[f * d_out_stride + i]: dL/dout of HashGridForward, a row a feature
  size_t d_out_stride;
  float factor = 1;  // of what is added
  float* d_points;   // d_points[axis * d_points_stride + i], axes x, y, z
  size_t d_points_stride;
};

// Derivative of HashGridForward with respect to the points, for one level:
//   d_points[axis, i] += factor sum_f d_out[f, i] d out[f, i] / d point[axis, i].
// Trilinear interpolation is only piecewise smooth: on a cell's border it is the derivative of the cell that
// the forward pass reads. 0 along an axis whose coordinate is clamped (<= 0, >= 1 or NaN). `table` as in
// HashGridForward. Safe to call from several threads for different points; a point's result does not depend
// on those beside it.
void HashGridPositionBackward(const HashGridLayout& layout, int level, const Half* table,
                              const GridPoints& points, const HashGridPositionGradient& gradient);

}  // namespace semfield::ops
