#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/perception/image_encoder.h"
#include "semfield/perception/ort.h"

namespace semfield {

// Segment Anything's image encoder, and anything with the same input and output (MobileSAM, TinyViT, ...).
class SamEncoder final : public ImageEncoder {
 public:
  // Loads the card's graph at `model` and compares it with the card: InputError naming what differs. `taps`
  // are names among card.encoder.taps.
  SamEncoder(const ModelCard& card, const std::filesystem::path& model, const EncoderOptions& options);

  const ModelCard& card() const override { return *card_; }
  int input_size() const override { return card_->encoder.input_size; }
  int grid() const override { return card_->encoder.grid; }
  int channels() const override { return card_->encoder.channels; }
  FeatureMap Encode(const ImageU8& rgb, const StopToken* stop) override;
  std::vector<FeatureMap> EncodeStages(const ImageU8& rgb) override;
  std::unique_ptr<ImageEncoder> Clone() const override { return std::make_unique<SamEncoder>(*this); }
  const InferenceSession& session() const { return *session_; }

 private:
  void CheckSignature() const;
  FeatureMap ToFinalMap(TensorOutput output) const;
  FeatureMap ToStageMap(const ModelTap& tap, TensorOutput output) const;
  std::vector<TensorOutput> RunGraph(const ImageU8& rgb, const std::vector<std::string>& outputs,
                                     const StopToken* stop) const;
  std::shared_ptr<const ModelCard> card_;
  std::shared_ptr<const InferenceSession> session_;
  std::vector<ModelTap> taps_;
};

}  // namespace semfield
