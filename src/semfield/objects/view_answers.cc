#include "semfield/objects/view_answers.h"

namespace semfield {

std::vector<Mask> PhotoAnswers::Answer(const SurfaceView& view, const Prompt& prompt, const StopToken* stop) {
  const FeatureMap& features = Features(view.view, stop);
  if (stop != nullptr) stop->ThrowIfStopped();
  // The photo and the view's picture are one at two sizes: the decoder knows their shape alone.
  return decoder_.DecodeAll(features, view.depth.width, view.depth.height, prompt);
}

const FeatureMap& PhotoAnswers::Features(int view, const StopToken* stop) {
  if (view != kept_view_) {
    kept_ = embeddings_.Get(view, stop);
    kept_view_ = view;
  }
  return kept_;
}

std::vector<Mask> ImitatedAnswers::Answer(const SurfaceView& view, const Prompt& prompt,
                                          const StopToken* stop) {
  return session_.AskAll({view.camera, view.world_from_camera}, prompt, stop);
}

}  // namespace semfield
