#pragma once

#include "semfield/ops/spherical_harmonics.h"

namespace semfield::ops::reference {

// From the definition: associated Legendre polynomials of z times sines and cosines of the azimuth, in
// double.
void SphericalHarmonics(const float* x, const float* y, const float* z, int count, float* out,
                        size_t out_stride);

}  // namespace semfield::ops::reference
