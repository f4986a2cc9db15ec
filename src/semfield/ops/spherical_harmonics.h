#pragma once

#include <cstddef>

namespace semfield::ops {

// Real spherical harmonics of degree 0..3 (16 functions) of unit directions: out[k * out_stride + i].
// k = l (l + 1) + m for degree l and order m in [-l, l]; orthonormal over the sphere, Condon-Shortley phase
// (odd orders carry a minus sign), negative orders are the sines. Any count; exactly count values of a row
// are read and written.
inline constexpr int kNumSphericalHarmonics = 16;
void SphericalHarmonics(const float* x, const float* y, const float* z, int count, float* out,
                        size_t out_stride);

}  // namespace semfield::ops
