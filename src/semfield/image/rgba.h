#pragma once

#include <filesystem>

#include "semfield/image/image.h"

namespace semfield {

// Pictures with an alpha channel, without a copy of them in floats or in sixteen bits.

// Whether any pixel's alpha is under `opaque`, of 255, without decoding more than a row at a time; an
// interlaced file is decoded whole. Damaged: Error.
bool HasTransparency(const std::filesystem::path& path, int opaque);

// Straight RGBA averaged in premultiplied colours: those of transparent pixels are arbitrary and must not
// bleed.
ImageU8 ResizeRgba(const ImageU8& image, int width, int height);

}  // namespace semfield
