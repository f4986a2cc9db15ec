#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "semfield/image/image.h"

namespace semfield {

// Text made safe between tags and inside quoted attributes: & < > " ' become entities, control characters
// other than line breaks and tabs become U+FFFD.
std::string EscapeHtml(std::string_view text);

// RFC 4648, with padding.
std::string Base64(std::span<const std::byte> bytes);

// A picture as the value of src: JPEG in a data: address.
std::string JpegAddress(const ImageU8& rgb, int quality = 88);

}  // namespace semfield
