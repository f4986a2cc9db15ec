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
  // Given dL/dshown of a color: replaces it by dL/dcolor and writes the gradient of log_gain and offset [6].
  void Backward(const float color[3], float d_shown[3], float d_map[6]) const {
    for (int k = 0; k < 3; ++k) {
      const float gain = std::exp(log_gain[k]);
      d_map[k] = d_shown[k] * gain * color[k];
      d_map[3 + k] = d_shown[k];
      d_shown[k] *= gain;
    }
  }
};

}  // namespace semfield
