// The JPEG decoder, to 8 and to 16 bits.
#include "image_check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return semfield::fuzz::CheckImage(semfield::fuzz::Text(data, size));
}
