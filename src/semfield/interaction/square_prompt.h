#pragma once

#include "semfield/perception/mask.h"
#include "semfield/perception/prompt.h"
#include "semfield/perception/prompt_decoder.h"
#include "semfield/perception/square_view.h"

namespace semfield {

// Pixels a side at which masks are decoded in the square picture (before mapping to the frame).
inline constexpr int kSquareMaskResolution = 512;

// The prompt in the pixels of the square picture, of what the square sees: clicks outside are left out, a box
// becomes the box around those parts of its border that are inside. Words and classes stay.
Prompt SquarePrompt(const SquareView& view, const Prompt& prompt);

// Decodes a prompt given in the square picture's own pixels. Several points are given one after another, the
// mask so far going along as the decoder's mask input, as in SAM's interactive use.
Mask DecodePrompt(PromptDecoder& decoder, const FeatureMap& features, int resolution, const Prompt& prompt,
                  Granularity granularity);

}  // namespace semfield
