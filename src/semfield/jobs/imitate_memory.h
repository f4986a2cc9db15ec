#pragma once

#include "semfield/base/memory.h"
#include "semfield/methods/feature_field/feature_model.h"
#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {

// What an imitation takes, in bytes.
struct ImitateMemory {
  double view = 0;  // of the cache: the teacher's answer and the samples behind every token
  double rest = 0;  // encoders at work, views in the making, the student
};

// Before any view is made; samples that carry weight are taken to be 15 a ray.
ImitateMemory EstimateImitateMemory(const FeatureOptions& options, const FeatureSpace& teacher,
                                    int num_workers);

// Views of a cache that four fifths of what is available hold; 0 if not even the rest fits.
int LargestCache(const ImitateMemory& memory, const MemoryLimit& available);

// Logs the size of a cache of options.cache_size views, or of `num_views` if no more are ever made. More than
// is available: ResourceError that names LargestCache as --cache-size; with --restart if `fixed` (an
// imitation that is gone on with keeps its options).
void CheckImitateMemory(const ImitateMemory& memory, const FeatureOptions& options, int64_t num_views,
                        bool fixed, const MemoryLimit& available);

}  // namespace semfield
