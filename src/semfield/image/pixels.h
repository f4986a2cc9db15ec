#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "semfield/image/image.h"

namespace semfield {

// Area average for shrinking, bilinear (half-pixel centres, clamped) for enlarging.
ImageU8 Resize(const ImageU8& image, int width, int height);
ImageF Resize(const ImageF& image, int width, int height);
// Bilinear with half-pixel centres at any scale, without antialiasing: what SAM's preprocessing of tensors
// does.
ImageF ResizeBilinear(const ImageF& image, int width, int height);
// Nearest pixel centre, for labels.
template <class T>
Image<T> ResizeNearest(const Image<T>& image, int width, int height);

ImageF ToFloat(const ImageU8& image);  // / 255
ImageU8 ToU8(const ImageF& image);     // clamped, * 255, rounded
// RGBA over a constant colour -> RGB; RGB is returned as it is; grey is repeated.
ImageU8 ToRgb(const ImageU8& image, const std::array<uint8_t, 3>& background);

// Scalar field -> RGB by the turbo-like colour map of our own; values clamped to [low, high]; NaN is black.
ImageU8 Colorize(const ImageF& scalar, float low, float high);
// First three principal components of [height, width, channels] as RGB, each scaled to its 1st..99th
// percentile. `basis_of` (same channels), when given, fixes the basis and the range so that several views
// share colours.
ImageU8 PcaToRgb(const ImageF& features, const ImageF* basis_of = nullptr);
// The picture with a translucent colour where mask > 127 and a one-pixel outline.
ImageU8 OverlayMask(const ImageU8& rgb, const ImageU8& mask, const std::array<uint8_t, 3>& color);
// Filled dot with a dark rim, for drawing clicks.
void DrawDot(ImageU8& rgb, double x, double y, double radius, const std::array<uint8_t, 3>& color);

// Squared distance of each nonzero pixel to the nearest zero pixel or to outside the image (exact,
// Felzenszwalb).
ImageF DistanceToBorder(const ImageU8& mask);

// One channel at a position in pixels (centres at +0.5) between the four nearest; the image's border goes on
// outside of it. The image is not empty.
float SampleBilinear(const ImageF& image, double x, double y, int channel = 0);

}  // namespace semfield
