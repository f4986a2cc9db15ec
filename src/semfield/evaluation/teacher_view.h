#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "semfield/evaluation/evaluation_scene.h"
#include "semfield/field/feature_field.h"
#include "semfield/interaction/square_prompt.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/perception/square_view.h"

namespace semfield {

// One view as student and teacher see it through the square camera.
struct TeacherView {
  SquareView square;        // its frame is the view's camera at scoring size
  ImageU8 render = {};      // what the teacher looked at: our rendering through the square camera
  FeatureMap ours = {};     // rendered features
  FeatureMap teacher = {};  // the encoder's features of `render`
  std::map<std::string, double> milliseconds = {};  // render, features, encode
};

// The camera of a view, shrunk so that its longer side has at most longest_side pixels.
Camera ScoringCamera(const Camera& camera, int longest_side);

// Pixels a side of the square picture that the teacher is shown, whatever picture its student learned from.
inline constexpr int kReferenceResolution = 512;

TeacherView MakeTeacherView(const EvaluationScene& scene, const FeatureField& features, ImageEncoder& encoder,
                            int view, int longest_side, const StopToken* stop = nullptr);

// The photo of a view resampled to the square camera; `outside` (RGB) where the photo does not reach.
ImageU8 PhotoThroughSquare(const EvaluationScene& scene, int view, const TeacherView& seen,
                           const std::array<double, 3>& outside);

// Whether the middle of each token lies inside the frame, row-major over grid x grid.
std::vector<bool> TokensInFrame(const SquareView& square, int grid);

// The mask of one positive click, in the pixels of `frame` (the same camera at any size; the click too).
// Nothing where the square does not see the click.
std::optional<Mask> ClickMask(PromptDecoder& decoder, const FeatureMap& features, const SquareView& frame,
                              const Vec2& click, Granularity granularity);
// Every mask that the decoder makes of such a click, in the pixels of `frame`; none where it is not seen.
std::vector<Mask> ClickMasks(PromptDecoder& decoder, const FeatureMap& features, const SquareView& frame,
                             const Vec2& click);

}  // namespace semfield
