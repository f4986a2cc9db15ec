#pragma once

#include <cstddef>
#include <string>

#include "semfield/base/memory.h"
#include "semfield/capture/ray_batch.h"
#include "semfield/methods/method.h"
#include "semfield/run/train_section.h"

namespace semfield {

// What decides how much memory a training takes.
struct TrainSize {
  double downscale = 1;
  int image_cache_mib = kDefaultImageCacheMib;
  const Method* method = nullptr;  // never nullptr where it is used
  AnyOptions options;              // of the method, resolved
};

// In bytes, before anything is decoded.
struct TrainMemory {
  SamplerMemory photos;
  MemoryNeed training;
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

// The same for a training whose needs are known when it is prepared. More than is available: ResourceError
// that names the option which would make it fit; with --restart if `fixed`.
void CheckTrainingMemory(const SceneTraining& training, bool fixed, const MemoryLimit& available);

}  // namespace semfield
