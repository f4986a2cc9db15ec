#pragma once

#include <string>
#include <vector>

#include "semfield/image/image.h"

namespace semfield {

// One answer of a prompt decoder, in the pixels of the image it was asked about.
struct Mask {
  ImageU8 binary;  // 0 or 255, 1 channel
  ImageF logits;   // same size, 1 channel, > 0 inside
  std::vector<float>
      low_res_logits;       // [256 * 256] in the encoder's padded frame, for mask_input of a later click
  double score = 0;         // the decoder's own guess of its intersection over union; may pass 1
  std::string granularity;  // which of the decoder's masks this is: "single", "whole", "part", "subpart"
};

}  // namespace semfield
