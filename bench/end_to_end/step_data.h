#pragma once

#include <vector>

#include "semfield/capture/image_store.h"
#include "semfield/methods/radiance/training/radiance_trainer.h"

namespace semfield::bench {

// The rays, targets and samples of a trainer's next step, in plain arrays: made the way RadianceTrainer::Step
// makes them, from the same seeds.
struct StepData {
  int num_rays = 0;
  std::vector<float> rgba, background;  // [num_rays, 4], [num_rays, 3]
  std::vector<float> direction[3];      // [num_rays] each
  std::vector<int64_t> begin;           // [num_rays + 1] into the samples
  std::vector<int64_t> ray;             // [samples]
  std::vector<float> x, y, z;           // [samples] in the unit cube
  std::vector<float> t, dt;             // [samples] in half extents
};
StepData MakeStepData(const Capture& capture, const ImageStore& store, const RadianceTrainer& trainer);

}  // namespace semfield::bench
