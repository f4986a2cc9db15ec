#include "semfield/perception/classifier.h"

#include <algorithm>
#include <array>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/json.h"
#include "semfield/perception/ort.h"

namespace semfield {
namespace {

constexpr size_t kMaxNameBytes = size_t{16} << 20;

class OnnxClassifier : public Classifier {
 public:
  OnnxClassifier(const ModelCard& card, const std::filesystem::path& model, std::vector<ClassName> names,
                 const ClassifierOptions& options)
      : card_(card), names_(std::move(names)) {
    SessionOptions session;
    session.threads = options.threads;
    session_ =
        std::make_unique<InferenceSession>(InferenceRuntime::Load(options.onnxruntime), model, session);
    outputs_ = {card.classifier.logits};
    for (const std::string& name : options.stages) outputs_.push_back(TensorOf(name));
    const TensorInfo* input = session_->FindInput(card.classifier.input);
    if (!input || session_->inputs().size() != 1 || input->type != ElementType::kFloat ||
        !MatchesShape(*input, {1, 3, -1, -1}))
      throw InputError("{}: expected one input '{}' f32 [1, 3, H, W], got {}", model.string(),
                       card.classifier.input, Describe(session_->inputs()));
    for (const std::string& output : outputs_) {
      if (!session_->FindOutput(output))
        throw InputError("{}: no output '{}', got {}", model.string(), output, Describe(session_->outputs()));
    }
  }

  const ModelCard& card() const override { return card_; }
  const std::vector<ClassName>& names() const override { return names_; }

  Answer Look(const ImageU8& rgb, const StopToken* stop) override {
    const ClassifierCard& card = card_.classifier;
    if (rgb.channels != 3 || rgb.width < card.stride || rgb.height < card.stride)
      throw InputError("the classifier expects RGB of at least {} x {} pixels, got {} x {} x {}", card.stride,
                       card.stride, rgb.width, rgb.height, rgb.channels);
    const std::vector<float> pixels = Planes(rgb);
    TensorInput input;
    input.name = card.input;
    input.shape = {1, 3, rgb.height, rgb.width};
    input.floats = pixels;
    std::vector<TensorOutput> results = session_->Run({input}, outputs_, stop);
    Answer answer;
    for (size_t i = 0; i < results.size(); ++i) {
      FeatureMap map = ToMap(std::move(results[i]), outputs_[i]);
      if (i > 0) {
        answer.stages.push_back(std::move(map));
      } else {
        answer.logits = std::move(map);
      }
    }
    if (answer.logits.channels != static_cast<int>(names_.size()))
      throw InputError("{}: {} classes, but its card names {}", session_->model().string(),
                       answer.logits.channels, names_.size());
    return answer;
  }

 private:
  std::string TensorOf(const std::string& stage) const {
    std::vector<std::string> known;
    for (const ModelTap& tap : card_.classifier.stages) {
      if (tap.name == stage) return tap.tensor;
      known.push_back(tap.name);
    }
    throw InputError("model '{}' has no stage '{}'; known are: {}", card_.name, stage,
                     known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", ")));
  }

  std::vector<float> Planes(const ImageU8& rgb) const {
    const ClassifierCard& card = card_.classifier;
    std::vector<float> planes(rgb.data.size());
    const size_t plane = rgb.num_pixels();
    for (int c = 0; c < 3; ++c) {
      std::array<float, 256> normalised;
      for (int v = 0; v < 256; ++v) normalised[v] = static_cast<float>((v - card.mean[c]) / card.std[c]);
      for (size_t i = 0; i < plane; ++i) planes[c * plane + i] = normalised[rgb.data[3 * i + c]];
    }
    return planes;
  }

  FeatureMap ToMap(TensorOutput output, const std::string& name) const {
    const std::vector<int64_t>& shape = output.shape;
    if (shape.size() != 4 || shape[0] != 1 || output.floats.empty())
      throw InputError("{}: output '{}': expected f32 [1, C, H, W], got [{}]", session_->model().string(),
                       name, fmt::join(shape, ", "));
    return {static_cast<int>(shape[1]), static_cast<int>(shape[2]), static_cast<int>(shape[3]),
            std::move(output.floats), card_.name + ":" + name};
  }

  const ModelCard card_;
  const std::vector<ClassName> names_;
  std::unique_ptr<InferenceSession> session_;
  std::vector<std::string> outputs_;  // logits first
};

}  // namespace

std::vector<ClassName> ReadClassNames(const std::filesystem::path& path) {
  const Json json = ReadJsonFile(path, kMaxNameBytes);
  std::vector<ClassName> classes;
  try {
    for (const Json& entry : json.at("classes")) {
      classes.push_back({.synset = entry.at("synset").get<std::string>(),
                         .names = entry.at("names").get<std::vector<std::string>>(),
                         .is_a = entry.at("is_a").get<std::vector<std::string>>()});
      if (classes.back().names.empty())
        throw InputError("{}: classes[{}].names: expected at least one", path.string(), classes.size() - 1);
    }
  } catch (const Json::exception& error) {
    throw InputError("{}: classes[{}]: expected synset, names and is_a ({})", path.string(), classes.size(),
                     error.what());
  }
  if (classes.empty()) throw InputError("{}: no classes", path.string());
  return classes;
}

std::unique_ptr<Classifier> LoadClassifier(const std::string& model_name, const ClassifierOptions& options) {
  return LoadClassifier(FindModelCard(model_name), options);
}

std::unique_ptr<Classifier> LoadClassifier(const ModelCard& card, const ClassifierOptions& options) {
  CheckModelKind(card, "classifier");
  InferenceRuntime::Load(options.onnxruntime);
  const std::filesystem::path model = VerifyModelFile(card, card.classifier.file);
  std::vector<ClassName> names = ReadClassNames(VerifyModelFile(card, card.classifier.names));
  return std::make_unique<OnnxClassifier>(card, model, std::move(names), options);
}

std::vector<float> MeanUnder(const FeatureMap& map, const ImageU8& mask) {
  const size_t plane = static_cast<size_t>(map.height) * map.width;
  SF_CHECK_EQ(map.data.size(), plane * map.channels);
  std::vector<double> weight(plane, 0);
  double total = 0;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (mask.At(x, y) <= 127) continue;
      const int64_t v = static_cast<int64_t>(y) * map.height / mask.height;
      const int64_t u = static_cast<int64_t>(x) * map.width / mask.width;
      ++weight[v * map.width + u];
      ++total;
    }
  }
  if (total == 0) {
    std::fill(weight.begin(), weight.end(), 1);
    total = static_cast<double>(plane);
  }
  std::vector<float> mean(map.channels);
  for (int c = 0; c < map.channels; ++c) {
    double sum = 0;
    for (size_t i = 0; i < plane; ++i) sum += weight[i] * map.data[c * plane + i];
    mean[c] = static_cast<float>(sum / total);
  }
  return mean;
}

}  // namespace semfield
