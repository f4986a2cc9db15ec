#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "semfield/field/feature_field.h"
#include "semfield/perception/mask.h"
#include "semfield/perception/prompt.h"
#include "semfield/perception/prompt_decoder.h"
#include "semfield/perception/square_view.h"

namespace semfield {

// A click tied to the surface it was made on.
struct SurfaceClick {
  Vec3 point = Vec3::Zero();  // world
  bool positive = true;
};

struct SegmentResult {
  Mask mask;                                   // in the frame's pixels
  std::map<std::string, double> milliseconds;  // features, decode, map
};

// Masks from prompts by rendered features (SAN section 4.4): the teacher's decoder runs, its encoder never
// does.
class ClickSegmenter {
 public:
  // All three must outlive this object. Calls are as thread-safe as the decoder (one at a time).
  ClickSegmenter(const RadianceField& field, const FeatureField& features, PromptDecoder& decoder)
      : field_(field), features_(features), decoder_(decoder) {}

  // Where on the scene's surface a click of this view lies; nothing if the ray hits nothing.
  std::optional<SurfaceClick> Lift(const Camera& camera, const Pose& world_from_camera,
                                   const PromptPoint& point) const;

  // The clicks that another view sees: projected, inside the picture, and the rendered distance there agrees
  // with the point's within depth_tolerance (relative). used[i] tells which of the clicks those are.
  Prompt Reproject(const std::vector<SurfaceClick>& clicks, const Camera& camera,
                   const Pose& world_from_camera, double depth_tolerance, std::vector<bool>* used) const;

  // The mask of one view. Points and boxes are in pixels of `camera`. Several points are given one after
  // another, the mask so far going along as the decoder's mask input, as in SAM's interactive use.
  SegmentResult Segment(const Camera& camera, const Pose& world_from_camera, const Prompt& prompt,
                        Granularity granularity);
  // The same from features given by the caller (the teacher's own, for comparison).
  SegmentResult SegmentWith(const FeatureMap& features, const SquareView& view, const Prompt& prompt,
                            Granularity granularity);

  // The prompt in the pixels of the square picture. A box becomes the box around its mapped border.
  static Prompt SquarePrompt(const SquareView& view, const Prompt& prompt);

 private:
  const RadianceField& field_;
  const FeatureField& features_;
  PromptDecoder& decoder_;
};

// Decodes a prompt given in the square picture's own pixels; see ClickSegmenter::Segment for several points.
Mask DecodePrompt(PromptDecoder& decoder, const FeatureMap& features, int resolution, const Prompt& prompt,
                  Granularity granularity);

// Pixels a side at which masks are decoded in the square picture (before mapping to the frame).
inline constexpr int kSquareMaskResolution = 512;

}  // namespace semfield
