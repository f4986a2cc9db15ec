#include "semfield/perception/text_encoder.h"

#include <cmath>
#include <functional>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/perception/byte_pairs.h"
#include "semfield/perception/ort.h"
#include "semfield/perception/wordpiece.h"

namespace semfield {
namespace {

// Token ids of a text, at most so many.
using Tokenizer = std::function<std::vector<int64_t>(const std::string& text, int max_tokens)>;

Tokenizer ReadTokenizer(const ModelCard& card) {
  const std::filesystem::path file = VerifyModelFile(card, card.text.vocabulary);
  if (card.text.tokenizer == "clip")
    return [tokens = BytePairs(file)](const std::string& text, int most) { return tokens.Ids(text, most); };
  return [tokens = WordPiece(file)](const std::string& text, int most) { return tokens.Ids(text, most); };
}

class OnnxTextEncoder : public TextEncoder {
 public:
  OnnxTextEncoder(const ModelCard& card, const TextEncoderOptions& options)
      : card_(card), tokens_(ReadTokenizer(card)) {
    const std::filesystem::path model = VerifyModelFile(card, card.text.file);
    SessionOptions session;
    session.threads = options.threads;
    session_ =
        std::make_unique<InferenceSession>(InferenceRuntime::Load(options.onnxruntime), model, session);
    const TextCard& text = card.text;
    const TensorInfo* input = CheckTokens(text.input);
    if (!text.mask.empty()) CheckTokens(text.mask);
    if (session_->inputs().size() != (text.mask.empty() ? 1 : 2))
      throw InputError("{}: {} inputs, but its card feeds {}: {}", model.string(), session_->inputs().size(),
                       text.mask.empty() ? 1 : 2, Describe(session_->inputs()));
    if (input->shape.size() == 2 && input->shape[1] > 0) {
      if (input->shape[1] != text.max_tokens)
        throw InputError("{}: input '{}' has {} tokens, but its card says max_tokens {}", model.string(),
                         text.input, input->shape[1], text.max_tokens);
      padded_ = true;
    }
    const TensorInfo* output = session_->FindOutput(text.output);
    if (!output || output->type != ElementType::kFloat || !MatchesShape(*output, {1, text.width}))
      throw InputError("{}: expected an output '{}' f32 [1, {}], got {}", model.string(), text.output,
                       text.width, Describe(session_->outputs()));
  }

  const ModelCard& card() const override { return card_; }
  int width() const override { return card_.text.width; }

  std::vector<float> Encode(const std::string& text, const StopToken* stop) override {
    std::vector<int64_t> ids = tokens_(text, card_.text.max_tokens);
    std::vector<int64_t> mask(ids.size(), 1);
    if (padded_) {
      ids.resize(card_.text.max_tokens, 0);
      mask.resize(card_.text.max_tokens, 0);
    }
    std::vector<TensorInput> inputs = {TokenInput(card_.text.input, ids)};
    if (!card_.text.mask.empty()) inputs.push_back(TokenInput(card_.text.mask, mask));
    std::vector<float> vector = std::move(session_->Run(inputs, {card_.text.output}, stop)[0].floats);
    if (static_cast<int>(vector.size()) != width() || !ScaleToLengthOne(&vector))
      throw InputError("{}: output '{}': expected {} finite numbers that are not all 0, got {}",
                       session_->model().string(), card_.text.output, width(), vector.size());
    return vector;
  }

 private:
  const TensorInfo* CheckTokens(const std::string& name) const {
    const TensorInfo* input = session_->FindInput(name);
    if (!input || input->type != ElementType::kInt64 || !MatchesShape(*input, {1, -1}))
      throw InputError("{}: expected an input '{}' i64 [1, n], got {}", session_->model().string(), name,
                       Describe(session_->inputs()));
    return input;
  }

  static TensorInput TokenInput(const std::string& name, std::span<const int64_t> values) {
    TensorInput input;
    input.name = name;
    input.shape = {1, static_cast<int64_t>(values.size())};
    input.type = ElementType::kInt64;
    input.ints = values;
    return input;
  }

  const ModelCard card_;
  const Tokenizer tokens_;
  bool padded_ = false;  // the graph takes max_tokens tokens and no fewer
  std::unique_ptr<InferenceSession> session_;
};

}  // namespace

std::unique_ptr<TextEncoder> LoadTextEncoder(const std::string& model_name,
                                             const TextEncoderOptions& options) {
  return LoadTextEncoder(FindModelCard(model_name), options);
}

std::unique_ptr<TextEncoder> LoadTextEncoder(const ModelCard& card, const TextEncoderOptions& options) {
  if (card.kind != "clip") CheckModelKind(card, "text");
  InferenceRuntime::Load(options.onnxruntime);
  return std::make_unique<OnnxTextEncoder>(card, options);
}

bool ScaleToLengthOne(std::vector<float>* vector) {
  double square = 0;
  for (const float value : *vector) square += static_cast<double>(value) * value;
  if (!(square > 0) || !std::isfinite(square)) return false;
  const auto scale = static_cast<float>(1 / std::sqrt(square));
  for (float& value : *vector) value *= scale;
  return true;
}

double Cosine(std::span<const float> a, std::span<const float> b) {
  SF_CHECK_EQ(a.size(), b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace semfield
