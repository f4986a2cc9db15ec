#include "semfield/perception/models.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/perception/clip_add.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/perception/model_folders.h"
#include "semfield/perception/ort.h"
#include "semfield/perception/prompt_decoder.h"

namespace semfield {
namespace fs = std::filesystem;

namespace {

// The back of the green chair in the sample.
constexpr PromptPoint kSampleClick{345.5, 110.5, true};
constexpr std::array<uint8_t, 3> kMaskColor{255, 64, 64};
constexpr std::array<uint8_t, 3> kPositiveColor{64, 220, 64};
constexpr std::array<uint8_t, 3> kNegativeColor{40, 40, 255};

void FindInFeatures(const FeatureMap& features, std::vector<std::string>& findings) {
  const auto [low, high] = std::minmax_element(features.data.begin(), features.data.end());
  const bool finite = std::all_of(features.data.begin(), features.data.end(),
                                  [](float value) { return std::isfinite(value); });
  if (!finite)
    findings.emplace_back("the encoder's features hold values that are not finite");
  else if (*low == *high)
    findings.emplace_back("the encoder's features are the same everywhere");
}

void FindInMask(const ModelCheck& check, std::vector<std::string>& findings) {
  if (check.area == 0) findings.emplace_back("the mask is empty");
  if (check.area == 1) findings.emplace_back("the mask is the whole picture");
  for (const PromptPoint& point : check.prompt.points) {
    const ImageU8& binary = check.mask.binary;
    const int x = std::min(static_cast<int>(point.x), binary.width - 1);
    const int y = std::min(static_cast<int>(point.y), binary.height - 1);
    if (point.positive && binary.At(x, y) == 0)
      findings.push_back(fmt::format("the mask leaves out the click at ({:g}, {:g})", point.x, point.y));
  }
}

ImageU8 DrawAnswer(const ModelCheck& check) {
  ImageU8 overlay = OverlayMask(check.picture, check.mask.binary, kMaskColor);
  const double radius = std::max(3.0, 0.008 * std::max(overlay.width, overlay.height));
  for (const PromptPoint& point : check.prompt.points)
    DrawDot(overlay, point.x, point.y, radius, point.positive ? kPositiveColor : kNegativeColor);
  return overlay;
}

}  // namespace

std::vector<ModelListing> ListModels() {
  std::vector<ModelListing> listings;
  for (ModelCard& card : AllModelCards()) {
    ModelListing listing{std::move(card), true, {}};
    for (const ModelFile& file : FilesOf(listing.card)) {
      try {
        const fs::path path = ResolveModelFile(listing.card, file);
        std::error_code error;
        const auto bytes = fs::file_size(path, error);
        if (error || bytes != static_cast<uintmax_t>(file.bytes))
          throw InputError("{}: {} bytes, expected {}", path.string(), error ? 0 : bytes, file.bytes);
      } catch (const Error& missing) {
        listing.ready = false;
        listing.problem = missing.what();
        break;
      }
    }
    listings.push_back(std::move(listing));
  }
  return listings;
}

fs::path SamplePicture() {
  std::error_code error;
  for (const fs::path& folder : ModelFolders())
    if (fs::exists(folder / "sample.jpg", error)) return folder / "sample.jpg";
  throw ResourceError("the bundled picture models/sample.jpg is missing; name one with --picture");
}

ModelCheck CheckModel(const ModelCheckOptions& options) {
  return CheckModel(FindModelCard(options.name), options);
}

ModelCheck CheckModel(const ModelCard& card, const ModelCheckOptions& options) {
  if (card.kind == "clip") return CheckClip(card, options);
  CheckModelKind(card, "sam");  // the others have no mask to show; their tests compare them with references
  ModelCheck check;
  check.card = card;
  check.picture_path = options.picture.empty() ? SamplePicture() : options.picture;
  check.picture = ToRgb(ReadImage(check.picture_path), {255, 255, 255});
  check.prompt = options.prompt;
  if (check.prompt.points.empty() && check.prompt.boxes.empty()) {
    const PromptPoint middle{check.picture.width / 2.0, check.picture.height / 2.0, true};
    check.prompt.points.push_back(options.picture.empty() ? kSampleClick : middle);
  }
  Stopwatch stopwatch;
  const auto runtime = InferenceRuntime::Load(options.onnxruntime);
  check.runtime_version = runtime->version();
  check.runtime_path = runtime->path();
  const auto encoder = LoadImageEncoder(card, {options.threads, options.onnxruntime, {}});
  const auto decoder = LoadPromptDecoder(card, {options.threads, options.onnxruntime});
  check.load_seconds = stopwatch.LapSeconds();
  const FeatureMap features = encoder->Encode(check.picture);
  check.encode_seconds = stopwatch.LapSeconds();
  FindInFeatures(features, check.findings);
  check.mask = decoder->Decode(features, check.picture.width, check.picture.height, check.prompt);
  check.decode_seconds = stopwatch.LapSeconds();
  const auto inside = std::count(check.mask.binary.data.begin(), check.mask.binary.data.end(), uint8_t{255});
  check.area = static_cast<double>(inside) / static_cast<double>(check.mask.binary.num_pixels());
  FindInMask(check, check.findings);
  check.overlay = DrawAnswer(check);
  return check;
}

}  // namespace semfield
