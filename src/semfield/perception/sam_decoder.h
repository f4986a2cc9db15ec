#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/perception/ort.h"
#include "semfield/perception/prompt_decoder.h"
#include "semfield/perception/sam_frame.h"

namespace semfield {

// Segment Anything's prompt encoder and mask decoder in the common ONNX export. Of its four masks, token 0
// answers several prompt points ("single"), tokens 1 to 3 answer an ambiguous click with a subpart, a part
// and the whole.
class SamDecoder final : public PromptDecoder {
 public:
  // Loads the card's graph at `model` and compares it with the card: InputError naming what differs.
  SamDecoder(const ModelCard& card, const std::filesystem::path& model, const DecoderOptions& options);

  const ModelCard& card() const override { return *card_; }
  Mask Decode(const FeatureMap& features, int image_width, int image_height, const Prompt& prompt,
              Granularity granularity = Granularity::kAuto,
              const std::vector<float>* previous_low_res_logits = nullptr) override;
  std::vector<Mask> DecodeAll(const FeatureMap& features, int image_width, int image_height,
                              const Prompt& prompt,
                              const std::vector<float>* previous_low_res_logits = nullptr) override;
  std::unique_ptr<PromptDecoder> Clone() const override { return std::make_unique<SamDecoder>(*this); }
  const InferenceSession& session() const { return *session_; }

 private:
  struct Answer {
    std::vector<float> masks;   // [count, mask_size, mask_size]
    std::vector<float> scores;  // [count]
    size_t num_prompt_points = 0;
  };
  bool has_all_masks() const { return !card_->decoder.all_masks.empty(); }
  void CheckSignature() const;
  void CheckFeatures(const FeatureMap& features) const;
  void CheckPrevious(const std::vector<float>& previous) const;
  Answer RunGraph(const FeatureMap& features, const SamFrame& frame, const Prompt& prompt,
                  const std::vector<float>* previous) const;
  Mask ToMask(const Answer& answer, size_t index, const SamFrame& frame) const;
  size_t Choose(const Answer& answer, Granularity granularity) const;

  std::shared_ptr<const ModelCard> card_;
  std::shared_ptr<const InferenceSession> session_;
  std::vector<float> no_mask_;  // zeros for mask_input when there is no earlier answer
};

}  // namespace semfield
