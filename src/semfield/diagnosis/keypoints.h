#pragma once

#include <cstdint>
#include <vector>

#include "semfield/image/image.h"

namespace semfield::diagnosis {

constexpr int kDescriptorSize = 128;

// A blob that another photo of the same thing shows too, wherever it lies, however large or turned it is
// there.
struct Keypoint {
  float x = 0, y = 0;    // pixels, centres at +0.5
  float scale = 0;       // standard deviation of the blob, pixels
  float angle = 0;       // of the strongest gradient around it, radians
  float strength = 0;    // contrast of the blob
  float sharpness = -1;  // finest detail around it against coarser detail; negative: too flat to say
};

struct KeypointOptions {
  int max_keypoints = 800;  // the strongest are kept
  bool enlarge = false;     // look for blobs in the image at twice its size: for small images
};

// Keypoints in order of strength, each with a descriptor of kDescriptorSize bytes (square roots of its
// histogram, as of Arandjelovic and Zisserman 2012, so that the inner product compares two).
struct Keypoints {
  std::vector<Keypoint> points;
  std::vector<uint8_t> descriptors;
};

// Extrema of differences of Gaussians with gradient histograms (Lowe, Distinctive Image Features from
// Scale-Invariant Keypoints, 2004), of one channel in [0, 1]. Where `use` (same size, may be empty) is 0
// there are none.
Keypoints FindKeypoints(const ImageF& gray, const ImageU8& use, const KeypointOptions& options);

}  // namespace semfield::diagnosis
