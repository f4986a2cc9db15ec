#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "semfield/perception/classifier.h"

namespace semfield {

// A name that things can have.
struct Word {
  std::string name;
  std::vector<std::string> synonyms;  // what else it is called
  std::vector<std::string> is_a;      // what it is a kind of
  int class_id = -1;                  // of the dense encoder's classes; -1: of none
  std::vector<int> covers;            // the classifier's names that mean it; never empty where class_id is -1
};

// The names that a dense encoder and a classifier know, each once: every class is a word that covers the
// classifier's names of the same meaning, and every other name of the classifier is a word by itself. One
// class may stand for all that has no class of its own ("object"); it is no word.
class Vocabulary {
 public:
  // words_file: {"other": class or "", "classes": {class: {"names": [...], "is_a": [...], "covers": [first
  // names of the classifier's]}}}. A class without an entry or one that is not there, an unknown name, a
  // damaged file: InputError with the key.
  Vocabulary(std::vector<std::string> classes, std::vector<ClassName> names,
             const std::filesystem::path& words_file);

  const std::vector<std::string>& classes() const { return classes_; }
  const std::vector<ClassName>& names() const { return names_; }
  const std::vector<Word>& words() const { return words_; }

  // How well a thing is called by each word, 0 to 1: [words]. Of its class probabilities p [classes] and its
  // logits of the classifier's names q [names] a class has p^trust q^(1 - trust / 2), where the names that no
  // class covers count as the class that stands for them; all classes together have 1. Of these names each
  // has that class's share over q of all of them^(1 - trust) q of the best of them^trust: with trust the best
  // one competes with the classes for all its like. trust: how well the dense encoder knows scenes of this
  // kind, 0 to 1.
  std::vector<float> Weigh(std::span<const float> class_probability, std::span<const float> name_logits,
                           double trust) const;
  // Share of the classifier's probability that lies on names that a class covers: how much a thing or a
  // picture is of the dense encoder's kind of scene.
  double CoveredShare(std::span<const float> name_logits) const;

  // Words that are called exactly so, in capitals or not, one or many of them ("Sofas"): by name or synonym;
  // where there is none, by what they are a kind of. Empty: none.
  std::vector<int> Called(const std::string& text) const;

 private:
  void AddClass(int class_id, const std::vector<std::string>& names, const std::vector<std::string>& is_a,
                const std::vector<std::string>& covers, const std::string& where);

  const std::vector<std::string> classes_;
  const std::vector<ClassName> names_;
  int other_ = -1;                // the class of all that has none of its own; -1: there is none
  std::vector<Word> words_;       // those of classes first
  std::vector<bool> is_covered_;  // [names]
};

// Of a card of kind "dense" with words, and of its classifier's card. No words: InputError.
Vocabulary LoadVocabulary(const ModelCard& card);

// What a text is compared by: lower case, single spaces, no article before it.
std::string PlainWords(const std::string& text);

}  // namespace semfield
