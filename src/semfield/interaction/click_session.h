#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/field/feature_field.h"
#include "semfield/field/radiance_field.h"
#include "semfield/interaction/square_prompt.h"
#include "semfield/perception/mask.h"
#include "semfield/perception/prompt.h"
#include "semfield/perception/prompt_decoder.h"

namespace semfield {

// A view that is asked about: a camera and where it stands.
struct SeenView {
  Camera camera;
  Pose world_from_camera;
};

// A click tied to the surface it was made on.
struct SurfaceClick {
  Vec3 point = Vec3::Zero();  // world
  bool positive = true;
};

struct SegmentResult {
  Mask mask;                                   // in the frame's pixels
  std::map<std::string, double> milliseconds;  // features, decode, map
};

// The answer of a view that somebody else clicked in.
struct SpreadResult {
  Prompt prompt;        // the clicks that the view sees, in its pixels
  bool hidden = false;  // it sees no positive one: the mask is empty
  SegmentResult answer;
};

// The features of a square picture, [channels, grid, grid]. `stop` as RadianceField::Render.
using FeatureSource =
    std::function<FeatureMap(const Camera& square, const Pose& world_from_square, const StopToken* stop)>;
// Those that a feature field renders (SAN section 4.4). Both must outlive it.
FeatureSource RenderedFeatures(const RadianceField& field, const FeatureField& features);

struct ClickSessionOptions {
  size_t feature_bytes = size_t{256} << 20;  // of kept features; those of the last view are always kept
};

// Masks from prompts in the views of one scene. The features of a view are kept, so that all but the first
// prompt in it cost the decoder alone. A frame that one square picture cannot hold (square_view.h) is asked
// about in several: the prompt in the square that sees it most centrally, and the thing it found in those
// that it reaches into. One call at a time.
class ClickSession {
 public:
  // All must outlive this object.
  ClickSession(const RadianceField& field, FeatureSource features, PromptDecoder& decoder,
               const ClickSessionOptions& options = {});

  // The mask of one view. Points and boxes are in pixels of its camera. A click that no square picture sees,
  // or a prompt that the decoder cannot answer (words, classes): InputError. Asked to stop: InterruptedError.
  SegmentResult Ask(const SeenView& view, const Prompt& prompt, Granularity granularity,
                    const StopToken* stop = nullptr);

  // Every mask that the decoder makes for the prompt (granularity as PromptDecoder::DecodeAll), of the one
  // square that sees the prompt most centrally. Errors as Ask.
  std::vector<Mask> AskAll(const SeenView& view, const Prompt& prompt, const StopToken* stop = nullptr);

  // Where on the scene's surface a click of this view lies; nothing if the ray hits nothing.
  std::optional<SurfaceClick> Lift(const SeenView& view, const PromptPoint& point) const;

  // The clicks that another view sees: projected, inside the picture, and the rendered distance there agrees
  // with the point's within depth_tolerance (relative).
  // used, if it is not nullptr: which of the clicks those are.
  Prompt Reproject(const std::vector<SurfaceClick>& clicks, const SeenView& view, double depth_tolerance,
                   std::vector<bool>* used = nullptr) const;
  // The mask there.
  SpreadResult Spread(const std::vector<SurfaceClick>& clicks, const SeenView& view, double depth_tolerance,
                      Granularity granularity, const StopToken* stop = nullptr);

  size_t kept_bytes() const { return kept_bytes_; }

 private:
  struct Kept {
    std::vector<double> key;
    std::vector<FeatureMap> maps;  // of the view's squares; empty: not asked for yet
    size_t bytes = 0;
  };

  Kept& KeptOf(const SeenView& view, size_t num_squares);
  const FeatureMap& Features(const SeenView& view, const std::vector<SquareView>& squares, size_t index,
                             const StopToken* stop);
  void ForgetOldest();

  const RadianceField& field_;
  const FeatureSource features_;
  PromptDecoder& decoder_;
  const ClickSessionOptions options_;
  std::list<Kept> kept_;  // the last used first
  size_t kept_bytes_ = 0;
};

}  // namespace semfield
