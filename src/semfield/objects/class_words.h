#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/objects/word_finder.h"
#include "semfield/perception/model_card.h"
#include "semfield/perception/text_encoder.h"
#include "semfield/perception/vocabulary.h"
#include "semfield/perception/word_matcher.h"

namespace semfield {

// What a text means among the classes of a dense encoder.
struct ClassMeaning {
  std::vector<bool> is_meant;      // [classes] that have kFits of what the text's best word has; may be none
  std::vector<ThingName> classes;  // these, the best first, with that share
  std::vector<ThingName> nearest;  // the next ones, at most three
  std::vector<ThingName> meant;    // the words that the text was taken for, at most three
};

// Texts and class names for fields that know classes.
class ClassWords {
 public:
  // model: a card of kind "dense" with words. text_model: of kind "text" or "clip", loaded when a text needs
  // it.
  ClassWords(const std::string& model, std::string text_model, std::string onnxruntime);

  const Vocabulary& vocabulary() const { return vocabulary_; }
  // Errors as WordMatcher::Meaning. The first time takes seconds, which are reported.
  ClassMeaning Text(const std::string& text, const JobControl& control);
  // A name that some classes have, synonyms and kinds among them. Unknown: InputError with the nearest.
  ClassMeaning Class(const std::string& name, const JobControl& control);

 private:
  WordMatcher& matcher(const JobControl& control);

  const std::string text_model_, onnxruntime_;
  const Vocabulary vocabulary_;
  std::unique_ptr<TextEncoder> text_;
  std::unique_ptr<WordMatcher> matcher_;
};

}  // namespace semfield
