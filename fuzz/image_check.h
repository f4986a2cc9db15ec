#pragma once

#include <span>

#include "fuzz_support.h"
#include "semfield/base/error.h"
#include "semfield/image/codecs.h"

namespace semfield::fuzz {

// Decodes the input both ways, and requires that header and pixels agree.
inline int CheckImage(std::string_view input) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(input));
  const auto file = Folder() / "image";
  WriteBytes(file, input);
  const auto decode16 = [&] {
    const ImageU16 image = DecodeImage16(bytes, "image");
    Require(image.channels == 1 && image.data.size() == image.num_pixels(), "one channel");
  };
  Check(decode16);
  return Check([&] {
    const ImageU8 image = DecodeImage(bytes, "image");
    Require(image.data.size() == image.num_pixels() * image.channels, "as many samples as the size says");
    const ImageInfo info = ReadImageInfo(file);
    Require(info.width == image.width && info.height == image.height && info.channels == image.channels,
            "the header that was announced");
  });
}

}  // namespace semfield::fuzz
