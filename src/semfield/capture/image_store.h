#pragma once

#include <cstddef>
#include <memory>

#include "semfield/capture/capture.h"
#include "semfield/image/image.h"

namespace semfield {

// Decoded photos of one capture, uint8, lazily and within a memory bound (least recently used leave first;
// one image is always kept). Thread-safe. The capture must outlive the store.
class ImageStore {
 public:
  // downscale >= 1 divides width and height (rounded) by area averaging.
  ImageStore(const Capture& capture, double downscale = 1.0, size_t max_bytes = size_t{4} << 30);
  ~ImageStore();

  // The camera of view `index` at the store's size.
  Camera CameraOf(int index) const;
  // RGB or RGBA pixels at the store's size; grey is repeated. A mask that is alpha is in it. RGBA is
  // straight, and shrunk in premultiplied colours. A file that is damaged or changed its size since the
  // capture was read: Error naming it, to every caller that asks.
  std::shared_ptr<const ImageU8> Image(int index) const;
  // One channel, 255 = use the pixel, 0 = ignore; nullptr when the view has no mask. Of a mask that is alpha:
  // 0 in the holes of the thing alone.
  std::shared_ptr<const ImageU8> Mask(int index) const;
  double downscale() const;
  double depth_unit() const;    // world units a step of a depth map
  size_t bytes_in_use() const;  // of what the store itself holds on to
  size_t max_bytes() const;

  // Labels at the original size, not cached: instance or class ids, z-depth in world units. Empty when
  // absent. Ids from smaller maps are enlarged to the nearest pixel; depth from smaller maps is placed at the
  // pixels it was sampled at, the others are 0 = unknown, so that every value is exact (a map of stride s
  // holds pixels s i + s / 2).
  ImageU16 Instances(int index) const;
  ImageU16 Classes(int index) const;
  ImageF Depth(int index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semfield
