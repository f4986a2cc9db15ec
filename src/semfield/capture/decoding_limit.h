#pragma once

#include <algorithm>
#include <cstddef>

#include "semfield/geometry/camera.h"

namespace semfield {

// Pictures at their own size are in memory while they are shrunk: many small ones at a time, or one that is
// large. What the image store holds to, and what a training announces.
inline constexpr size_t kMaxDecodingBytes = size_t{512} << 20;

// Of a picture, with an alpha channel.
inline size_t FullSizeBytes(const Camera& camera) {
  return size_t{4} * static_cast<size_t>(camera.width) * static_cast<size_t>(camera.height);
}

// What pictures like that of the camera take while so many threads ask for them.
inline size_t DecodingBytes(const Camera& camera, int num_threads) {
  const size_t bytes = FullSizeBytes(camera);
  return std::max(bytes, std::min(kMaxDecodingBytes, bytes * static_cast<size_t>(num_threads)));
}

}  // namespace semfield
