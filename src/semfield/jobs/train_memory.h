#pragma once

#include <cstddef>
#include <string>

#include "semfield/base/json.h"
#include "semfield/base/memory.h"
#include "semfield/capture/ray_batch.h"
#include "semfield/methods/radiance/radiance_memory.h"
#include "semfield/methods/radiance/radiance_options.h"

namespace semfield {

inline constexpr int kDefaultImageCacheMib = 4096;
inline constexpr int kMaxImageCacheMib = 1 << 24;
inline constexpr const char* kImageCacheHelp =
    "Memory for decoded photos, MiB. If they take more, those in memory rotate, each as long as any other. "
    "0: 4096, or "
    "with --resume as before.";
// Of a run's section "train"; the default if it does not say.
int StoredImageCache(const Json& train_section);

// What decides how much memory a training takes.
struct TrainSize {
  double downscale = 1;
  int image_cache_mib = kDefaultImageCacheMib;
  RadianceOptions radiance;  // resolved
};

// In bytes, before anything is decoded.
struct TrainMemory {
  SamplerMemory photos;
  RadianceMemory radiance;
  size_t total() const;
  // "about 640 MiB: photos 297 MiB (all 50 in memory), ..."
  std::string Text(size_t num_photos) const;
};
TrainMemory EstimateTrainMemory(const Capture& capture, const TrainSize& size);

// Logs the sizes. More than is available: ResourceError that names the options which would fit; only
// --image-cache if `fixed` (a training that is gone on with keeps its other options). A cache of too few
// photos to learn from: InputError.
void CheckTrainMemory(const Capture& capture, const TrainSize& size, bool fixed,
                      const MemoryLimit& available);

}  // namespace semfield
