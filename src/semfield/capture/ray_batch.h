#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "semfield/base/random.h"
#include "semfield/capture/image_store.h"
#include "semfield/geometry/rays.h"

namespace semfield {

// Training rays with what they should look like. Colour is straight (not premultiplied) in [0, 1].
struct RayBatch {
  std::vector<Ray> rays;    // [num_rays]
  std::vector<float> rgba;  // [num_rays, 4]; alpha 1 for opaque captures
  std::vector<int> view;    // [num_rays] index into Capture::views
  void Resize(size_t num_rays);
  size_t size() const { return rays.size(); }
};

// Draws pixels uniformly over all unmasked pixels of the given views. Keeps decoded 8-bit pixels through the
// store and precomputed camera directions (one table per distinct camera), so that a batch costs tens of
// nanoseconds a ray. Thread-safe for different Random objects.
class RaySampler {
 public:
  RaySampler(const Capture& capture, const ImageStore& store, std::vector<int> views);
  ~RaySampler();
  // Fills `batch` with `num_rays` rays; the same random state gives the same rays.
  void Sample(Random& random, size_t num_rays, RayBatch* batch) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semfield
