#pragma once

#include <array>
#include <span>
#include <vector>

#include "semfield/image/image.h"
#include "semfield/perception/prompt.h"

namespace semfield {

// Where a picture lies in SAM's square input: its longest side is scaled to `input_size`, the other one keeps
// the ratio (rounded), the rest is padding at the right or the bottom. (Segment Anything, Kirillov et al.
// 2023, and its ResizeLongestSide.)
struct SamFrame {
  int image_width = 0;
  int image_height = 0;
  int input_size = 0;
  int width = 0;  // of the scaled picture
  int height = 0;
};

// Sizes below 1 or over 2^28 pixels: InputError.
SamFrame MakeSamFrame(int image_width, int image_height, int input_size);

// The network's input [3, input_size, input_size]: resized to the frame, (value - mean) / std, then padded
// with zeros.
std::vector<float> SamInput(const ImageU8& rgb, int input_size, const std::array<double, 3>& mean,
                            const std::array<double, 3>& std);

// What the decoder reads of a prompt. Labels: 1 in, 0 out, 2 and 3 the corners of a box, -1 padding.
struct SamPrompt {
  std::vector<float> coords;  // [count, 2], x and y in the frame; SAM adds the half pixel itself
  std::vector<float> labels;  // [count]
};

// One padding point follows clicks without a box, as the decoder was trained. Empty prompt, more than one box
// or 64 clicks, anything outside the image or not finite, an empty box: InputError.
SamPrompt MakeSamPrompt(const Prompt& prompt, const SamFrame& frame);

// [mask_size, mask_size] logits of the padded frame -> logits of the image, as SAM does it: bilinear to
// input_size, cut off the padding, bilinear to the image. Done as one separable step.
ImageF SamLogitsToImage(std::span<const float> low_res, int mask_size, const SamFrame& frame);

}  // namespace semfield
