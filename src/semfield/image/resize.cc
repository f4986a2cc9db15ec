#include <algorithm>
#include <cmath>
#include <type_traits>

#include "semfield/base/parallel.h"
#include "semfield/image/pixels.h"
#include "semfield/image/rgba.h"

namespace semfield {
namespace {

// Which input positions make one output position along an axis, and how much each.
struct Taps {
  int first = 0;
  int count = 0;
  size_t weights = 0;  // where its weights begin
};

struct Axis {
  std::vector<Taps> taps;
  std::vector<float> weights;
};

enum class Shrink { kAreaAverage, kBilinear };

void AddAreaTaps(Axis& axis, int output, int in_size, double scale) {
  const double begin = output * scale, end = (output + 1) * scale;
  Taps taps;
  taps.first = std::min(static_cast<int>(begin), in_size - 1);
  taps.weights = axis.weights.size();
  double sum = 0;
  for (int i = taps.first; i < in_size && i < end; ++i) {
    const double overlap = std::min(end, i + 1.0) - std::max(begin, static_cast<double>(i));
    if (overlap <= 1e-9 * scale && taps.count > 0) break;
    axis.weights.push_back(static_cast<float>(overlap));
    sum += overlap;
    ++taps.count;
  }
  for (int i = 0; i < taps.count; ++i) axis.weights[taps.weights + i] /= static_cast<float>(sum);
  axis.taps.push_back(taps);
}

void AddBilinearTaps(Axis& axis, int output, int in_size, double scale) {
  const double position = std::clamp((output + 0.5) * scale - 0.5, 0.0, in_size - 1.0);
  const int first = std::min(static_cast<int>(position), in_size - 1);
  const float second = static_cast<float>(position - first);
  Taps taps{first, 1, axis.weights.size()};
  axis.weights.push_back(1 - second);
  if (second > 0 && first + 1 < in_size) {
    axis.weights.push_back(second);
    taps.count = 2;
  }
  axis.taps.push_back(taps);
}

Axis MakeAxis(int in_size, int out_size, Shrink shrink) {
  Axis axis;
  const double scale = static_cast<double>(in_size) / out_size;
  for (int output = 0; output < out_size; ++output) {
    if (shrink == Shrink::kAreaAverage && out_size < in_size) {
      AddAreaTaps(axis, output, in_size, scale);
    } else {
      AddBilinearTaps(axis, output, in_size, scale);
    }
  }
  return axis;
}

// One output row: input rows are mixed first (long contiguous loops), then columns.
template <class T>
void MixRows(const Image<T>& image, const Axis& vertical, int y, std::vector<float>& mixed) {
  const Taps& taps = vertical.taps[y];
  const size_t stride = static_cast<size_t>(image.width) * image.channels;
  mixed.assign(stride, 0.0f);
  for (int i = 0; i < taps.count; ++i) {
    const float weight = vertical.weights[taps.weights + i];
    const T* row = image.data.data() + (taps.first + i) * stride;
    for (size_t k = 0; k < stride; ++k) mixed[k] += weight * static_cast<float>(row[k]);
  }
}

// The same of straight RGBA, premultiplied as it is mixed: a whole picture of floats would take sixteen bytes
// a pixel.
void MixRowsOfRgba(const ImageU8& image, const Axis& vertical, int y, std::vector<float>& mixed) {
  const Taps& taps = vertical.taps[y];
  const size_t stride = static_cast<size_t>(image.width) * 4;
  mixed.assign(stride, 0.0f);
  for (int i = 0; i < taps.count; ++i) {
    const float weight = vertical.weights[taps.weights + i];
    const uint8_t* row = image.data.data() + (taps.first + i) * stride;
    for (size_t k = 0; k < stride; k += 4) {
      const float alpha = static_cast<float>(row[k + 3]) / 255.0f;
      for (int c = 0; c < 3; ++c) mixed[k + c] += weight * (static_cast<float>(row[k + c]) / 255.0f * alpha);
      mixed[k + 3] += weight * alpha;
    }
  }
}

template <class T>
T Rounded(float value) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(std::clamp(value + 0.5f, 0.0f, 255.0f));
  } else {
    return value;
  }
}

