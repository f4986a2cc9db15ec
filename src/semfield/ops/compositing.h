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

// weight[columns], transmittance[columns] (T_{i+1}, behind the sample), kept[num_rays]: how many of a ray's
// samples come before T falls under min_transmittance; the weights of the rest are 0 and their transmittance
// that of the last kept one. final_transmittance[num_rays].
void CompositeForward(const CompositeTile& tile, float min_transmittance, float* weight, float* transmittance,
                      int32_t* kept, float* final_transmittance);

// Given dL/dweight_i (any loss on weights: colour, depth, distortion) and dL/dT_final of each ray,
// d_raw_density[columns]
//   dL/dtau_i = T_{i+1} g_i - sum_{j>i} w_j g_j - T_final g_T,   dL/draw = dL/dtau dt density
// Columns past `kept` get 0. d_final_transmittance may be null: no loss looks at the background.
void CompositeBackward(const CompositeTile& tile, const int32_t* kept, const float* weight,
                       const float* transmittance, const float* final_transmittance, const float* d_weight,
                       const float* d_final_transmittance, float* d_raw_density);

// What is composited: any rows over columns (3 of colour, 1 of distance, many of features).
struct CompositeRows {
  int num_rows = 0;
  const float* values = nullptr;  // [num_rows] rows of `stride`
  int64_t stride = 0;
};

// out[num_rows rows of out_stride over rays] = sum_i w_i v_i.
void CompositeValues(const CompositeTile& tile, const int32_t* kept, const float* weight,
                     const CompositeRows& rows, float* out, int64_t out_stride);
// d_values = w_i d_out (rows as far apart as the values'), d_weight_i += sum over rows of v_i d_out. Past
// `kept`: 0 and unchanged.
void CompositeValuesBackward(const CompositeTile& tile, const int32_t* kept, const float* weight,
                             const CompositeRows& rows, const float* d_out, int64_t out_stride,
                             float* d_values, float* d_weight);

// The same for the three rows of a colour.
inline void CompositeColor(const CompositeTile& tile, const int32_t* kept, const float* weight,
                           const float* color, int64_t color_stride, float* rgb, int64_t rgb_stride) {
  CompositeValues(tile, kept, weight, {3, color, color_stride}, rgb, rgb_stride);
}
inline void CompositeColorBackward(const CompositeTile& tile, const int32_t* kept, const float* weight,
                                   const float* color, int64_t color_stride, const float* d_rgb,
                                   int64_t rgb_stride, float* d_color, float* d_weight) {
  CompositeValuesBackward(tile, kept, weight, {3, color, color_stride}, d_rgb, rgb_stride, d_color, d_weight);
}

// Distortion loss (Mip-NeRF 360 Eq. 15) of one tile in normalised distances s (interval middles) with widths
// ds:
//   sum_{i,j} w_i w_j |s_i - s_j| + 1/3 sum_i w_i^2 ds_i, a ray, in linear time.
// loss[num_rays] (unscaled); d_weight_i += scale * dloss/dw_i. s must not decrease along a ray.
void DistortionLoss(const CompositeTile& tile, const int32_t* kept, const float* weight, const float* s,
                    const float* ds, float scale, float* loss, float* d_weight);

}  // namespace semfield::ops
