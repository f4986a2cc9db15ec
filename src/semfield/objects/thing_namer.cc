#include "semfield/objects/thing_namer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/image/codecs.h"
#include "semfield/image/pixels.h"
#include "semfield/objects/everything.h"

namespace semfield {
namespace {

constexpr double kCropMargin = 1.2;    // sides of a crop over those of the thing's box
constexpr int kCropSide = 288;         // pixels of a crop's longer side, as the classifier sees it
constexpr double kFewestShare = 5e-4;  // of a photo, for the thing to be asked about there
constexpr int kTrustPhotos = 6;
// A model of kind "clip" has no list of names: it is asked for those of this card and its classifier.
constexpr char kVocabularyOfClip[] = "rooms-fast";
// Shares of the classifier's probability on names of rooms, between which trust rises from 0 to 1.
constexpr double kNoTrust = 0.1, kFullTrust = 0.25;

struct PixelBox {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;  // the last ones are outside
};

PixelBox BoxOf(const ImageU8& mask) {
  PixelBox box{mask.width, mask.height, 0, 0};
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (mask.At(x, y) == 0) continue;
      box.x0 = std::min(box.x0, x);
      box.y0 = std::min(box.y0, y);
      box.x1 = std::max(box.x1, x + 1);
      box.y1 = std::max(box.y1, y + 1);
    }
  }
  return box;
}

PixelBox WithMargin(const PixelBox& box, int width, int height) {
  const double margin = (kCropMargin - 1) / 2;
  const int u = static_cast<int>(std::lround((box.x1 - box.x0) * margin));
  const int v = static_cast<int>(std::lround((box.y1 - box.y0) * margin));
  return {std::max(0, box.x0 - u), std::max(0, box.y0 - v), std::min(width, box.x1 + u),
          std::min(height, box.y1 + v)};
}

ImageU8 Crop(const ImageU8& image, const PixelBox& box) {
  ImageU8 crop(box.x1 - box.x0, box.y1 - box.y0, image.channels);
  for (int y = box.y0; y < box.y1; ++y) {
    const auto row = image.data.begin() + (static_cast<ptrdiff_t>(y) * image.width + box.x0) * image.channels;
    std::copy(row, row + static_cast<ptrdiff_t>(crop.width) * image.channels,
              crop.data.begin() + static_cast<ptrdiff_t>(y - box.y0) * crop.width * image.channels);
  }
  return crop;
}

// At the size at which the classifier sees it: whole strides a side.
ImageU8 ForClassifier(const ImageU8& crop, int longer_side, int stride) {
  const double scale = static_cast<double>(longer_side) / std::max(crop.width, crop.height);
  const auto side = [&](int pixels) {
    return std::max(2 * stride, stride * static_cast<int>(std::lround(pixels * scale / stride)));
  };
  return Resize(crop, side(crop.width), side(crop.height));
}

void Add(const std::vector<float>& values, std::vector<float>* sum) {
  for (size_t i = 0; i < values.size(); ++i) (*sum)[i] += values[i];
}

ModelCard ClassifierOf(const ModelCard& card) {
  CheckModelKind(card, "dense");
  return FindModelCard(card.dense.classifier);
}

std::vector<int> SceneViews(const SurfaceMap& map, int most) {
  std::vector<int> views(map.views().size());
  std::iota(views.begin(), views.end(), 0);
  return static_cast<int>(views.size()) <= most ? views : SpreadOverSurface(map, most);
}

}  // namespace

ThingNamer::ThingNamer(const Capture& capture, const SurfaceMap& map, const ThingNamerOptions& options)
    : capture_(capture),
      map_(map),
      options_(options),
      card_(FindModelCard(options.model)),
      dense_card_(IsClip() ? FindModelCard(kVocabularyOfClip) : card_),
      classifier_card_(ClassifierOf(dense_card_)),
      vocabulary_(LoadVocabulary(dense_card_)),
      scene_views_(SceneViews(map, options.views_of_scene)) {}

DenseEncoder& ThingNamer::dense() {
  if (!dense_) dense_ = LoadDenseEncoder(card_, {.onnxruntime = options_.onnxruntime});
  return *dense_;
}

Classifier& ThingNamer::classifier() {
  if (!classifier_)
    classifier_ = LoadClassifier(classifier_card_, {.onnxruntime = options_.onnxruntime, .stages = {}});
  return *classifier_;
}

ImageTower& ThingNamer::tower() {
  if (!tower_) tower_ = LoadImageTower(card_, {.onnxruntime = options_.onnxruntime});
  return *tower_;
}

WordMatcher& ThingNamer::matcher(const JobControl& control) {
  if (!matcher_) {
    const ModelCard text = IsClip() ? card_ : FindModelCard(options_.text_model);
    text_ = LoadTextEncoder(text, {.onnxruntime = options_.onnxruntime});
    matcher_ = std::make_unique<WordMatcher>(vocabulary_, *text_, control);
  }
  return *matcher_;
}

ImageU8 ThingNamer::Photo(int view) const {
  return ToRgb(ReadImage(capture_.views[view].image), {127, 127, 127});
}

const FeatureMap& ThingNamer::Classes(int view, const ImageU8& photo, const StopToken* stop) {
  const auto found = classes_.find(view);
  if (found != classes_.end()) return found->second;
  return classes_[view] = dense().Look(photo, stop);
}

