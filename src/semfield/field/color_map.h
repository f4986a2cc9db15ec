#pragma once

#include <cmath>

namespace semfield {

// What a photo shows of the field's colors: photos of one scene differ in exposure and white balance.
//   shown_k = exp(log_gain_k) color_k + offset_k,  k = red, green, blue,
// of colors in [0, 1] as the photo stores them.
struct ColorMap {
  float log_gain[3] = {0, 0, 0};
  float offset[3] = {0, 0, 0};

  // `shown` may be `color`.
  void Show(const float color[3], float shown[3]) const {
    for (int k = 0; k < 3; ++k) shown[k] = std::exp(log_gain[k]) * color[k] + offset[k];
  }
};

}  // namespace semfield
