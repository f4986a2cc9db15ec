#include "semfield/perception/sam_decoder.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/error.h"

namespace semfield {
namespace fs = std::filesystem;

namespace {

constexpr float kBiasPerPoint = 1000.0f;

bool AllFinite(std::span<const float> values) {
  // x - x is 0 for finite x and NaN otherwise; summing keeps the loop free of branches.
  float sum = 0;
  for (float value : values) sum += value - value;
  return sum == 0;
}

}  // namespace

const char* GranularityName(Granularity granularity) {
  switch (granularity) {
    case Granularity::kAuto:
      return "auto";
    case Granularity::kWhole:
      return "whole";
    case Granularity::kPart:
      return "part";
    case Granularity::kSubpart:
      return "subpart";
    case Granularity::kSingle:
      return "single";
  }
  return "auto";
}

Granularity ParseGranularity(const std::string& name) {
  for (Granularity granularity : {Granularity::kAuto, Granularity::kWhole, Granularity::kPart,
                                  Granularity::kSubpart, Granularity::kSingle})
    if (name == GranularityName(granularity)) return granularity;
  throw InputError("granularity: expected auto, whole, part, subpart or single, got '{}'", name);
}

SamDecoder::SamDecoder(const ModelCard& card, const fs::path& model, const DecoderOptions& options)
    : card_(std::make_shared<ModelCard>(card)) {
  const DecoderCard& decoder = card.decoder;
  no_mask_.assign(static_cast<size_t>(decoder.mask_size) * decoder.mask_size, 0.0f);
  SessionOptions session;
  session.threads = options.threads;
  if (has_all_masks()) session.extra_outputs = {decoder.all_masks, decoder.all_scores};
  session_ = std::make_shared<InferenceSession>(InferenceRuntime::Load(options.onnxruntime), model, session);
  CheckSignature();
}

void SamDecoder::CheckSignature() const {
  const DecoderCard& decoder = card_->decoder;
  const std::string file = session_->model().string();
  const int side = decoder.mask_size;
  const std::pair<std::string, std::vector<int64_t>> expected[] = {
      {decoder.image_embeddings, {1, card_->encoder.channels, card_->encoder.grid, card_->encoder.grid}},
      {decoder.point_coords, {1, -1, 2}},
      {decoder.point_labels, {1, -1}},
      {decoder.mask_input, {1, 1, side, side}},
      {decoder.has_mask_input, {1}},
      {decoder.image_size, {2}}};
  for (const auto& [name, shape] : expected) {
    const TensorInfo* input = session_->FindInput(name);
    if (!input) throw InputError("{}: no input '{}', got {}", file, name, Describe(session_->inputs()));
    if (input->type != ElementType::kFloat || !MatchesShape(*input, shape))
      throw InputError("{}: expected f32 input '{}' [{}], got {}", file, name, fmt::join(shape, ", "),
                       Describe({*input}));
  }
  if (session_->inputs().size() != std::size(expected))
    throw InputError("{}: expected {} inputs, got {}", file, std::size(expected),
                     Describe(session_->inputs()));
  const auto outputs = has_all_masks() ? std::vector<std::string>{decoder.all_masks, decoder.all_scores}
                                       : std::vector<std::string>{decoder.low_res_mask, decoder.score};
  for (const std::string& name : outputs)
    if (!session_->FindOutput(name))
      throw InputError("{}: no output '{}', got {}", file, name, Describe(session_->outputs()));
}

void SamDecoder::CheckFeatures(const FeatureMap& features) const {
  const EncoderCard& encoder = card_->encoder;
  const bool same_size =
      features.channels == encoder.channels && features.height == encoder.grid &&
      features.width == encoder.grid &&
      features.data.size() == static_cast<size_t>(encoder.channels) * encoder.grid * encoder.grid;
  if (!same_size)
    throw InputError("model '{}': features [{}, {}, {}] ({} values), expected [{}, {}, {}]", card_->name,
                     features.channels, features.height, features.width, features.data.size(),
                     encoder.channels, encoder.grid, encoder.grid);
  if (!AllFinite(features.data))
    throw InputError("model '{}': the features hold values that are not finite", card_->name);
}

void SamDecoder::CheckPrevious(const std::vector<float>& previous) const {
  if (previous.size() != no_mask_.size())
    throw InputError("model '{}': the earlier mask has {} logits, expected {}", card_->name, previous.size(),
                     no_mask_.size());
  if (!AllFinite(previous))
    throw InputError("model '{}': the earlier mask holds values that are not finite", card_->name);
}

SamDecoder::Answer SamDecoder::RunGraph(const FeatureMap& features, const SamFrame& frame,
                                        const Prompt& prompt, const std::vector<float>* previous) const {
  const DecoderCard& decoder = card_->decoder;
  CheckFeatures(features);
  if (previous) CheckPrevious(*previous);
  const SamPrompt sam = MakeSamPrompt(prompt, frame);
  const int64_t count = static_cast<int64_t>(sam.labels.size());
  const int64_t side = decoder.mask_size;
  const float has_mask = previous ? 1.0f : 0.0f;
  // The graph's own full-size mask is not read; a small size keeps its cost away.
  const float size[2] = {static_cast<float>(std::max(1, frame.height / 4)),
                         static_cast<float>(std::max(1, frame.width / 4))};
  const auto input = [](const std::string& name, std::vector<int64_t> shape, std::span<const float> values) {
    return TensorInput{name, std::move(shape), ElementType::kFloat, values, {}};
  };
  const std::vector<TensorInput> inputs = {
      input(decoder.image_embeddings, {1, features.channels, features.height, features.width}, features.data),
      input(decoder.point_coords, {1, count, 2}, sam.coords),
      input(decoder.point_labels, {1, count}, sam.labels),
      input(decoder.mask_input, {1, 1, side, side}, previous ? *previous : no_mask_),
      input(decoder.has_mask_input, {1}, {&has_mask, 1}),
      input(decoder.image_size, {2}, size)};
  const auto outputs = has_all_masks() ? std::vector<std::string>{decoder.all_masks, decoder.all_scores}
                                       : std::vector<std::string>{decoder.low_res_mask, decoder.score};
  std::vector<TensorOutput> results = session_->Run(inputs, outputs);

  const int64_t masks = has_all_masks() ? static_cast<int64_t>(decoder.mask_order.size()) : 1;
  const std::vector<int64_t> expected = {1, masks, side, side};
  if (results[0].shape != expected || results[0].floats.empty() ||
      results[1].floats.size() != static_cast<size_t>(masks))
    throw InputError("{}: expected f32 masks [{}] and {} scores, got [{}] and [{}]",
                     session_->model().string(), fmt::join(expected, ", "), masks,
                     fmt::join(results[0].shape, ", "), fmt::join(results[1].shape, ", "));
  if (!AllFinite(results[0].floats) || !AllFinite(results[1].floats))
    throw InputError("{}: the graph answered with values that are not finite", session_->model().string());
  return {std::move(results[0].floats), std::move(results[1].floats), static_cast<size_t>(count)};
}

size_t SamDecoder::Choose(const Answer& answer, Granularity granularity) const {
  const std::vector<std::string>& order = card_->decoder.mask_order;
  if (granularity != Granularity::kAuto) {
    const auto found = std::find(order.begin(), order.end(), GranularityName(granularity));
    if (found == order.end())
      throw InputError("model '{}' cannot answer for the {}: its card names {}; use auto", card_->name,
                       GranularityName(granularity),
                       order.empty() ? "no separate masks" : fmt::format("only {}", fmt::join(order, ", ")));
    return static_cast<size_t>(found - order.begin());
  }
  // Segment Anything's export: score + (number of prompt points - 2.5) * 1000 for the single-mask token.
  size_t best = 0;
  float best_score = 0;
  for (size_t i = 0; i < answer.scores.size(); ++i) {
    const bool single = !order.empty() && order[i] == "single";
    const float bias = single ? (static_cast<float>(answer.num_prompt_points) - 2.5f) * kBiasPerPoint : 0.0f;
    const float score = answer.scores[i] + bias;
    if (i == 0 || score > best_score) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

Mask SamDecoder::ToMask(const Answer& answer, size_t index, const SamFrame& frame) const {
  const size_t plane = no_mask_.size();
  Mask mask;
  mask.low_res_logits.assign(answer.masks.begin() + index * plane,
                             answer.masks.begin() + (index + 1) * plane);
  mask.logits = SamLogitsToImage(mask.low_res_logits, card_->decoder.mask_size, frame);
  mask.binary = ImageU8(frame.image_width, frame.image_height, 1);
  for (size_t i = 0; i < mask.logits.data.size(); ++i)
    mask.binary.data[i] = mask.logits.data[i] > 0 ? 255 : 0;
  mask.score = answer.scores[index];
  mask.granularity = has_all_masks() ? card_->decoder.mask_order[index] : "single";
  return mask;
}

Mask SamDecoder::Decode(const FeatureMap& features, int image_width, int image_height, const Prompt& prompt,
                        Granularity granularity, const std::vector<float>* previous_low_res_logits) {
  const SamFrame frame = MakeSamFrame(image_width, image_height, card_->encoder.input_size);
  const Answer answer = RunGraph(features, frame, prompt, previous_low_res_logits);
  return ToMask(answer, Choose(answer, granularity), frame);
}

std::vector<Mask> SamDecoder::DecodeAll(const FeatureMap& features, int image_width, int image_height,
                                        const Prompt& prompt,
                                        const std::vector<float>* previous_low_res_logits) {
  const SamFrame frame = MakeSamFrame(image_width, image_height, card_->encoder.input_size);
  const Answer answer = RunGraph(features, frame, prompt, previous_low_res_logits);
  std::vector<Mask> masks;
  for (size_t i = 0; i < answer.scores.size(); ++i) masks.push_back(ToMask(answer, i, frame));
  return masks;
}

std::unique_ptr<PromptDecoder> LoadPromptDecoder(const std::string& model_name,
                                                 const DecoderOptions& options) {
  return LoadPromptDecoder(FindModelCard(model_name), options);
}

std::unique_ptr<PromptDecoder> LoadPromptDecoder(const ModelCard& card, const DecoderOptions& options) {
  CheckModelKind(card, "sam");
  InferenceRuntime::Load(options.onnxruntime);
  const fs::path model = VerifyModelFile(card, card.decoder.file);
  for (const ModelFile& file : card.extra_files) VerifyModelFile(card, file);
  return std::make_unique<SamDecoder>(card, model, options);
}

}  // namespace semfield
