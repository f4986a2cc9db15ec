#include "semfield/perception/dense_encoder.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/image/pixels.h"
#include "semfield/perception/classifier.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/perception/ort.h"
#include "semfield/perception/sam_frame.h"

namespace semfield {
namespace {

constexpr const char* kLogits = "logits";

// The rows and columns of a square map that the picture fills; the rest is padding.
FeatureMap CutPadding(const FeatureMap& map, int width, int height, int input_size) {
  const SamFrame frame = MakeSamFrame(width, height, input_size);
  const int rows = std::max(1, map.height * frame.height / input_size);
  const int columns = std::max(1, map.width * frame.width / input_size);
  FeatureMap cut{map.channels, rows, columns, {}, map.encoder};
  cut.data.reserve(static_cast<size_t>(map.channels) * rows * columns);
  for (int c = 0; c < map.channels; ++c) {
    for (int y = 0; y < rows; ++y) {
      const auto row = map.data.begin() + (static_cast<ptrdiff_t>(c) * map.height + y) * map.width;
      cut.data.insert(cut.data.end(), row, row + columns);
    }
  }
  return cut;
}

TensorInput InputOf(const FeatureMap& map, const std::string& name) {
  TensorInput input;
  input.name = name;
  input.shape = {1, map.channels, map.height, map.width};
  input.floats = map.data;
  return input;
}

void CheckHasOutput(const InferenceSession& session, const std::string& name) {
  if (!session.FindOutput(name))
    throw InputError("{}: no output '{}', got {}", session.model().string(), name,
                     Describe(session.outputs()));
}

void CheckMap(const TensorOutput& output, size_t channels, const std::string& name,
              const InferenceSession& session) {
  const std::vector<int64_t>& shape = output.shape;
  if (shape.size() != 4 || shape[0] != 1 || shape[1] != static_cast<int64_t>(channels) ||
      output.floats.empty())
    throw InputError("{}: output '{}': expected f32 [1, {}, H, W], got [{}]", session.model().string(), name,
                     channels, fmt::join(shape, ", "));
}

FeatureMap ToMap(TensorOutput output, const std::string& model) {
  return {static_cast<int>(output.shape[1]), static_cast<int>(output.shape[2]),
          static_cast<int>(output.shape[3]), std::move(output.floats), model};
}

FeatureMap ProbabilitiesOf(TensorOutput output, const ModelCard& card, const std::string& name,
                           const InferenceSession& session) {
  CheckMap(output, card.dense.classes.size(), name, session);
  FeatureMap map = ToMap(std::move(output), card.name);
  SoftmaxOverChannels(&map);
  return map;
}

class OnnxDenseEncoder : public DenseEncoder {
 public:
  OnnxDenseEncoder(const ModelCard& card, const std::filesystem::path& model,
                   const DenseEncoderOptions& options)
      : card_(card) {
    ClassifierOptions classifier{
        .threads = options.threads, .onnxruntime = options.onnxruntime, .stages = {}};
    EncoderOptions image{.threads = options.threads, .onnxruntime = options.onnxruntime, .stages = {}};
    for (const DenseFeed& feed : card.dense.feeds) {
      if (feed.model == "image" && !feed.stage.empty()) image.stages.push_back(feed.stage);
      if (feed.model == "classifier" && feed.stage != kLogits) classifier.stages.push_back(feed.stage);
    }
    classifier_ = LoadClassifier(card.dense.classifier, classifier);
    if (!card.dense.image_encoder.empty()) image_ = LoadImageEncoder(card.dense.image_encoder, image);
    SessionOptions session;
    session.threads = options.threads;
    session_ =
        std::make_unique<InferenceSession>(InferenceRuntime::Load(options.onnxruntime), model, session);
    CheckSignature();
  }

  const ModelCard& card() const override { return card_; }
  const std::vector<std::string>& classes() const override { return card_.dense.classes; }

  FeatureMap Look(const ImageU8& rgb, const StopToken* stop) override {
    TensorOutput output = std::move(Run(rgb, {card_.dense.output}, stop)[0]);
    return ProbabilitiesOf(std::move(output), card_, card_.dense.output, *session_);
  }

  std::vector<FeatureMap> LookBetween(const ImageU8& rgb, const StopToken* stop) override {
    CheckHasLaterals(card_);
    std::vector<std::string> names;
    for (const LateralMap& lateral : card_.dense.laterals.maps) names.push_back(lateral.output);
    std::vector<FeatureMap> maps;
    for (TensorOutput& output : Run(rgb, names, stop)) {
      const std::string& name = names[maps.size()];
      CheckMap(output, card_.dense.laterals.channels, name, *session_);
      maps.push_back(ToMap(std::move(output), card_.name));
    }
    return maps;
  }

 private:
  void CheckSignature() const {
    for (const DenseFeed& feed : card_.dense.feeds) {
      if (!session_->FindInput(feed.input))
        throw InputError("{}: no input '{}', got {}", session_->model().string(), feed.input,
                         Describe(session_->inputs()));
    }
    if (session_->inputs().size() != card_.dense.feeds.size())
      throw InputError("{}: {} inputs, but its card feeds {}: {}", session_->model().string(),
                       session_->inputs().size(), card_.dense.feeds.size(), Describe(session_->inputs()));
    CheckHasOutput(*session_, card_.dense.output);
    for (const LateralMap& lateral : card_.dense.laterals.maps) CheckHasOutput(*session_, lateral.output);
  }

