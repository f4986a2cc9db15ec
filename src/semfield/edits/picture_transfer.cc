#include "semfield/edits/picture_transfer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/image/pixels.h"
#include "semfield/views/class_picture.h"

namespace semfield {
namespace {

constexpr int kGap = 4;            // pixels between pictures
constexpr double kSharpness = 30;  // exp(kSharpness (cos - 1)) weighs a neighbour's colour
constexpr double kPartWeight = 0.75;
constexpr std::array<uint8_t, 3> kWhite = {255, 255, 255};

float Cosine(const FeatureRows& a, int32_t row_a, const FeatureRows& b, int32_t row_b) {
  const float* x = a.values.data() + static_cast<size_t>(row_a) * a.channels;
  const float* y = b.values.data() + static_cast<size_t>(row_b) * b.channels;
  float sum = 0;
  for (int c = 0; c < a.channels; ++c) sum += x[c] * y[c];
  return sum;
}

double Lightness(const double* rgb) {
  return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
}

// The colour that a pixel takes: of its own carried place and those of its neighbours, as they fit its
// feature.
class CarriedColor {
 public:
  CarriedColor(const FeatureRows& source, const ImageU8& colors, const FeatureRows& target,
               const std::vector<int32_t>& carried, int width)
      : source_(source), colors_(colors), target_(target), carried_(carried), width_(width) {}

  std::array<double, 3> At(int32_t pixel, int radius) const {
    const int x = pixel % width_, y = pixel / width_;
    const int height = static_cast<int>(carried_.size()) / width_;
    std::array<double, 3> sum{};
    double weights = 0;
    for (int v = std::max(0, y - radius); v <= std::min(height - 1, y + radius); ++v) {
      for (int u = std::max(0, x - radius); u <= std::min(width_ - 1, x + radius); ++u) {
        const int32_t place = carried_[v * width_ + u];
        if (place < 0) continue;
        const double cosine =
            Cosine(target_, target_.row_of_place[pixel], source_, source_.row_of_place[place]);
        const double weight = std::exp(kSharpness * (cosine - 1));
        for (int c = 0; c < 3; ++c) sum[c] += weight * colors_.data[4 * static_cast<size_t>(place) + c];
        weights += weight;
      }
    }
    for (double& value : sum) value /= weights;
    return sum;
  }

 private:
  const FeatureRows& source_;
  const ImageU8& colors_;
  const FeatureRows& target_;
  const std::vector<int32_t>& carried_;  // [target pixels] place in the source, -1: none
  const int width_;
};

}  // namespace

ImageU8 CarryColors(const FeatureRows& source, const ImageU8& source_rgba, const FeatureRows& target,
                    const ImageU8& target_rgba, std::span<const uint8_t> mask,
                    const ColorTransferOptions& options) {
  SF_CHECK_EQ(source.row_of_place.size(), source_rgba.num_pixels());
  SF_CHECK_EQ(target.row_of_place.size(), target_rgba.num_pixels());
  std::vector<int32_t> asked;
  for (const int32_t place : target.places) {
    if (mask.empty() || mask[place] != 0) asked.push_back(place);
  }
  // Colours of half-covered pixels at the border are not the object's own.
  std::vector<uint8_t> opaque(source_rgba.num_pixels());
  for (size_t i = 0; i < opaque.size(); ++i) opaque[i] = source_rgba.data[4 * i + 3] > 127;
  const std::vector<int32_t> found = CarryPlaces(target, asked, source, opaque);
  std::vector<int32_t> carried(target_rgba.num_pixels(), -1);
  for (size_t i = 0; i < asked.size(); ++i) carried[asked[i]] = found[i];
  const CarriedColor color(source, source_rgba, target, carried, target_rgba.width);
  ImageU8 changed = target_rgba;
  std::vector<std::array<double, 3>> colors;
  double own = 0, taken = 0;
  for (const int32_t pixel : asked) {
    if (carried[pixel] < 0) {
      colors.push_back({});
      continue;
    }
    colors.push_back(color.At(pixel, options.smoothing));
    const uint8_t* before = &target_rgba.data[4 * static_cast<size_t>(pixel)];
    const double now[3] = {double(before[0]), double(before[1]), double(before[2])};
    own += Lightness(now);
    taken += Lightness(colors.back().data());
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    if (carried[asked[i]] < 0) continue;
    uint8_t* pixel = &changed.data[4 * static_cast<size_t>(asked[i])];
    double scale = 1;
    if (options.keep_shading && own > 0) {
      const double now[3] = {double(pixel[0]), double(pixel[1]), double(pixel[2])};
      scale = Lightness(now) / own * taken / std::max(1.0, Lightness(colors[i].data()));
    }
    for (int c = 0; c < 3; ++c)
      pixel[c] = static_cast<uint8_t>(std::clamp(std::lround(colors[i][c] * scale), 0L, 255L));
  }
  return changed;
}

ImageU8 ShowParts(const ImageU8& rgba, const ImageU8& parts) {
  ImageU8 shown = ToRgb(rgba, kWhite);
  for (size_t i = 0; i < shown.num_pixels(); ++i) {
    if (parts.data[i] == 0 || parts.data[i] == kNoPart) continue;
    const std::array<uint8_t, 3> color = ClassColor(parts.data[i]);
    for (int c = 0; c < 3; ++c) {
      const double mixed = kPartWeight * color[c] + (1 - kPartWeight) * shown.data[3 * i + c];
      shown.data[3 * i + c] = static_cast<uint8_t>(std::lround(mixed));
    }
  }
  return shown;
}

ImageU8 SideBySide(const std::vector<ImageU8>& pictures) {
  int width = -kGap, height = 0;
  for (const ImageU8& picture : pictures) {
    width += picture.width + kGap;
    height = std::max(height, picture.height);
  }
  ImageU8 sheet(std::max(0, width), height, 3, 255);
  int left = 0;
  for (const ImageU8& picture : pictures) {
    const ImageU8 rgb = ToRgb(picture, kWhite);
    for (int y = 0; y < rgb.height; ++y)
      std::copy_n(&rgb.At(0, y), static_cast<size_t>(3) * rgb.width, &sheet.At(left, y));
    left += picture.width + kGap;
  }
  return sheet;
}

}  // namespace semfield
