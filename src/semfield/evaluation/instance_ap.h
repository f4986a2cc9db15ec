#pragma once

#include <cstdint>
#include <vector>

#include "semfield/image/image.h"

namespace semfield {

// A picture of things: the number of the thing at every pixel, -1: none. Confidence of every pixel in [0, 1].
struct InstancePicture {
  int width = 0, height = 0;
  std::vector<int> ids;           // [height * width]
  std::vector<float> confidence;  // the same; empty: all 1
};

// Average precision of one picture as DM-NeRF and GP-NeRF score it, at each of `thresholds`. Every number of
// `predicted` is a mask, whose confidence is the median of its pixels'; masks and true things are matched so
// that the sum of 1 - IoU is least; a mask is right if its IoU with its thing is above the threshold. By
// falling confidence: the area under precision over recall, precision being the best at that recall or a
// larger one. Pixels whose true number is -1 do not count. Without true things: empty.
std::vector<double> AveragePrecisions(const InstancePicture& predicted, const std::vector<int>& truth,
                                      const std::vector<double>& thresholds);

}  // namespace semfield