NameEvidence ThingNamer::Look(const Selection& selection, const StopToken* stop) {
  std::vector<std::pair<int64_t, int>> shown;  // pixels, view of the map
  for (const int v : scene_views_) {
    const SurfaceView& view = map_.views()[v];
    int64_t pixels = 0;
    for (size_t c = 0; c < view.cells.size(); ++c)
      pixels += selection.Has(view.cells[c]) ? view.pixels[c] : 0;
    if (static_cast<double>(pixels) >= kFewestShare * static_cast<double>(view.depth.num_pixels()))
      shown.emplace_back(-pixels, v);
  }
  std::sort(shown.begin(), shown.end());
  shown.resize(std::min<size_t>(shown.size(), options_.views));
  std::vector<int> views;
  std::vector<ImageU8> masks;
  for (const auto& [pixels, v] : shown) {
    const SurfaceView& view = map_.views()[v];
    const Camera& camera = capture_.views[view.view].camera;
    views.push_back(view.view);
    masks.push_back(MaskOf(selection, view, camera.width, camera.height));
  }
  return Look(views, masks, stop);
}

NameEvidence ThingNamer::Look(const std::vector<int>& views, const std::vector<ImageU8>& masks,
                              const StopToken* stop) {
  SF_CHECK_EQ(views.size(), masks.size());
  NameEvidence evidence{.class_probability = std::vector<float>(vocabulary_.classes().size(), 0),
                        .name_logits = std::vector<float>(vocabulary_.names().size(), 0),
                        .vector = std::vector<float>(IsClip() ? card_.text.width : 0, 0),
                        .views = {}};
  for (size_t i = 0; i < views.size(); ++i) {
    const PixelBox box = BoxOf(masks[i]);
    if (box.x0 >= box.x1) continue;
    if (stop != nullptr) stop->ThrowIfStopped();
    const ImageU8 photo = Photo(views[i]);
    const PixelBox crop = WithMargin(box, photo.width, photo.height);
    evidence.views.push_back(views[i]);
    if (IsClip()) {
      Add(tower().Look(Crop(photo, crop), stop), &evidence.vector);
      continue;
    }
    Add(MeanUnder(Classes(views[i], photo, stop), masks[i]), &evidence.class_probability);
    const Classifier::Answer answer = classifier().Look(
        ForClassifier(Crop(photo, crop), kCropSide, classifier_card_.classifier.stride), stop);
    Add(MeanUnder(answer.logits, Crop(masks[i], crop)), &evidence.name_logits);
  }
  const auto n = static_cast<float>(std::max<size_t>(1, evidence.views.size()));
  for (float& value : evidence.class_probability) value /= n;
  for (float& value : evidence.name_logits) value /= n;
  ScaleToLengthOne(&evidence.vector);
  return evidence;
}

double ThingNamer::Trust(const StopToken* stop) {
  if (trust_ >= 0) return trust_;
  const int stride = classifier_card_.classifier.stride;
  double share = 0;
  int asked = 0;
  const size_t step = std::max<size_t>(1, scene_views_.size() / kTrustPhotos);
  for (size_t i = 0; i < scene_views_.size() && asked < kTrustPhotos; i += step) {
    const ImageU8 photo = Photo(map_.views()[scene_views_[i]].view);
    const FeatureMap logits =
        classifier().Look(ForClassifier(photo, card_.dense.longest_side, stride), stop).logits;
    const size_t plane = static_cast<size_t>(logits.height) * logits.width;
    std::vector<float> place(logits.channels);
    for (size_t p = 0; p < plane; ++p) {
      for (int c = 0; c < logits.channels; ++c) place[c] = logits.data[c * plane + p];
      share += vocabulary_.CoveredShare(place) / static_cast<double>(plane);
    }
    ++asked;
  }
  share /= std::max(1, asked);
  return trust_ = std::clamp((share - kNoTrust) / (kFullTrust - kNoTrust), 0.0, 1.0);
}

GivenNames ThingNamer::Names(const NameEvidence& evidence, const StopToken* stop) {
  GivenNames names{.weights = std::vector<float>(vocabulary_.words().size(), 0),
                   .vocabulary = VocabularyName(),
                   .views = evidence.views,
                   .vector = evidence.vector};
  if (evidence.views.empty()) return names;
  names.weights = IsClip()
                      ? SharpShares(matcher({.stop = stop}).Cosines(evidence.vector), card_.image.sharpness)
                      : vocabulary_.Weigh(evidence.class_probability, evidence.name_logits, Trust(stop));
  return names;
}

TextMeaning ThingNamer::Meaning(const std::string& text, const JobControl& control) {
  WordMatcher& words = matcher(control);
  TextMeaning meaning{.words = words.Meaning(text, control.stop), .vector = {}};
  if (IsClip() && vocabulary_.Called(text).empty()) meaning.vector = words.Vector(text, control.stop);
  return meaning;
}

double ThingNamer::Fit(const GivenNames& names, const TextMeaning& meaning) const {
  SF_CHECK_EQ(names.vocabulary, VocabularyName());
  if (names.views.empty()) return 0;
  if (meaning.vector.empty()) return FitOf(names.weights, meaning.words);
  // The text stands in the softmax beside the words: its share over that of the best of them.
  const std::vector<double> cosines = matcher_->Cosines(names.vector);
  const double best = *std::max_element(cosines.begin(), cosines.end());
  return std::min(1.0, std::exp(card_.image.sharpness * (Cosine(names.vector, meaning.vector) - best)));
}

std::string ThingNamer::VocabularyName() const {
  const std::string words = dense_card_.dense.words.sha256.substr(0, 12);
  if (IsClip()) {
    return fmt::format("{} {:.12} {:.12} {}", card_.name, card_.image.file.sha256, card_.text.file.sha256,
                       words);
  }
  return fmt::format("{} {:.12} {} {:.12}", card_.name, card_.dense.file.sha256, words,
                     classifier_card_.classifier.file.sha256);
}

}  // namespace semfield
