#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/capture/capture.h"
#include "semfield/objects/selection.h"
#include "semfield/perception/classifier.h"
#include "semfield/perception/dense_encoder.h"
#include "semfield/perception/image_tower.h"
#include "semfield/perception/text_encoder.h"
#include "semfield/perception/vocabulary.h"
#include "semfield/perception/word_matcher.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

struct ThingNamerOptions {
  std::string model = "rooms-fast";  // a card of kind "dense", which names its classifier, or "clip"
  std::string text_model =
      "minilm";             // a card of kind "text" or "clip"; a model of kind "clip" reads texts itself
  std::string onnxruntime;  // as DenseEncoderOptions
  int views = 8;            // photos that are asked about a thing: those that show most of it
  int views_of_scene = 40;  // photos among which these are, spread over the surface
};

// What photos say of one thing.
struct NameEvidence {
  std::vector<float> class_probability;  // [classes] mean over the thing's pixels and the photos
  std::vector<float> name_logits;        // [names] mean over crops of the photos, under the thing's mask
  std::vector<float> vector;             // of a model of kind "clip" instead: mean over crops, of length 1
  std::vector<int> views;                // into Capture::views, the one that shows most first
};

// What a text means, to be compared with things.
struct TextMeaning {
  std::vector<float> words;   // [words] WordMatcher::Meaning
  std::vector<float> vector;  // of a model of kind "clip", where no word is called exactly so; else empty
};

// Names things by what several photos show of them: the mean of a dense encoder's class probabilities over
// their visible pixels, and a classifier's answer to a crop of each photo; or by the nearest texts to what a
// model of kind "clip" sees in the crops.
class ThingNamer {
 public:
  // Capture and map must outlive it.
  ThingNamer(const Capture& capture, const SurfaceMap& map, const ThingNamerOptions& options);

  const Vocabulary& vocabulary() const { return vocabulary_; }
  // Names the vocabulary and who gives its words, by the hashes of their files.
  std::string VocabularyName() const;

  // Of the photos that show it; no photo shows any of it: views is empty.
  NameEvidence Look(const Selection& selection, const StopToken* stop);
  // Of given photos and the thing's masks in them, at the photos' size.
  NameEvidence Look(const std::vector<int>& views, const std::vector<ImageU8>& masks, const StopToken* stop);

  // How much of the dense encoder's kind the scene is, 0 to 1: by how often the classifier sees what the
  // dense encoder's classes cover, over a few photos.
  double Trust(const StopToken* stop);
  // How well each word of the vocabulary names it.
  GivenNames Names(const NameEvidence& evidence, const StopToken* stop);

  // What a text means; errors as WordMatcher::Meaning. The first time takes seconds, which are reported.
  TextMeaning Meaning(const std::string& text, const JobControl& control);
  // How well a thing that has names of this vocabulary is what was meant, about 0 to 1; from kFits on it is.
  // As FitOf; where the meaning has a vector, how it compares with the word that is nearest to the thing.
  double Fit(const GivenNames& names, const TextMeaning& meaning) const;

 private:
  bool IsClip() const { return card_.kind == "clip"; }
  DenseEncoder& dense();
  Classifier& classifier();
  ImageTower& tower();
  WordMatcher& matcher(const JobControl& control);
  ImageU8 Photo(int view) const;
  const FeatureMap& Classes(int view, const ImageU8& photo, const StopToken* stop);

  const Capture& capture_;
  const SurfaceMap& map_;
  const ThingNamerOptions options_;
  const ModelCard card_;
  const ModelCard dense_card_, classifier_card_;  // whose words are the vocabulary
  const Vocabulary vocabulary_;
  std::unique_ptr<DenseEncoder> dense_;     // loaded when a photo is first looked at
  std::unique_ptr<Classifier> classifier_;  // likewise
  std::unique_ptr<ImageTower> tower_;       // likewise
  std::unique_ptr<TextEncoder> text_;
  std::unique_ptr<WordMatcher> matcher_;
  std::vector<int> scene_views_;       // into SurfaceMap::views()
  std::map<int, FeatureMap> classes_;  // by view of the capture
  double trust_ = -1;                  // below 0: not known yet
};

}  // namespace semfield
