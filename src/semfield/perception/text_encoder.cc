#include "semfield/perception/text_encoder.h"

#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/perception/ort.h"
#include "semfield/perception/wordpiece.h"

namespace semfield {
namespace {

class WordPieceEncoder : public TextEncoder {
 public:
  WordPieceEncoder(const ModelCard& card, const std::filesystem::path& model,
                   const std::filesystem::path& vocabulary, const TextEncoderOptions& options)
      : card_(card), tokens_(vocabulary) {
    SessionOptions session;
    session.threads = options.threads;
    session_ =
        std::make_unique<InferenceSession>(InferenceRuntime::Load(options.onnxruntime), model, session);
    const TensorInfo* input = session_->FindInput(card.text.input);
    const TensorInfo* output = session_->FindOutput(card.text.output);
    if (!input || session_->inputs().size() != 1 || input->type != ElementType::kInt64 ||
        !MatchesShape(*input, {1, -1}))
      throw InputError("{}: expected one input '{}' i64 [1, n], got {}", model.string(), card.text.input,
                       Describe(session_->inputs()));
    if (!output || output->type != ElementType::kFloat || !MatchesShape(*output, {1, card.text.width}))
      throw InputError("{}: expected an output '{}' f32 [1, {}], got {}", model.string(), card.text.output,
                       card.text.width, Describe(session_->outputs()));
  }

  const ModelCard& card() const override { return card_; }
  int width() const override { return card_.text.width; }

  std::vector<float> Encode(const std::string& text, const StopToken* stop) override {
    const std::vector<int64_t> ids = tokens_.Ids(text, card_.text.max_tokens);
    TensorInput input;
    input.name = card_.text.input;
    input.shape = {1, static_cast<int64_t>(ids.size())};
    input.type = ElementType::kInt64;
    input.ints = ids;
    std::vector<float> vector = std::move(session_->Run({input}, {card_.text.output}, stop)[0].floats);
    double square = 0;
    for (const float value : vector) square += static_cast<double>(value) * value;
    if (static_cast<int>(vector.size()) != width() || !(square > 0) || !std::isfinite(square))
      throw InputError("{}: output '{}': expected {} finite numbers that are not all 0, got {}",
                       session_->model().string(), card_.text.output, width(), vector.size());
    const auto scale = static_cast<float>(1 / std::sqrt(square));
    for (float& value : vector) value *= scale;
    return vector;
  }

 private:
  const ModelCard card_;
  const WordPiece tokens_;
  std::unique_ptr<InferenceSession> session_;
};

}  // namespace

std::unique_ptr<TextEncoder> LoadTextEncoder(const std::string& model_name,
                                             const TextEncoderOptions& options) {
  return LoadTextEncoder(FindModelCard(model_name), options);
}

std::unique_ptr<TextEncoder> LoadTextEncoder(const ModelCard& card, const TextEncoderOptions& options) {
  CheckModelKind(card, "text");
  InferenceRuntime::Load(options.onnxruntime);
  const std::filesystem::path model = VerifyModelFile(card, card.text.file);
  return std::make_unique<WordPieceEncoder>(card, model, VerifyModelFile(card, card.text.vocabulary),
                                            options);
}

double Cosine(std::span<const float> a, std::span<const float> b) {
  SF_CHECK_EQ(a.size(), b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

}  // namespace semfield
