#pragma once

#include "semfield/methods/feature_field/feature_model.h"
#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {

// What an imitation takes, in bytes.
struct ImitationMemory {
  double view = 0;  // of the cache: the teacher's answer and the samples behind every token
  double rest = 0;  // encoders at work, views in the making, the student
};

// Before any view is made; samples that carry weight are taken to be 15 a ray.
ImitationMemory EstimateImitationMemory(const FeatureOptions& options, const FeatureSpace& teacher,
                                        int num_workers);

// Views of a cache that four fifths of `available` bytes hold; 0 if not even the rest fits.
int LargestCache(const ImitationMemory& memory, double available);

}  // namespace semfield
