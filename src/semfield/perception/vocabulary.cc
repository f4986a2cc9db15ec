#include "semfield/perception/vocabulary.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/json.h"

namespace semfield {
namespace {

constexpr size_t kMaxWordBytes = size_t{4} << 20;
// No class is impossible because the classifier has no name for it: the classifier's probability is mixed
// with so much of an even one.
constexpr double kEven = 0.3;
// The names that no class covers are many: by their mere number they would win over the few of a class.
constexpr double kOthersCount = 0.1;

std::vector<double> Softmax(std::span<const float> logits) {
  std::vector<double> probability(logits.size());
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) sum += probability[i] = std::exp(double{logits[i]} - largest);
  for (double& p : probability) p /= sum;
  return probability;
}

// The forms a word may have been a plural of, itself first.
std::vector<std::string> Singulars(const std::string& word) {
  std::vector<std::string> forms = {word};
  const auto ends = [&](const char* end) { return word.ends_with(end) && word.size() > 3; };
  if (ends("s") && !ends("ss")) forms.push_back(word.substr(0, word.size() - 1));
  if (ends("es")) forms.push_back(word.substr(0, word.size() - 2));
  if (ends("ies")) forms.push_back(word.substr(0, word.size() - 3) + "y");
  if (ends("ves")) {
    forms.push_back(word.substr(0, word.size() - 3) + "f");
    forms.push_back(word.substr(0, word.size() - 3) + "fe");
  }
  return forms;
}

bool IsOneOf(const std::string& plain, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return PlainWords(name) == plain; });
}

}  // namespace

std::string PlainWords(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '_';
    if (is_space && (plain.empty() || plain.back() == ' ')) continue;
    plain += is_space ? ' ' : static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  while (!plain.empty() && plain.back() == ' ') plain.pop_back();
  for (const char* article : {"a ", "an ", "the "}) {
    if (plain.starts_with(article)) return plain.substr(std::string(article).size());
  }
  return plain;
}

Vocabulary::Vocabulary(std::vector<std::string> classes, std::vector<ClassName> names,
                       const std::filesystem::path& words_file)
    : classes_(std::move(classes)), names_(std::move(names)), is_covered_(names_.size(), false) {
  const Json json = ReadJsonFile(words_file, kMaxWordBytes);
  const std::string file = words_file.string();
  std::string at = "classes";
  try {
    const auto other = json.at("other").get<std::string>();
    for (const auto& [name, entry] : json.at("classes").items()) {
      if (std::find(classes_.begin(), classes_.end(), name) == classes_.end())
        throw InputError("{}: classes.{}: the dense encoder has no such class", file, name);
    }
    for (int c = 0; c < static_cast<int>(classes_.size()); ++c) {
      at = "classes." + classes_[c];
      if (classes_[c] == other) {
        other_ = c;
        continue;
      }
      const Json& entry = json.at("classes").at(classes_[c]);
      const auto list = [&](const char* key) { return entry.at(key).get<std::vector<std::string>>(); };
      AddClass(c, list("names"), list("is_a"), list("covers"), file + ": " + at);
    }
    if (other_ < 0 && !other.empty()) throw InputError("{}: other: no class '{}'", file, other);
  } catch (const Json::exception& error) {
    throw InputError("{}: {}: expected names, is_a and covers ({})", file, at, error.what());
  }
  for (int n = 0; n < static_cast<int>(names_.size()); ++n) {
    if (is_covered_[n]) continue;
    const ClassName& name = names_[n];
    words_.push_back({.name = name.names.front(),
                      .synonyms = {name.names.begin() + 1, name.names.end()},
                      .is_a = name.is_a,
                      .covers = {n}});
  }
}

