#pragma once

#include <cstdint>
#include <vector>

#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"

namespace semfield {

// What tells, beside the photos, how far things are.
enum class DepthSource {
  kNone,
  kPoints,  // Capture::points, where views saw them
  kMaps,    // depth maps
};

// A pixel of a view at the store's size, and the z-depth of what it shows, world units.
struct KnownDepth {
  uint32_t pixel = 0;
  float depth = 0;
};

// Of every view of the capture: its pixels in which sparse points were seen. A point whose reprojection error
// is more than four times the median one, and one behind its view, is left out.
std::vector<std::vector<KnownDepth>> DepthsOfPoints(const Capture& capture, const ImageStore& store);

// [height, width] z-depths of a view at the store's size, 0: unknown; empty: the view has no map. A smaller
// map tells of those pixels alone that it was sampled at.
std::vector<float> DepthsOfMap(const ImageStore& store, int view);

bool HasDepthMaps(const Capture& capture);  // in any view to train on

}  // namespace semfield
