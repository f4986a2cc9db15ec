#pragma once

#include <cstdint>

namespace semfield::ops {

// A tile holds whole rays: ray r owns columns [begin[r], begin[r + 1]), at most kTileColumns (ops/tile.h) in
// all. Arrays need no padding: nothing is read or written beside [begin[0], begin[num_rays]). All functions
// may run in several threads, allocate nothing, and hold their temporaries on the stack.
//
// Quadrature (Max 1995; SAN Eq. 1): tau_i = density_i dt_i, T_i = exp(-sum_{j<i} tau_j), weight_i = T_i (1
// - exp(-tau_i)).

// density = exp(raw), the exponent held at most at 15 (truncated exponential: the derivative is exp of the
// exponent held in [-15, 15]).
struct CompositeTile {
  int num_rays = 0;
  const int32_t* begin = nullptr;      // [num_rays + 1]
  const float* raw_density = nullptr;  // [columns] network output before the exponential
  const float* dt = nullptr;           // [columns]
};

// What the forward pass found out about a tile. `kept`: how many of a ray's samples come before T falls under
// the least transmittance; the weights of the rest are 0 and their transmittance that of the last kept one.
struct CompositeWeights {
  const float* weight = nullptr;  // [columns]
  const int32_t* kept = nullptr;  // [num_rays]
  const float* transmittance =
      nullptr;  // [columns] T_{i+1}, behind the sample; only CompositeBackward reads it
  const float* final_transmittance = nullptr;  // [num_rays] likewise
};

// The same arrays where CompositeForward writes them.
struct CompositeOutput {
  float* weight = nullptr;
  int32_t* kept = nullptr;
  float* transmittance = nullptr;
  float* final_transmittance = nullptr;
  operator CompositeWeights() const { return {weight, kept, transmittance, final_transmittance}; }
};
void CompositeForward(const CompositeTile& tile, float min_transmittance, const CompositeOutput& output);

// Given dL/dweight_i (any loss on weights: color, depth, distortion) and dL/dT_final of each ray,
//   dL/dtau_i = T_{i+1} g_i - sum_{j>i} w_j g_j - T_final g_T,   dL/draw = dL/dtau dt density
// Columns past `kept` get 0.
struct CompositeGradients {
  const float* d_weight = nullptr;               // [columns]
  const float* d_final_transmittance = nullptr;  // [num_rays]; null: no loss looks at the background
  float* d_raw_density = nullptr;                // [columns], written
};
void CompositeBackward(const CompositeTile& tile, const CompositeWeights& weights,
                       const CompositeGradients& gradients);

// What is composited: any rows over columns (3 of color, 1 of distance, many of features).
struct CompositeRows {
  int num_rows = 0;
  const float* values = nullptr;  // [num_rows] rows of `stride`
  int64_t stride = 0;
};

// out[num_rows rows of out_stride over rays] = sum_i w_i v_i.
void CompositeValues(const CompositeTile& tile, const CompositeWeights& weights, const CompositeRows& rows,
                     float* out, int64_t out_stride);

// d_values = w_i d_out, d_weight_i += sum over rows of v_i d_out. Past `kept`: 0 and unchanged.
struct CompositeRowGradients {
  const float* d_out = nullptr;  // [num_rows] rows of `out_stride` over rays
  int64_t out_stride = 0;
  float* d_values = nullptr;  // [num_rows] rows as far apart as the values'
  float* d_weight = nullptr;  // [columns]
};
void CompositeValuesBackward(const CompositeTile& tile, const CompositeWeights& weights,
                             const CompositeRows& rows, const CompositeRowGradients& gradients);

// Distortion loss (Mip-NeRF 360 Eq. 15) of one tile in normalised distances,
//   sum_{i,j} w_i w_j |s_i - s_j| + 1/3 sum_i w_i^2 ds_i, a ray, in linear time.
struct CompositeIntervals {
  const float* s = nullptr;   // [columns] middles; they must not decrease along a ray
  const float* ds = nullptr;  // [columns] widths
};
// loss[num_rays] (unscaled); d_weight_i += scale * dloss/dw_i.
void DistortionLoss(const CompositeTile& tile, const CompositeWeights& weights,
                    const CompositeIntervals& intervals, float scale, float* loss, float* d_weight);

}  // namespace semfield::ops
