#include "semfield/perception/sam_encoder.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/perception/sam_frame.h"

namespace semfield {
namespace fs = std::filesystem;

namespace {

std::vector<ModelTap> ChooseTaps(const ModelCard& card, const std::vector<std::string>& names) {
  std::vector<ModelTap> chosen;
  for (const std::string& name : names) {
    const auto& taps = card.encoder.taps;
    const auto found =
        std::find_if(taps.begin(), taps.end(), [&](const ModelTap& tap) { return tap.name == name; });
    if (found == taps.end()) {
      std::vector<std::string> known;
      for (const ModelTap& tap : taps) known.push_back(tap.name);
      throw InputError("model '{}' has no stage '{}'; known are: {}", card.name, name,
                       known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

// Tokens [count, channels] of a square grid -> [channels, side, side].
FeatureMap FromTokens(const std::vector<float>& tokens, int side, int channels) {
  FeatureMap map{channels, side, side, std::vector<float>(tokens.size()), {}};
  const size_t count = static_cast<size_t>(side) * side;
  for (size_t token = 0; token < count; ++token)
    for (int c = 0; c < channels; ++c) map.data[c * count + token] = tokens[token * channels + c];
  return map;
}

}  // namespace

SamEncoder::SamEncoder(const ModelCard& card, const fs::path& model, const EncoderOptions& options)
    : card_(std::make_shared<ModelCard>(card)), taps_(ChooseTaps(card, options.stages)) {
  SessionOptions session;
  session.threads = options.threads;
  for (const ModelTap& tap : taps_) session.extra_outputs.push_back(tap.tensor);
  session_ = std::make_shared<InferenceSession>(InferenceRuntime::Load(options.onnxruntime), model, session);
  CheckSignature();
}

void SamEncoder::CheckSignature() const {
  const EncoderCard& encoder = card_->encoder;
  const std::string file = session_->model().string();
  const TensorInfo* input = session_->FindInput(encoder.input);
  if (!input || session_->inputs().size() != 1)
    throw InputError("{}: expected one input called '{}', got {}", file, encoder.input,
                     Describe(session_->inputs()));
  if (!MatchesShape(*input, {1, 3, encoder.input_size, encoder.input_size}) ||
      input->type != ElementType::kFloat)
    throw InputError("{}: expected f32 input [1, 3, {}, {}], got {}", file, encoder.input_size,
                     encoder.input_size, Describe({*input}));
  const TensorInfo* output = session_->FindOutput(encoder.output);
  if (!output)
    throw InputError("{}: no output '{}', got {}", file, encoder.output, Describe(session_->outputs()));
  if (!MatchesShape(*output, {1, encoder.channels, encoder.grid, encoder.grid}) ||
      output->type != ElementType::kFloat)
    throw InputError("{}: expected f32 output [1, {}, {}, {}], got {}", file, encoder.channels, encoder.grid,
                     encoder.grid, Describe({*output}));
}

std::vector<TensorOutput> SamEncoder::RunGraph(const ImageU8& rgb, const std::vector<std::string>& outputs,
                                               const StopToken* stop) const {
  const EncoderCard& encoder = card_->encoder;
  const std::vector<float> pixels = SamInput(rgb, encoder.input_size, encoder.mean, encoder.std);
  TensorInput input;
  input.name = encoder.input;
  input.shape = {1, 3, encoder.input_size, encoder.input_size};
  input.floats = pixels;
  return session_->Run({input}, outputs, stop);
}

FeatureMap SamEncoder::ToFinalMap(TensorOutput output) const {
  const EncoderCard& encoder = card_->encoder;
  const std::vector<int64_t> expected = {1, encoder.channels, encoder.grid, encoder.grid};
  if (output.shape != expected || output.floats.empty())
    throw InputError("{}: output '{}': expected f32 [{}], got [{}]", session_->model().string(),
                     encoder.output, fmt::join(expected, ", "), fmt::join(output.shape, ", "));
  return {encoder.channels, encoder.grid, encoder.grid, std::move(output.floats), card_->name};
}

FeatureMap SamEncoder::ToStageMap(const ModelTap& tap, TensorOutput output) const {
  FeatureMap map;
  const std::vector<int64_t>& shape = output.shape;
  const auto side = shape.size() == 3 ? static_cast<int64_t>(std::llround(std::sqrt(double(shape[1])))) : 0;
  if (shape.size() == 4 && shape[0] == 1 && !output.floats.empty()) {
    map = {static_cast<int>(shape[1]),
           static_cast<int>(shape[2]),
           static_cast<int>(shape[3]),
           std::move(output.floats),
           {}};
  } else if (shape.size() == 3 && shape[0] == 1 && side * side == shape[1] && !output.floats.empty()) {
    map = FromTokens(output.floats, static_cast<int>(side), static_cast<int>(shape[2]));
  } else {
    throw InputError("{}: stage '{}' ({}): expected f32 [1, C, H, W] or square tokens [1, T, C], got [{}]",
                     session_->model().string(), tap.name, tap.tensor, fmt::join(shape, ", "));
  }
  map.encoder = card_->name + ":" + tap.name;
  return map;
}

FeatureMap SamEncoder::Encode(const ImageU8& rgb, const StopToken* stop) {
  return ToFinalMap(std::move(RunGraph(rgb, {card_->encoder.output}, stop)[0]));
}

std::vector<FeatureMap> SamEncoder::EncodeStages(const ImageU8& rgb) {
  std::vector<std::string> outputs = {card_->encoder.output};
  for (const ModelTap& tap : taps_) outputs.push_back(tap.tensor);
  std::vector<TensorOutput> results = RunGraph(rgb, outputs, nullptr);
  std::vector<FeatureMap> maps;
  for (size_t i = 0; i < taps_.size(); ++i) maps.push_back(ToStageMap(taps_[i], std::move(results[i + 1])));
  maps.push_back(ToFinalMap(std::move(results[0])));
  return maps;
}

std::unique_ptr<ImageEncoder> LoadImageEncoder(const std::string& model_name, const EncoderOptions& options) {
  return LoadImageEncoder(FindModelCard(model_name), options);
}

std::unique_ptr<ImageEncoder> LoadImageEncoder(const ModelCard& card, const EncoderOptions& options) {
  CheckModelKind(card, "sam");
  InferenceRuntime::Load(options.onnxruntime);  // told first: it is the more frequent thing to miss
  const fs::path model = VerifyModelFile(card, card.encoder.file);
  for (const ModelFile& file : card.extra_files) VerifyModelFile(card, file);
  return std::make_unique<SamEncoder>(card, model, options);
}

}  // namespace semfield
