// The PNG decoder, to 8 and to 16 bits. Checksums of chunks are made right first: changed chunks would all be
// refused for them, and nothing behind would ever be tried.
#include "image_check.h"

namespace {

constexpr size_t kSignatureBytes = 8;

uint32_t Crc(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

// Chunks: length, type, data, checksum of type and data; numbers of 4 bytes, big end first.
void MendChecksums(std::string* png) {
  for (size_t at = kSignatureBytes; at + 12 <= png->size();) {
    size_t length = 0;
    for (size_t k = 0; k < 4; ++k) length = length << 8 | static_cast<unsigned char>((*png)[at + k]);
    if (length > png->size() - at - 12) return;
    const uint32_t crc = Crc(std::string_view(*png).substr(at + 4, length + 4));
    for (size_t k = 0; k < 4; ++k) (*png)[at + 8 + length + k] = static_cast<char>(crc >> (24 - 8 * k));
    at += 12 + length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string png(semfield::fuzz::Text(data, size));
  MendChecksums(&png);
  return semfield::fuzz::CheckImage(png);
}
