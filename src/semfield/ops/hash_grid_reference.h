#pragma once

#include <cstddef>
#include <cstdint>

#include "semfield/ops/hash_grid.h"

namespace semfield::ops::reference {

// The operations of hash_grid.h and hash_grid_position.h in plain loops and double precision: what the
// kernels are tested against. `table` and `gradient` are whole parameter arrays, matrices have a feature a
// row.

void HashGridForward(const HashGridLayout& layout, int level, const double* table, const GridPoints& points,
                     double* out, size_t out_stride);
void HashGridBackward(const HashGridLayout& layout, int level, const GridPoints& points, const double* d_out,
                      size_t d_out_stride, double* gradient);
struct PositionGradient {
  const double* d_out;  // as in HashGridPositionGradient
  size_t d_out_stride;
  double* d_points;
  size_t d_points_stride;
};
// Factor 1.
void HashGridPositionBackward(const HashGridLayout& layout, int level, const double* table,
                              const GridPoints& points, const PositionGradient& gradient);
void HashGridRaysForward(const HashGridLayout& layout, int level, const double* table, const GridRays& rays,
                         double* out, size_t out_stride);
void HashGridRaysBackward(const HashGridLayout& layout, int level, const GridRays& rays, const double* d_out,
                          size_t d_out_stride, double* gradient);

}  // namespace semfield::ops::reference
