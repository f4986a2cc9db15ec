#pragma once

#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/interaction/click_session.h"
#include "semfield/objects/photo_embeddings.h"
#include "semfield/perception/mask.h"
#include "semfield/perception/prompt.h"
#include "semfield/perception/prompt_decoder.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// Somebody who answers prompts about the views of one scene. One call at a time.
class ViewAnswers {
 public:
  virtual ~ViewAnswers() = default;
  // Every mask that the decoder makes for a prompt in the view's pixels, at the size of its depth. Asked to
  // stop: InterruptedError.
  virtual std::vector<Mask> Answer(const SurfaceView& view, const Prompt& prompt, const StopToken* stop) = 0;
};

// The teacher itself, on the photos.
class PhotoAnswers : public ViewAnswers {
 public:
  // Both must outlive it.
  PhotoAnswers(PhotoEmbeddings& embeddings, PromptDecoder& decoder)
      : embeddings_(embeddings), decoder_(decoder) {}
  std::vector<Mask> Answer(const SurfaceView& view, const Prompt& prompt, const StopToken* stop) override;

 private:
  const FeatureMap& Features(int view, const StopToken* stop);

  PhotoEmbeddings& embeddings_;
  PromptDecoder& decoder_;
  FeatureMap kept_;  // of the view that was asked about last
  int kept_view_ = -1;
};

// The imitated features: also of views that nobody photographed.
class ImitatedAnswers : public ViewAnswers {
 public:
  // Must outlive it.
  explicit ImitatedAnswers(ClickSession& session) : session_(session) {}
  std::vector<Mask> Answer(const SurfaceView& view, const Prompt& prompt, const StopToken* stop) override;

 private:
  ClickSession& session_;
};

}  // namespace semfield
