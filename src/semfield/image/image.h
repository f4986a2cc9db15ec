#pragma once

#include <cstdint>
#include <vector>

#include "semfield/base/check.h"

namespace semfield {

// Interleaved pixels, row-major: data[(y * width + x) * channels + c].
template <class T>
struct Image {
  int width = 0;
  int height = 0;
  int channels = 0;
  std::vector<T> data;

  Image() = default;
  Image(int w, int h, int c, T fill = T{})
      : width(w), height(h), channels(c), data(static_cast<size_t>(w) * h * c, fill) {}
  bool empty() const { return data.empty(); }
  size_t num_pixels() const { return static_cast<size_t>(width) * height; }
  T& At(int x, int y, int c = 0) { return data[(static_cast<size_t>(y) * width + x) * channels + c]; }
  const T& At(int x, int y, int c = 0) const {
    return data[(static_cast<size_t>(y) * width + x) * channels + c];
  }
};

using ImageU8 = Image<uint8_t>;    // sRGB or labels
using ImageU16 = Image<uint16_t>;  // depth in file units, instance ids
using ImageF = Image<float>;       // colours in [0, 1] unless said otherwise

}  // namespace semfield
