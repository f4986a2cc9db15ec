#include <turbojpeg.h>

#include <cstring>
#include <memory>
#include <string_view>

#include "semfield/base/check.h"
#include "semfield/base/log.h"
#include "semfield/image/codecs.h"
#include "semfield/image/codecs_internal.h"

namespace semfield {
namespace {

struct DestroyHandle {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, DestroyHandle>;

struct JpegHeader {
  int width = 0, height = 0, channels = 0;
};

Handle NewDecoder() {
  Handle handle(tjInitDecompress());
  if (!handle) throw ResourceError("the JPEG decoder cannot be started: {}", tjGetErrorStr2(nullptr));
  return handle;
}

const unsigned char* Bytes(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

JpegHeader ReadHeader(tjhandle handle, std::span<const std::byte> bytes, const std::string& where) {
  JpegHeader header;
  int subsampling = 0, colorspace = 0;
  if (tjDecompressHeader3(handle, Bytes(bytes), bytes.size(), &header.width, &header.height, &subsampling,
                          &colorspace) != 0) {
    throw InputError("{}: damaged or truncated JPEG: {}{}", where, tjGetErrorStr2(handle),
                     internal::kWhatToDo);
  }
  if (colorspace == TJCS_CMYK || colorspace == TJCS_YCCK) {
    throw InputError("{}: JPEG in CMYK colours (for print); expected RGB or grey: convert it to sRGB first",
                     where);
  }
  header.channels = colorspace == TJCS_GRAY ? 1 : 3;
  return header;
}

}  // namespace

namespace internal {

ImageInfo JpegInfo(std::span<const std::byte> bytes, const std::string& where) {
  const Handle handle = NewDecoder();
  const JpegHeader header = ReadHeader(handle.get(), bytes, where);
  CheckImageSize(header.width, header.height, 0, bytes.size(), where);
  return {header.width, header.height, header.channels, 8};
}

ImageU8 DecodeJpeg(std::span<const std::byte> bytes, const std::string& where) {
  const Handle handle = NewDecoder();
  const JpegHeader header = ReadHeader(handle.get(), bytes, where);
  // A block of 8x8 costs at least a bit; chroma may be subsampled away from most of them.
  CheckImageSize(header.width, header.height, static_cast<double>(header.width) * header.height / 1024,
                 bytes.size(), where);
  ImageU8 image = AllocateImage<uint8_t>(header.width, header.height, header.channels, where);
  const int status =
      tjDecompress2(handle.get(), Bytes(bytes), bytes.size(), image.data.data(), image.width, 0, image.height,
                    image.channels == 1 ? TJPF_GRAY : TJPF_RGB, TJFLAG_LIMITSCANS);
  if (status != 0) {
    const std::string message = tjGetErrorStr2(handle.get());
    // Some cameras pad between segments: all pixels are there. Every other warning means that pixels are
    // missing.
    const bool harmless = tjGetErrorCode(handle.get()) == TJERR_WARNING &&
                          message.find("extraneous bytes") != std::string::npos;
    if (!harmless)
      throw InputError("{}: damaged or truncated JPEG: {}{}", where, message, internal::kWhatToDo);
    LogDebug("{}: {}", where, message);
  }
  return image;
}

}  // namespace internal

std::vector<std::byte> EncodeJpeg(const ImageU8& image, int quality) {
  SF_CHECK(image.channels == 1 || image.channels == 3);
  SF_CHECK(!image.empty());
  SF_CHECK(quality >= 1 && quality <= 100);
  const Handle handle(tjInitCompress());
  if (!handle) throw ResourceError("the JPEG encoder cannot be started: {}", tjGetErrorStr2(nullptr));
  const bool gray = image.channels == 1;
  const int subsampling = gray ? TJSAMP_GRAY : (quality >= 90 ? TJSAMP_444 : TJSAMP_420);
  unsigned char* encoded = nullptr;
  unsigned long size = 0;
  const int status = tjCompress2(handle.get(), image.data.data(), image.width, 0, image.height,
                                 gray ? TJPF_GRAY : TJPF_RGB, &encoded, &size, subsampling, quality, 0);
  const std::unique_ptr<unsigned char, void (*)(unsigned char*)> owner(encoded, tjFree);
  if (status != 0) {
    throw InputError("{} x {} pixels cannot be written as JPEG: {}; write PNG instead", image.width,
                     image.height, tjGetErrorStr2(handle.get()));
  }
  const auto* first = reinterpret_cast<const std::byte*>(encoded);
  return {first, first + size};
}

}  // namespace semfield
