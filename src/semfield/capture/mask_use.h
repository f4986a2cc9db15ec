#pragma once

#include <optional>
#include <string>

#include "semfield/capture/capture.h"

namespace semfield {

// What the pixels are that masks cut away.
enum class MaskUse {
  kIgnore,  // unknown: neither trained on nor scored
  kEmpty,   // nothing: there is only the thing that the masks cut out
};

// What to do with the masks of a capture, and why.
struct MaskDecision {
  MaskUse use = MaskUse::kIgnore;
  // Of kEmpty: what the thing lies in; nothing where the masks do not tell.
  std::optional<Box3> bounds;
  // One sentence on what the masks show; empty for captures without masks.
  std::string reason;
};

bool HasMasks(const Capture& capture);  // in any view

// What is made of the masks, and why.
std::string MasksInWords(const MaskDecision& decision);

// Finds out by the masks: kEmpty where the views that look at one point cut out one and the same thing, which
// is where the hull of their cones, seen again, agrees with the masks, and the masks leave out the pictures'
// borders. Reads up to 40 masks, at a few milliseconds a megapixel.
MaskDecision LookAtMasks(const Capture& capture);

// As asked for: "ignore", "empty" or "auto" (any other: SF_CHECK). "empty" for a capture of which a view to
// train on has no mask: InputError.
MaskDecision DecideMasks(const std::string& asked, const Capture& capture);

// With kEmpty the masks are from now on the alpha of their photos (View::mask_is_alpha), and the capture ends
// where the decision, or else its cameras, say.
void ApplyMasks(const MaskDecision& decision, Capture* capture);

}  // namespace semfield
