#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "semfield/image/image.h"
#include "semfield/views/feature_matching.h"

namespace semfield {

struct ColorTransferOptions {
  // Neighbours within so many pixels whose carried colours are averaged, each by how alike its carried
  // place's feature is to the pixel's: single pixels find places beside their neighbours'. 0: none.
  int smoothing = 2;
  bool keep_shading = false;  // lightness stays the target's, but for its mean over the carried pixels
};

// The target's picture in the source's colours: each pixel with a feature takes the colour of the source
// pixel whose feature is nearest (FeatureNeRF section 5, texture transfer). RGBA of the target's size and
// alpha. mask: [target pixels], only those that are not 0 change; empty: all.
ImageU8 CarryColors(const FeatureRows& source, const ImageU8& source_rgba, const FeatureRows& target,
                    const ImageU8& target_rgba, std::span<const uint8_t> mask,
                    const ColorTransferOptions& options);

// Each pixel with a part in the part's colour, the others as the picture over white. parts: 1 channel of the
// picture's size.
ImageU8 ShowParts(const ImageU8& rgba, const ImageU8& parts);

// Pictures of one height beside each other over white, 3 channels.
ImageU8 SideBySide(const std::vector<ImageU8>& pictures);

}  // namespace semfield
