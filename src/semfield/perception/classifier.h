#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/image/image.h"
#include "semfield/perception/feature_map.h"
#include "semfield/perception/model_card.h"

namespace semfield {

// One class of a classifier: a synset of WordNet.
struct ClassName {
  std::string synset;              // e.g. n07742313
  std::vector<std::string> names;  // its synonyms, the usual one first
  std::vector<std::string> is_a;   // what it is a kind of, the nearest first: eating apple, apple, ...
};

// {"classes": [{"synset", "names", "is_a"}, ...]}; damaged or without a class: InputError.
std::vector<ClassName> ReadClassNames(const std::filesystem::path& path);

struct ClassifierOptions {
  int threads = 0;                  // as EncoderOptions
  std::string onnxruntime;          // as EncoderOptions
  std::vector<std::string> stages;  // of the card, that Look returns
};

// A network that says what pictures show, at every place of them. One call at a time.
class Classifier {
 public:
  virtual ~Classifier() = default;
  virtual const ModelCard& card() const = 0;
  virtual const std::vector<ClassName>& names() const = 0;

  struct Answer {
    FeatureMap logits;  // [names, ceil(height / stride), ceil(width / stride)]; the mean over places is the
                        // network's answer for the whole picture
    std::vector<FeatureMap> stages;  // as ClassifierOptions::stages
  };
  // RGB, 8 bit, 3 channels, at least one stride a side (InputError otherwise), seen at its own size: the
  // caller scales. Asked to stop: InterruptedError.
  virtual Answer Look(const ImageU8& rgb, const StopToken* stop = nullptr) = 0;
};

// The model card by name; as LoadImageEncoder. A stage that the card does not have: InputError.
std::unique_ptr<Classifier> LoadClassifier(const std::string& model_name,
                                           const ClassifierOptions& options = {});
std::unique_ptr<Classifier> LoadClassifier(const ModelCard& card, const ClassifierOptions& options = {});

// Mean over the places of a map, each counted as often as the mask's pixels over it: [channels]. The mask
// covers the same picture at any size, 1 channel, above 127 inside. Empty masks count everywhere.
std::vector<float> MeanUnder(const FeatureMap& map, const ImageU8& mask);

}  // namespace semfield
