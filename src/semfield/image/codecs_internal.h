#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <string>

#include "semfield/base/error.h"
#include "semfield/image/codecs.h"

// One pair of decoders a format; codecs.cc chooses by content.
namespace semfield::internal {

inline constexpr int64_t kMaxPixels = int64_t{1} << 28;
inline constexpr const char* kWhatToDo = "; copy it again, or leave it out";  // of damaged files

// Refuses sizes that are empty, too large, or impossible for the number of encoded bytes: a file of a few
// bytes must not make the program ask for gigabytes. min_bytes is the least a file of that size can have.
void CheckImageSize(int64_t width, int64_t height, double min_bytes, size_t bytes, const std::string& where);

template <class T>
Image<T> AllocateImage(int64_t width, int64_t height, int channels, const std::string& where) {
  try {
    return Image<T>(static_cast<int>(width), static_cast<int>(height), channels);
  } catch (const std::bad_alloc&) {
    throw ResourceError("{}: not enough memory for {} x {} pixels", where, width, height);
  }
}

ImageInfo JpegInfo(std::span<const std::byte> bytes, const std::string& where);
ImageU8 DecodeJpeg(std::span<const std::byte> bytes, const std::string& where);

ImageInfo PngInfo(std::span<const std::byte> bytes, const std::string& where);
ImageU8 DecodePng(std::span<const std::byte> bytes, const std::string& where);
bool PngHasTransparency(std::span<const std::byte> bytes, int opaque, const std::string& where);
ImageU16 DecodePng16(std::span<const std::byte> bytes, const std::string& where);

}  // namespace semfield::internal
