#include "semfield/capture/pixel_set.h"

#include <algorithm>

#include "semfield/base/check.h"

namespace semfield {
namespace {

// Unmasked fraction under which pixels are listed rather than rejected.
constexpr double kListBelow = 1.0 / 8;

}  // namespace

PixelSet::PixelSet(uint32_t num_pixels, const ImageU8* mask) : num_pixels_(num_pixels), count_(num_pixels) {
  if (mask == nullptr) return;
  SF_CHECK_EQ(mask->num_pixels(), size_t{num_pixels_});
  count_ = static_cast<uint64_t>(std::count(mask->data.begin(), mask->data.end(), uint8_t{255}));
  if (count_ == num_pixels_) return;
  if (static_cast<double>(count_) < kListBelow * num_pixels_) {
    list_.reserve(count_);
    for (uint32_t p = 0; p < num_pixels_; ++p) {
      if (mask->data[p] == 255) list_.push_back(p);
    }
    return;
  }
  bits_.resize((size_t{num_pixels_} + 63) / 64);
  for (uint32_t p = 0; p < num_pixels_; ++p) {
    if (mask->data[p] == 255) bits_[p >> 6] |= uint64_t{1} << (p & 63);
  }
}

}  // namespace semfield
