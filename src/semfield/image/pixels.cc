#include "semfield/image/pixels.h"

#include <algorithm>

#include "semfield/base/parallel.h"

namespace semfield {
namespace {
constexpr int64_t kSamplesPerTask = 1 << 16;
}  // namespace

ImageF ToFloat(const ImageU8& image) {
  ImageF out(image.width, image.height, image.channels);
  ParallelChunks(static_cast<int64_t>(image.data.size()), kSamplesPerTask,
                 [&](int64_t begin, int64_t end, int) {
                   for (int64_t i = begin; i < end; ++i)
                     out.data[i] = static_cast<float>(image.data[i]) / 255.0f;
                 });
  return out;
}

ImageU8 ToU8(const ImageF& image) {
  ImageU8 out(image.width, image.height, image.channels);
  ParallelChunks(
      static_cast<int64_t>(image.data.size()), kSamplesPerTask, [&](int64_t begin, int64_t end, int) {
        for (int64_t i = begin; i < end; ++i) {
          const float value = image.data[i];
          // NaN compares false and becomes 0.
          out.data[i] = value > 0 ? static_cast<uint8_t>(std::min(value, 1.0f) * 255.0f + 0.5f) : 0;
        }
      });
  return out;
}

ImageU8 ToRgb(const ImageU8& image, const std::array<uint8_t, 3>& background) {
  SF_CHECK(image.channels == 1 || image.channels == 3 || image.channels == 4);
  if (image.channels == 3) return image;
  ImageU8 out(image.width, image.height, 3);
  for (size_t i = 0; i < image.num_pixels(); ++i) {
    const uint8_t* from = image.data.data() + i * image.channels;
    uint8_t* to = out.data.data() + i * 3;
    if (image.channels == 1) {
      std::fill(to, to + 3, from[0]);
      continue;
    }
    const int alpha = from[3];
    for (int c = 0; c < 3; ++c) {
      to[c] = static_cast<uint8_t>((from[c] * alpha + background[c] * (255 - alpha) + 127) / 255);
    }
  }
  return out;
}

float SampleBilinear(const ImageF& image, double x, double y, int channel) {
  const double px = std::clamp(x - 0.5, 0.0, image.width - 1.0),
               py = std::clamp(y - 0.5, 0.0, image.height - 1.0);
  const int x0 = std::min(static_cast<int>(px), std::max(0, image.width - 2));
  const int y0 = std::min(static_cast<int>(py), std::max(0, image.height - 2));
  const int x1 = std::min(x0 + 1, image.width - 1), y1 = std::min(y0 + 1, image.height - 1);
  const float fx = static_cast<float>(px - x0), fy = static_cast<float>(py - y0);
  const float top = image.At(x0, y0, channel) * (1 - fx) + image.At(x1, y0, channel) * fx;
  const float bottom = image.At(x0, y1, channel) * (1 - fx) + image.At(x1, y1, channel) * fx;
  return top * (1 - fy) + bottom * fy;
}

}  // namespace semfield
