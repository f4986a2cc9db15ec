#pragma once

#include <cstddef>

#include "semfield/methods/radiance/model/radiance_options.h"

namespace semfield {

// What training a radiance field holds beside the photos, in bytes.
struct RadianceMemory {
  size_t field = 0;       // parameters, their gradients and Adam's moments, occupancy
  size_t samples = 0;     // of a step, with what the networks keep of them
  size_t checkpoint = 0;  // read back whole before it is replaced
  size_t total() const { return field + samples + checkpoint; }
};

// Options are resolved. From shapes alone: nothing is allocated.
RadianceMemory EstimateRadianceMemory(const RadianceOptions& options, int num_threads);

}  // namespace semfield
