#include "semfield/ops/spherical_harmonics_reference.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace semfield::ops::reference {
namespace {

double Factorial(int n) {
  return n <= 1 ? 1.0 : n * Factorial(n - 1);
}

// P_l^m(z) with the Condon-Shortley phase, by the recurrences in l from P_m^m and P_{m+1}^m.
double AssociatedLegendre(int l, int m, double z) {
  double previous = 1;
  for (int k = 1; k <= m; ++k) previous *= -(2 * k - 1) * std::sqrt(std::max(0.0, 1 - z * z));
  if (l == m) return previous;
  double current = z * (2 * m + 1) * previous;
  for (int k = m + 2; k <= l; ++k) {
    const double next = ((2 * k - 1) * z * current - (k + m - 1) * previous) / (k - m);
    previous = current;
    current = next;
  }
  return current;
}

double RealHarmonic(int l, int m, double z, double azimuth) {
  const int order = std::abs(m);
  const double norm =
      std::sqrt((2 * l + 1) / (4 * std::numbers::pi) * Factorial(l - order) / Factorial(l + order));
  const double value = norm * AssociatedLegendre(l, order, z);
  if (m == 0) return value;
  return std::numbers::sqrt2 * value * (m > 0 ? std::cos(order * azimuth) : std::sin(order * azimuth));
}

}  // namespace

void SphericalHarmonics(const float* x, const float* y, const float* z, int count, float* out,
                        size_t out_stride) {
  for (int i = 0; i < count; ++i) {
    const double azimuth = std::atan2(static_cast<double>(y[i]), static_cast<double>(x[i]));
    for (int l = 0; l <= 3; ++l) {
      for (int m = -l; m <= l; ++m) {
        out[(l * (l + 1) + m) * out_stride + i] = static_cast<float>(RealHarmonic(l, m, z[i], azimuth));
      }
    }
  }
}

}  // namespace semfield::ops::reference