void Vocabulary::AddClass(int class_id, const std::vector<std::string>& names,
                          const std::vector<std::string>& is_a, const std::vector<std::string>& covers,
                          const std::string& where) {
  Word word{.name = classes_[class_id], .synonyms = {}, .is_a = is_a, .class_id = class_id, .covers = {}};
  for (const std::string& name : names) {
    if (name != word.name) word.synonyms.push_back(name);
  }
  for (const std::string& cover : covers) {
    const auto found = std::find_if(names_.begin(), names_.end(),
                                    [&](const ClassName& name) { return name.names.front() == cover; });
    if (found == names_.end()) throw InputError("{}.covers: the classifier has no name '{}'", where, cover);
    word.covers.push_back(static_cast<int>(found - names_.begin()));
    is_covered_[word.covers.back()] = true;
    word.synonyms.insert(word.synonyms.end(), found->names.begin(), found->names.end());
  }
  words_.push_back(std::move(word));
}

double Vocabulary::CoveredShare(std::span<const float> name_logits) const {
  SF_CHECK_EQ(name_logits.size(), names_.size());
  const std::vector<double> probability = Softmax(name_logits);
  double covered = 0;
  for (size_t n = 0; n < names_.size(); ++n) covered += is_covered_[n] ? probability[n] : 0;
  return covered;
}

std::vector<float> Vocabulary::Weigh(std::span<const float> class_probability,
                                     std::span<const float> name_logits, double trust) const {
  SF_CHECK_EQ(class_probability.size(), classes_.size());
  SF_CHECK_EQ(name_logits.size(), names_.size());
  const std::vector<double> name = Softmax(name_logits);
  double others = 1e-30, best_other = 1e-30;
  for (size_t n = 0; n < names_.size(); ++n) {
    if (is_covered_[n]) continue;
    others += name[n];
    best_other = std::max(best_other, name[n]);
  }
  const double even = kEven * trust / static_cast<double>(classes_.size());
  const auto weigh = [&](int class_id, double by_name) {
    return std::pow(double{class_probability[class_id]} + 1e-6, trust) *
           std::pow((1 - kEven * trust) * by_name + even, 1 - trust / 2);
  };
  const double counted = 1 - (1 - kOthersCount) * trust;
  const double of_others = other_ >= 0 ? weigh(other_, counted * others) : counted * others;
  const double divided = std::pow(others, 1 - trust) * std::pow(best_other, trust);
  std::vector<double> weight(words_.size(), 0);
  double sum = of_others;
  for (size_t w = 0; w < words_.size(); ++w) {
    const Word& word = words_[w];
    double by_name = 0;
    for (const int n : word.covers) by_name += name[n];
    weight[w] = word.class_id >= 0 ? weigh(word.class_id, by_name) : of_others * by_name / divided;
    sum += word.class_id >= 0 ? weight[w] : 0;
  }
  std::vector<float> shares(words_.size());
  for (size_t w = 0; w < words_.size(); ++w) shares[w] = static_cast<float>(weight[w] / std::max(sum, 1e-30));
  return shares;
}

std::vector<int> Vocabulary::Called(const std::string& text) const {
  const std::vector<std::string> forms = Singulars(PlainWords(text));
  const auto all = [&](auto&& is_called) {
    std::vector<int> found;
    for (int w = 0; w < static_cast<int>(words_.size()); ++w) {
      if (std::any_of(forms.begin(), forms.end(),
                      [&](const std::string& form) { return is_called(words_[w], form); }))
        found.push_back(w);
    }
    return found;
  };
  std::vector<int> found = all([](const Word& word, const std::string& form) {
    return PlainWords(word.name) == form || IsOneOf(form, word.synonyms);
  });
  if (!found.empty()) return found;
  return all([](const Word& word, const std::string& form) { return IsOneOf(form, word.is_a); });
}

Vocabulary LoadVocabulary(const ModelCard& card) {
  CheckModelKind(card, "dense");
  if (card.dense.words.path.empty())
    throw InputError("model '{}' does not say what its classes are called (key dense.words of its card)",
                     card.name);
  const ModelCard classifier = FindModelCard(card.dense.classifier);
  CheckModelKind(classifier, "classifier");
  return Vocabulary(card.dense.classes,
                    ReadClassNames(VerifyModelFile(classifier, classifier.classifier.names)),
                    VerifyModelFile(card, card.dense.words));
}

}  // namespace semfield