  std::vector<TensorOutput> Run(const ImageU8& rgb, const std::vector<std::string>& outputs,
                                const StopToken* stop) {
    const std::vector<FeatureMap> maps = Feeds(rgb, stop);
    std::vector<TensorInput> inputs;
    for (size_t i = 0; i < maps.size(); ++i) inputs.push_back(InputOf(maps[i], card_.dense.feeds[i].input));
    return session_->Run(inputs, outputs, stop);
  }

  // In the order of the card's feeds.
  std::vector<FeatureMap> Feeds(const ImageU8& rgb, const StopToken* stop) {
    const int stride = classifier_->card().classifier.stride;
    const double scale = static_cast<double>(card_.dense.longest_side) / std::max({rgb.width, rgb.height, 1});
    const auto side = [&](int pixels) {
      return std::max(stride, stride * static_cast<int>(std::lround(pixels * scale / stride)));
    };
    Classifier::Answer seen = classifier_->Look(Resize(rgb, side(rgb.width), side(rgb.height)), stop);
    std::vector<FeatureMap> stages;  // of the image encoder, its final map last
    if (image_) stages = image_->EncodeStages(rgb);
    std::vector<FeatureMap> maps;
    size_t next_seen = 0, next_stage = 0;
    for (const DenseFeed& feed : card_.dense.feeds) {
      if (feed.model == "classifier") {
        maps.push_back(feed.stage == kLogits ? seen.logits : std::move(seen.stages[next_seen++]));
      } else {
        const FeatureMap& map = feed.stage.empty() ? stages.back() : stages[next_stage++];
        maps.push_back(CutPadding(map, rgb.width, rgb.height, image_->input_size()));
      }
    }
    return maps;
  }

  const ModelCard card_;
  std::unique_ptr<Classifier> classifier_;
  std::unique_ptr<ImageEncoder> image_;  // nullptr: not needed
  std::unique_ptr<InferenceSession> session_;
};

class OnnxDenseDecoder : public DenseDecoder {
 public:
  OnnxDenseDecoder(const ModelCard& card, const DenseEncoderOptions& options) : card_(card) {
    CheckHasLaterals(card);
    SessionOptions session;
    session.threads = options.threads;
    session_ = std::make_unique<InferenceSession>(InferenceRuntime::Load(options.onnxruntime),
                                                  VerifyModelFile(card, laterals().decoder), session);
    for (const LateralMap& lateral : laterals().maps) {
      if (!session_->FindInput(lateral.output))
        throw InputError("{}: no input '{}', got {}", session_->model().string(), lateral.output,
                         Describe(session_->inputs()));
    }
    CheckHasOutput(*session_, laterals().output);
  }

  const ModelCard& card() const override { return card_; }

  FeatureMap Decode(const std::vector<FeatureMap>& maps, const StopToken* stop) override {
    SF_CHECK_EQ(maps.size(), laterals().maps.size());
    std::vector<TensorInput> inputs;
    for (size_t i = 0; i < maps.size(); ++i) inputs.push_back(InputOf(maps[i], laterals().maps[i].output));
    TensorOutput output = std::move(session_->Run(inputs, {laterals().output}, stop)[0]);
    return ProbabilitiesOf(std::move(output), card_, laterals().output, *session_);
  }

 private:
  const LateralCard& laterals() const { return card_.dense.laterals; }

  const ModelCard card_;
  std::unique_ptr<InferenceSession> session_;
};

}  // namespace

std::unique_ptr<DenseEncoder> LoadDenseEncoder(const std::string& model_name,
                                               const DenseEncoderOptions& options) {
  return LoadDenseEncoder(FindModelCard(model_name), options);
}

std::unique_ptr<DenseEncoder> LoadDenseEncoder(const ModelCard& card, const DenseEncoderOptions& options) {
  CheckModelKind(card, "dense");
  InferenceRuntime::Load(options.onnxruntime);
  const std::filesystem::path model = VerifyModelFile(card, card.dense.file);
  return std::make_unique<OnnxDenseEncoder>(card, model, options);
}

std::unique_ptr<DenseDecoder> LoadDenseDecoder(const std::string& model_name,
                                               const DenseEncoderOptions& options) {
  return LoadDenseDecoder(FindModelCard(model_name), options);
}

std::unique_ptr<DenseDecoder> LoadDenseDecoder(const ModelCard& card, const DenseEncoderOptions& options) {
  return std::make_unique<OnnxDenseDecoder>(card, options);
}

void CheckHasLaterals(const ModelCard& card) {
  CheckModelKind(card, "dense");
  if (card.dense.laterals.maps.empty())
    throw InputError(
        "model '{}': its card has no dense.laterals: the graph is in one piece, and a field can only imitate "
        "maps between two halves",
        card.name);
}

void SoftmaxOverChannels(FeatureMap* map) {
  const size_t plane = static_cast<size_t>(map->height) * map->width;
  for (size_t i = 0; i < plane; ++i) {
    float largest = map->data[i];
    for (int c = 1; c < map->channels; ++c) largest = std::max(largest, map->data[c * plane + i]);
    float sum = 0;
    for (int c = 0; c < map->channels; ++c) {
      float& value = map->data[c * plane + i];
      value = std::exp(value - largest);
      sum += value;
    }
    for (int c = 0; c < map->channels; ++c) map->data[c * plane + i] /= sum;
  }
}

}  // namespace semfield
