#include "semfield/views/photo_classes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/half.h"
#include "semfield/base/hash.h"
#include "semfield/base/log.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/perception/vocabulary.h"
#include "semfield/training/safetensors.h"

namespace semfield {
namespace {

constexpr char kTensor[] = "classes", kKey[] = "of";
constexpr size_t kMostKept = 64;
constexpr int kLabelSide = 320;
constexpr uint16_t kNoLabel = 65535;
constexpr std::array<uint8_t, 3> kGray = {127, 127, 127};  // behind what is transparent

ImageF Interleaved(const FeatureMap& map) {
  ImageF image(map.width, map.height, map.channels);
  const size_t plane = image.num_pixels();
  for (int c = 0; c < map.channels; ++c) {
    for (size_t i = 0; i < plane; ++i) image.data[i * map.channels + c] = map.data[c * plane + i];
  }
  return image;
}

}  // namespace

ImageU16 CheckedLabels(const Capture& capture, const ImageStore& store, int view) {
  ImageU16 labels = store.Classes(view);
  // 8-bit maps say "none" by 255.
  const bool has_255 = capture.class_names.size() > 255;
  for (uint16_t& id : labels.data) {
    if (id < capture.class_names.size()) continue;
    if (id != kNoLabel && (id != 255 || has_255)) {
      throw InputError("{}: class id {}, but the capture has {} classes, 0 to {} (255 or 65535: none)",
                       capture.views[view].semantic.string(), id, capture.class_names.size(),
                       static_cast<int>(capture.class_names.size()) - 1);
    }
    id = kNoLabel;
  }
  return labels;
}

PhotoClasses::PhotoClasses(const Capture& capture, const ImageStore& store,
                           const PhotoClassesOptions& options)
    : capture_(capture), store_(store), options_(options) {
  if (options.model != kLabelsOfCapture) {
    card_ = FindModelCard(options.model);
    CheckModelKind(card_, "dense");
    classes_ = card_.dense.classes;
    return;
  }
  classes_ = capture.class_names;
  if (classes_.empty()) {
    throw InputError("{}: the capture does not say what its classes are (labels.json, \"classes\")",
                     capture.path.string());
  }
}

std::string PhotoClasses::Name() const {
  if (options_.model == kLabelsOfCapture) return kLabelsOfCapture;
  return fmt::format("{} {:.12} {:.12}", card_.name, card_.dense.file.sha256,
                     FindModelCard(card_.dense.classifier).classifier.file.sha256);
}

std::optional<int> PhotoClasses::ClassCalled(const std::string& word) const {
  if (options_.model == kLabelsOfCapture || card_.dense.words.path.empty()) return std::nullopt;
  const Vocabulary vocabulary = LoadVocabulary(card_);
  std::optional<int> called;
  for (const int index : vocabulary.Called(word)) {
    const int id = vocabulary.words()[index].class_id;
    if (id < 0) continue;
    if (called) return std::nullopt;
    called = id;
  }
  return called;
}

std::vector<int> PhotoClasses::Askable(const std::vector<int>& views) const {
  std::vector<int> askable;
  for (const int view : views) {
    const View& one = capture_.views[view];
    if (!(options_.model == kLabelsOfCapture ? one.semantic : one.image).empty()) askable.push_back(view);
  }
  return askable;
}

std::shared_ptr<const ImageF> PhotoClasses::Get(int view, const StopToken* stop) {
  const auto found = kept_.find(view);
  if (found != kept_.end()) return found->second;
  auto made = std::make_shared<const ImageF>(options_.model == kLabelsOfCapture ? OfLabels(view)
                                                                                : OfModel(view, stop));
  if (kept_.size() >= kMostKept) {
    kept_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(view);
  return kept_[view] = made;
}

ImageF PhotoClasses::Look(const ImageU8& rgb, const StopToken* stop) {
  if (options_.model == kLabelsOfCapture)
    throw InputError("labels of the capture say nothing of other pictures; name a model of kind dense");
  if (!encoder_) encoder_ = LoadDenseEncoder(card_, {.onnxruntime = options_.onnxruntime});
  return Interleaved(encoder_->Look(rgb, stop));
}

ImageF PhotoClasses::OfModel(int view, const StopToken* stop) {
  const std::filesystem::path& photo = capture_.views[view].image;
  const std::filesystem::path file = options_.folder / fmt::format("{:06d}.safetensors", view);
  const auto channels = static_cast<int64_t>(classes_.size());
  const std::string key = fmt::format("{:016x} {}", FastHash(ReadFile(photo)), Name());
  if (!options_.folder.empty() && std::filesystem::exists(file)) {
    try {
      const SafetensorsFile kept = SafetensorsFile::Read(file);
      if (kept.Metadata(kKey) == key) {
        const std::span<const Half> halves = kept.Get<Half>(kTensor, {-1, -1, channels});
        const std::vector<int64_t>& shape = kept.Find(kTensor)->shape;
        ImageF map(static_cast<int>(shape[1]), static_cast<int>(shape[0]), static_cast<int>(channels));
        std::transform(halves.begin(), halves.end(), map.data.begin(), HalfToFloat);
        return map;
      }
    } catch (const Error& error) {
      LogWarning("{}: not used ({}); the photo is looked at again", file.string(), error.what());
    }
  }
  ImageF map = Look(ToRgb(ReadImage(photo), kGray), stop);
  std::vector<Half> halves(map.data.size());
  for (size_t i = 0; i < halves.size(); ++i) {
    halves[i] = FloatToHalf(map.data[i]);
    map.data[i] = HalfToFloat(halves[i]);  // the same answer now and later
  }
  if (!options_.folder.empty()) {
    const TensorView tensor = MakeTensorView<Half>(kTensor, {map.height, map.width, channels}, halves);
    WriteSafetensors(file, {&tensor, 1}, {{kKey, key}});
  }
  return map;
}

ImageF PhotoClasses::OfLabels(int view) const {
  const ImageU16 labels = CheckedLabels(capture_, store_, view);
  const double shrink =
      std::max(1.0, static_cast<double>(std::max(labels.width, labels.height)) / kLabelSide);
  const int channels = static_cast<int>(classes_.size());
  ImageF map(std::max(1, static_cast<int>(labels.width / shrink)),
             std::max(1, static_cast<int>(labels.height / shrink)), channels);
  for (int y = 0; y < labels.height; ++y) {
    for (int x = 0; x < labels.width; ++x) {
      if (labels.At(x, y) == kNoLabel) continue;
      const int to_x = static_cast<int>(static_cast<int64_t>(x) * map.width / labels.width);
      const int to_y = static_cast<int>(static_cast<int64_t>(y) * map.height / labels.height);
      map.At(to_x, to_y, labels.At(x, y)) += 1;
    }
  }
  for (size_t i = 0; i < map.num_pixels(); ++i) {
    float* place = map.data.data() + i * channels;
    float sum = 0;
    for (int c = 0; c < channels; ++c) sum += place[c];
    for (int c = 0; c < channels; ++c)
      place[c] = sum > 0 ? place[c] / sum : 1.0f / static_cast<float>(channels);
  }
  return map;
}

}  // namespace semfield
