#include "semfield/perception/clip_add.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/perception/image_tower.h"
#include "semfield/perception/ort.h"
#include "semfield/perception/text_encoder.h"

namespace semfield {
namespace {

// CLIP's own, of values from 0 to 255; whoever trained otherwise edits the card.
constexpr std::array<double, 3> kMean = {122.7709383, 116.7460125, 104.09373615};
constexpr std::array<double, 3> kStd = {68.5005327, 66.6321579, 70.32316305};
constexpr int kUsualPicture = 224;
constexpr int kUsualTokens = 77;
// What the bundled picture shows, and what it does not.
constexpr const char* kTexts[] = {"a photo of a living room", "a photo of an elephant"};

// The first f32 output [1, W]; several sizes and sequences are passed over.
const TensorInfo* VectorOutput(const InferenceSession& session, const std::string& preferred) {
  const TensorInfo* first = nullptr;
  for (const TensorInfo& output : session.outputs()) {
    if (output.type != ElementType::kFloat || output.shape.size() != 2 || output.shape[1] <= 0) continue;
    if (output.name == preferred) return &output;
    if (first == nullptr) first = &output;
  }
  return first;
}

const TensorInfo& NeededVector(const InferenceSession& session, const std::string& file,
                               const std::string& preferred) {
  const TensorInfo* output = VectorOutput(session, preferred);
  if (output == nullptr) {
    throw InputError("{}: expected an f32 output [1, W] that is projected into the common space, got {}",
                     file, Describe(session.outputs()));
  }
  return *output;
}

void TakeImageTower(const InferenceSession& session, const ModelFile& file, ModelCard* card) {
  const TensorInfo& input = session.inputs().front();
  const TensorInfo& output = NeededVector(session, file.path, "image_embeds");
  card->image.file = file;
  card->image.input = input.name;
  card->image.output = output.name;
  card->image.size =
      static_cast<int>(std::clamp<int64_t>(input.shape[3] > 0 ? input.shape[3] : kUsualPicture, 1, 16384));
  card->image.mean = kMean;
  card->image.std = kStd;
}

void TakeTextTower(const InferenceSession& session, const ModelFile& file, ModelCard* card) {
  const TensorInfo& output = NeededVector(session, file.path, "text_embeds");
  card->text.file = file;
  card->text.tokenizer = "clip";
  card->text.output = output.name;
  card->text.width = static_cast<int>(std::min<int64_t>(output.shape[1], 16384));
  card->text.max_tokens = kUsualTokens;
  card->text.input.clear();
  for (const TensorInfo& input : session.inputs()) {
    const bool is_mask = input.name.find("mask") != std::string::npos;
    (is_mask ? card->text.mask : card->text.input) = input.name;
    if (!is_mask && input.shape.size() == 2 && input.shape[1] > 0)
      card->text.max_tokens = static_cast<int>(std::min<int64_t>(input.shape[1], 16384));
  }
}

bool IsImageTower(const InferenceSession& session) {
  const TensorInfo& input = session.inputs().front();
  return session.inputs().size() == 1 && input.type == ElementType::kFloat && input.shape.size() == 4;
}

bool IsTextTower(const InferenceSession& session) {
  return session.inputs().size() <= 2 &&
         std::all_of(session.inputs().begin(), session.inputs().end(),
                     [](const TensorInfo& input) { return input.type == ElementType::kInt64; });
}

}  // namespace

ModelCard DraftClipCard(const ModelAddOptions& options, const std::filesystem::path& folder,
                        const std::vector<ModelFile>& files) {
  ModelCard card;
  const auto runtime = InferenceRuntime::Load(options.onnxruntime);
  for (const ModelFile& file : files) {
    const std::filesystem::path path = folder / std::filesystem::path(file.path).filename();
    if (path.extension() == ".txt") {
      card.text.vocabulary = file;
      continue;
    }
    if (path.extension() != ".onnx") {
      card.extra_files.push_back(file);
      continue;
    }
    const InferenceSession session(runtime, path, {.threads = options.threads});
    if (!session.inputs().empty() && IsImageTower(session)) {
      TakeImageTower(session, file, &card);
    } else if (!session.inputs().empty() && IsTextTower(session)) {
      TakeTextTower(session, file, &card);
    } else {
      throw InputError(
          "{}: neither an image tower (one f32 input [1, 3, S, S]) nor a text tower (i64 tokens [1, n], and "
          "a "
          "mask of them); its inputs are: {}",
          file.path, Describe(session.inputs()));
    }
  }
  if (card.image.file.path.empty() || card.text.file.path.empty() || card.text.vocabulary.path.empty()) {
    throw InputError(
        "--kind clip: the {} is missing: expected an image tower and a text tower (.onnx), and "
        "CLIP's table of merges (.txt)",
        card.image.file.path.empty()  ? "image tower"
        : card.text.file.path.empty() ? "text tower"
                                      : "table of merges");
  }
  card.source = fmt::format("{} and {}", std::filesystem::path(card.image.file.path).filename().string(),
                            std::filesystem::path(card.text.file.path).filename().string());
  return card;
}

ModelCheck CheckClip(const ModelCard& card, const ModelCheckOptions& options) {
  const auto runtime = InferenceRuntime::Load(options.onnxruntime);
  ModelCheck check{.card = card, .runtime_version = runtime->version(), .runtime_path = runtime->path()};
  check.picture_path = options.picture.empty() ? SamplePicture() : options.picture;
  check.picture = ToRgb(ReadImage(check.picture_path), {127, 127, 127});
  Stopwatch stopwatch;
  const auto tower = LoadImageTower(card, {.threads = options.threads, .onnxruntime = options.onnxruntime});
  const auto texts = LoadTextEncoder(card, {.threads = options.threads, .onnxruntime = options.onnxruntime});
  check.load_seconds = stopwatch.Seconds();
  stopwatch = {};
  const std::vector<float> seen = tower->Look(check.picture);
  check.encode_seconds = stopwatch.Seconds();
  stopwatch = {};
  for (const char* text : kTexts) check.texts.emplace_back(text, Cosine(seen, texts->Encode(text)));
  check.decode_seconds = stopwatch.Seconds() / static_cast<double>(check.texts.size());
  if (options.picture.empty() && check.texts[0].second <= check.texts[1].second)
    check.findings.push_back(
        fmt::format("the picture of a room is nearer to '{}' than to '{}'", kTexts[1], kTexts[0]));
  return check;
}

}  // namespace semfield
