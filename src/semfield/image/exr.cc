#include <tinyexr.h>

#include <cstring>
#include <memory>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace {

// EXR keeps a plane a channel, sorted by name.
std::vector<std::vector<float>> Planes(const ImageF& image) {
  std::vector<std::vector<float>> planes(image.channels, std::vector<float>(image.num_pixels()));
  for (int plane = 0; plane < image.channels; ++plane) {
    const int channel = image.channels - 1 - plane;  // (A) B G R
    for (size_t i = 0; i < image.num_pixels(); ++i)
      planes[plane][i] = image.data[i * image.channels + channel];
  }
  return planes;
}

}  // namespace

std::vector<std::byte> EncodeExr(const ImageF& image) {
  SF_CHECK(image.channels == 1 || image.channels == 3 || image.channels == 4);
  SF_CHECK(!image.empty());
  const std::vector<std::vector<float>> planes = Planes(image);
  const char* names = image.channels == 1 ? "Y" : (image.channels == 3 ? "BGR" : "ABGR");
  std::vector<EXRChannelInfo> channels(image.channels);
  std::vector<int> types(image.channels, TINYEXR_PIXELTYPE_FLOAT);
  std::vector<unsigned char*> pointers(image.channels);
  for (int i = 0; i < image.channels; ++i) {
    std::memset(&channels[i], 0, sizeof(channels[i]));
    channels[i].name[0] = names[i];
    pointers[i] = reinterpret_cast<unsigned char*>(const_cast<float*>(planes[i].data()));
  }
  EXRHeader header;
  InitEXRHeader(&header);
  header.num_channels = image.channels;
  header.channels = channels.data();
  header.pixel_types = types.data();
  header.requested_pixel_types = types.data();
  header.compression_type = TINYEXR_COMPRESSIONTYPE_ZIP;
  EXRImage exr;
  InitEXRImage(&exr);
  exr.num_channels = image.channels;
  exr.images = pointers.data();
  exr.width = image.width;
  exr.height = image.height;

  unsigned char* encoded = nullptr;
  const char* message = nullptr;
  const size_t size = SaveEXRImageToMemory(&exr, &header, &encoded, &message);
  const std::unique_ptr<unsigned char, void (*)(void*)> owner(encoded, std::free);
  if (size == 0 || encoded == nullptr) {
    const std::string reason = message != nullptr ? message : "no reason given";
    if (message != nullptr) FreeEXRErrorMessage(message);
    throw ResourceError("{} x {} pixels cannot be encoded as EXR: {}", image.width, image.height, reason);
  }
  const auto* first = reinterpret_cast<const std::byte*>(encoded);
  return {first, first + size};
}

}  // namespace semfield
