#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "semfield/base/random.h"
#include "semfield/capture/image_store.h"
#include "semfield/capture/known_depth.h"
#include "semfield/geometry/rays.h"

namespace semfield {

// Training rays with what they should look like. Colour is straight (not premultiplied) in [0, 1].
struct RayBatch {
  std::vector<Ray> rays;     // [num_rays]
  std::vector<float> rgba;   // [num_rays, 4]; alpha 1 for opaque captures
  std::vector<int> view;     // [num_rays] index into Capture::views
  std::vector<float> depth;  // [num_rays] known z-depth of what a ray sees, 0: unknown; empty: no source
  // [num_trios] 1: the photo shows no texture between the three pixels, falling to 0 where it does.
  std::vector<float> plainness;
  void Resize(size_t num_rays);
  size_t size() const { return rays.size(); }
};

// What drawing rays holds in memory.
struct SamplerMemory {
  size_t all_bytes = 0;     // of all photos decoded, with their masks
  size_t photo_bytes = 0;   // of those that are held at a time
  size_t frame_bytes = 0;   // of the largest one
  size_t decode_bytes = 0;  // of photos at their own size, while they are shrunk
  size_t table_bytes = 0;   // of directions of cameras with distortion
  int resident_frames = 0;
  int look_ahead = 0;  // frames loaded ahead in the background; 0: all photos stay in memory
};
// Reads headers only. All photos stay in memory if store.max_bytes() holds them.
SamplerMemory PlanSamplerMemory(const Capture& capture, const ImageStore& store,
                                const std::vector<int>& views);

// How a training uses the rays, which decides how photos rotate when not all stay in memory.
struct SamplerSchedule {
  uint64_t seed = 1;
  int64_t steps = 1;
  int samples_per_step = 65536;
  DepthSource depth = DepthSource::kNone;
};

// What a batch is made of. Its first rays are trios: three pixels in a row or a column of one view, equally
// far apart, the middle one second; how far is drawn of `span`, its half and its quarter. Then come pixels in
// which a sparse point was seen (DepthSource::kPoints), then pixels drawn one by one.
struct BatchRequest {
  size_t num_rays = 0;  // in all
  size_t num_trios = 0;
  float span = 0.05f;  // of the picture's longer side
  size_t num_points = 0;
};

// Draws pixels uniformly over all unmasked pixels of the given views, or of the views that are resident at a
// step when not all fit the store (frame_rotation.h: every view is resident equally long over the training,
// and which ones is a function of seed and step alone). Keeps decoded 8-bit pixels through the store and
// precomputed camera directions (one table per distinct camera), so that a batch costs tens of nanoseconds a
// ray. Capture and store must outlive it.
class RaySampler {
 public:
  RaySampler(const Capture& capture, const ImageStore& store, std::vector<int> views,
             const SamplerSchedule& schedule = {});
  ~RaySampler();
  // Fills `batch`; the same step and random state give the same rays. Steps should go up
  // by one: others may load all resident photos anew. From one thread at a time.
  void Sample(int64_t step, Random& random, const BatchRequest& request, RayBatch* batch);
  void Sample(int64_t step, Random& random, size_t num_rays, RayBatch* batch) {
    Sample(step, random, BatchRequest{.num_rays = num_rays}, batch);
  }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semfield
