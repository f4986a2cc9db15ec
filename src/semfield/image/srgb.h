#pragma once

#include <cmath>

namespace semfield {

// The transfer function of sRGB (IEC 61966-2-1): stored colours in [0, 1] from linear light, and back.
inline double LinearFromSrgb(double stored) {
  return stored <= 0.04045 ? stored / 12.92 : std::pow((stored + 0.055) / 1.055, 2.4);
}
inline double SrgbFromLinear(double light) {
  return light <= 0.0031308 ? 12.92 * light : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
}

}  // namespace semfield
