#pragma once

#include <vector>

#include "semfield/capture/capture.h"
#include "semfield/image/image.h"

namespace semfield {

// What one view keeps, as its mask (or its alpha) says, at about 160 pixels a side.
struct KeptPixels {
  int view = 0;  // into Capture::views
  Camera camera;
  ImageU8 kept;       // 255 or 0
  double share = 1;   // kept
  double middle = 1;  // kept share of the middle third
  double border = 1;  // kept share of the outermost pixels
};

// Of the views that have a mask or alpha, at most about max_views of them, evenly spread. Reads the files.
std::vector<KeptPixels> ReadKeptPixels(const Capture& capture, int max_views);

// What stands still inside the cones of what views keep.
struct MaskHull {
  double overlap = 0;  // of its pictures with what the views keep: mean intersection over union
  Box3 bounds;         // of its cells; empty (min above max) where there are none
};

struct MaskHullOptions {
  bool kept = true;  // of what views keep; false: of what they leave out
  // A cell stays where no larger share of the views that see it disagrees.
  double most_disagreeing = 0;
  double fewest_seeing = 0.5;  // share of the views that must see a cell, agreeing or not
};

// The hull in the cube around `center` that reaches out to `radius`, in 40 cells a side.
MaskHull FindMaskHull(const Capture& capture, const std::vector<KeptPixels>& views, const Vec3& center,
                      double radius, const MaskHullOptions& options);

}  // namespace semfield
