#include "semfield/objects/class_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "semfield/base/error.h"

namespace semfield {
namespace {

constexpr int kMostMeant = 3;
constexpr size_t kMostNearest = 3;

}  // namespace

ClassWords::ClassWords(const std::string& model, std::string text_model, std::string onnxruntime)
    : text_model_(std::move(text_model)),
      onnxruntime_(std::move(onnxruntime)),
      vocabulary_(LoadVocabulary(FindModelCard(model))) {}

WordMatcher& ClassWords::matcher(const JobControl& control) {
  if (!matcher_) {
    text_ = LoadTextEncoder(text_model_, {.onnxruntime = onnxruntime_});
    matcher_ = std::make_unique<WordMatcher>(vocabulary_, *text_, control);
  }
  return *matcher_;
}

ClassMeaning ClassWords::Text(const std::string& text, const JobControl& control) {
  const std::vector<float> shares = matcher(control).Meaning(text, control.stop);
  const std::vector<RankedWord> best = BestWords(shares, kMostMeant);
  ClassMeaning meaning;
  meaning.is_meant.assign(vocabulary_.classes().size(), false);
  for (const RankedWord& word : best) {
    if (word.score > 0)
      meaning.meant.push_back({.name = vocabulary_.words()[word.word].name, .score = word.score});
  }
  const double most = best.front().score;
  for (size_t w = 0; w < shares.size(); ++w) {
    const Word& word = vocabulary_.words()[w];
    if (word.class_id < 0) continue;
    const double share = shares[w] / most;
    const bool fits = share >= kFits;
    if (fits) meaning.is_meant[word.class_id] = true;
    (fits ? meaning.classes : meaning.nearest)
        .push_back({.name = vocabulary_.classes()[word.class_id], .score = share});
  }
  for (std::vector<ThingName>* list : {&meaning.classes, &meaning.nearest}) {
    std::stable_sort(list->begin(), list->end(),
                     [](const ThingName& a, const ThingName& b) { return a.score > b.score; });
  }
  meaning.nearest.resize(std::min(kMostNearest, meaning.nearest.size()));
  return meaning;
}

ClassMeaning ClassWords::Class(const std::string& name, const JobControl& control) {
  if (!vocabulary_.Called(name).empty()) return Text(name, control);  // exactly these words
  std::vector<std::string> nearest;
  for (const ThingName& word : Text(name, control).meant) nearest.push_back(word.name);
  throw InputError("no class is called '{}'; the nearest are: {}", name, fmt::join(nearest, ", "));
}

}  // namespace semfield
