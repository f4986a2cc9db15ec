#pragma once

#include "semfield/ops/hash_grid.h"
#include "semfield/training/parameter.h"

namespace semfield {

// Smoothness of one level of a hash grid where the samples are, as Plenoxels (Fridovich-Keil and others,
// 2022, Eq. 3) have it for a grid without hashing, but squared without the root: with v the lowest vertex of
// a point's cell and T the level's entries,
//   L = scale * sum over points, axes k and features of (T[v + e_k] - T[v])^2.
// Adds dL/dT to the block's gradient, in the order of the points. Points are visited `stride` apart,
// beginning with the first; outside [0, 1] they are clamped.
void AddTotalVariation(const ops::HashGridLayout& layout, int level, const ops::GridPoints& points,
                       int stride, float scale, Parameter* grid);

}  // namespace semfield
