#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "semfield/base/random.h"
#include "semfield/image/image.h"

namespace semfield {

// The pixels of a view that its mask lets through.
class PixelSet {
 public:
  PixelSet() = default;
  // mask: one channel, 255 = use, num_pixels of them; nullptr: all.
  PixelSet(uint32_t num_pixels, const ImageU8* mask);

  uint64_t count() const { return count_; }  // of usable pixels
  bool Contains(uint32_t pixel) const {
    if (!list_.empty()) return std::binary_search(list_.begin(), list_.end(), pixel);
    return bits_.empty() ? count_ > 0 : Has(pixel);
  }
  // One of them, all equally likely; `first` is uniform in [0, count()), which must not be 0.
  uint32_t Draw(uint32_t first, Random& random) const {
    if (!list_.empty()) return list_[first];
    if (bits_.empty()) return first;
    for (;;) {
      const uint32_t pixel = random.Below(num_pixels_);
      if (Has(pixel)) return pixel;
    }
  }
  // The most that a set of so many pixels takes.
  static size_t MaxBytes(size_t num_pixels) { return num_pixels / 2; }

 private:
  bool Has(uint32_t pixel) const { return (bits_[pixel >> 6] >> (pixel & 63)) & 1; }

  uint32_t num_pixels_ = 0;
  uint64_t count_ = 0;
  std::vector<uint64_t> bits_;  // empty: all
  std::vector<uint32_t> list_;  // used instead of bits when few are left
};

}  // namespace semfield