template <int kChannels, class T>
void MixColumns(const std::vector<float>& mixed, const Axis& horizontal, int runtime_channels, T* out) {
  const int channels = kChannels > 0 ? kChannels : runtime_channels;
  for (const Taps& taps : horizontal.taps) {
    const float* weights = horizontal.weights.data() + taps.weights;
    const float* in = mixed.data() + static_cast<size_t>(taps.first) * channels;
    for (int c = 0; c < channels; ++c) {
      float sum = 0;
      for (int i = 0; i < taps.count; ++i) sum += weights[i] * in[static_cast<size_t>(i) * channels + c];
      out[c] = Rounded<T>(sum);
    }
    out += channels;
  }
}

template <class T>
Image<T> ResizeSeparably(const Image<T>& image, int width, int height, Shrink shrink) {
  SF_CHECK(!image.empty());
  SF_CHECK_GT(width, 0);
  SF_CHECK_GT(height, 0);
  if (width == image.width && height == image.height) return image;
  const Axis horizontal = MakeAxis(image.width, width, shrink);
  const Axis vertical = MakeAxis(image.height, height, shrink);
  Image<T> out(width, height, image.channels);
  ParallelChunks(height, 16, [&](int64_t begin, int64_t end, int) {
    std::vector<float> mixed;
    for (int64_t y = begin; y < end; ++y) {
      MixRows(image, vertical, static_cast<int>(y), mixed);
      T* row = &out.At(0, static_cast<int>(y));
      switch (image.channels) {
        case 1:
          MixColumns<1>(mixed, horizontal, 1, row);
          break;
        case 3:
          MixColumns<3>(mixed, horizontal, 3, row);
          break;
        default:
          MixColumns<0>(mixed, horizontal, image.channels, row);
      }
    }
  });
  return out;
}

}  // namespace

ImageU8 Resize(const ImageU8& image, int width, int height) {
  return ResizeSeparably(image, width, height, Shrink::kAreaAverage);
}
ImageF Resize(const ImageF& image, int width, int height) {
  return ResizeSeparably(image, width, height, Shrink::kAreaAverage);
}
ImageU8 ResizeRgba(const ImageU8& image, int width, int height) {
  SF_CHECK(!image.empty() && image.channels == 4);
  SF_CHECK(width > 0 && height > 0);
  if (width == image.width && height == image.height) return image;
  const Axis horizontal = MakeAxis(image.width, width, Shrink::kAreaAverage);
  const Axis vertical = MakeAxis(image.height, height, Shrink::kAreaAverage);
  ImageU8 out(width, height, 4);
  ParallelChunks(height, 16, [&](int64_t begin, int64_t end, int) {
    std::vector<float> mixed, row(static_cast<size_t>(width) * 4);
    for (int64_t y = begin; y < end; ++y) {
      MixRowsOfRgba(image, vertical, static_cast<int>(y), mixed);
      MixColumns<4>(mixed, horizontal, 4, row.data());
      uint8_t* to = &out.At(0, static_cast<int>(y));
      for (size_t k = 0; k < row.size(); ++k) {
        const float alpha = row[k - k % 4 + 3];
        const float value = k % 4 == 3 ? alpha : alpha > 0 ? row[k] / alpha : 0;
        to[k] = value > 0 ? static_cast<uint8_t>(std::min(value, 1.0f) * 255.0f + 0.5f) : 0;
      }
    }
  });
  return out;
}
ImageF ResizeBilinear(const ImageF& image, int width, int height) {
  return ResizeSeparably(image, width, height, Shrink::kBilinear);
}

template <class T>
Image<T> ResizeNearest(const Image<T>& image, int width, int height) {
  SF_CHECK(!image.empty());
  SF_CHECK_GT(width, 0);
  SF_CHECK_GT(height, 0);
  const auto source = [](int output, int in_size, int out_size) {
    return static_cast<int>((2 * int64_t{output} + 1) * in_size / (2 * int64_t{out_size}));
  };
  Image<T> out(width, height, image.channels);
  for (int y = 0; y < height; ++y) {
    const int from_y = source(y, image.height, height);
    for (int x = 0; x < width; ++x) {
      const T* from = &image.At(source(x, image.width, width), from_y);
      std::copy(from, from + image.channels, &out.At(x, y));
    }
  }
  return out;
}

template Image<uint8_t> ResizeNearest(const Image<uint8_t>&, int, int);
template Image<uint16_t> ResizeNearest(const Image<uint16_t>&, int, int);
template Image<int32_t> ResizeNearest(const Image<int32_t>&, int, int);
template Image<float> ResizeNearest(const Image<float>&, int, int);

}  // namespace semfield
