#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/perception/feature_map.h"
#include "semfield/perception/mask.h"
#include "semfield/perception/model_card.h"
#include "semfield/perception/prompt.h"

namespace semfield {

// How much of what was clicked is wanted. kAuto is the graph's own rule: one click picks the best scored of
// the three multi-masks, three or more prompt points (a box counts two) pick the single-mask token. kSingle
// is that token whatever the prompt: what the released code of SAN asks for.
enum class Granularity { kAuto, kWhole, kPart, kSubpart, kSingle };

const char* GranularityName(Granularity granularity);   // "auto", "whole", "part", "subpart", "single"
Granularity ParseGranularity(const std::string& name);  // unknown: InputError listing the five

struct DecoderOptions {
  int threads = 0;          // threads of the inference runtime; 0: as many as base/parallel.h uses
  std::string onnxruntime;  // path of the runtime library; empty: searched (perception/ort.h)
};

// A network that turns features and a prompt into a mask. Decode is not thread-safe on one object; several
// objects may share one loaded session (Clone).
class PromptDecoder {
 public:
  virtual ~PromptDecoder() = default;

  virtual const ModelCard& card() const = 0;

  // features: [channels, grid, grid] as the encoder of the same model made them, or an imitation of those.
  // image_width x image_height: the image the features were encoded from (before resizing and padding); the
  // prompt and the mask are in its pixels. previous_low_res_logits: Mask::low_res_logits of the answer to
  // refine. Empty prompt, points outside the image, empty boxes, values that are not finite: InputError.
  virtual Mask Decode(const FeatureMap& features, int image_width, int image_height, const Prompt& prompt,
                      Granularity granularity = Granularity::kAuto,
                      const std::vector<float>* previous_low_res_logits = nullptr) = 0;

  // Every mask the decoder made for the prompt, in the order of its card's mask_order.
  virtual std::vector<Mask> DecodeAll(const FeatureMap& features, int image_width, int image_height,
                                      const Prompt& prompt,
                                      const std::vector<float>* previous_low_res_logits = nullptr) = 0;

  // A second object over the same loaded session, for another thread.
  virtual std::unique_ptr<PromptDecoder> Clone() const = 0;
};

// Errors as LoadImageEncoder.
std::unique_ptr<PromptDecoder> LoadPromptDecoder(const std::string& model_name,
                                                 const DecoderOptions& options = {});
std::unique_ptr<PromptDecoder> LoadPromptDecoder(const ModelCard& card, const DecoderOptions& options = {});

}  // namespace semfield
