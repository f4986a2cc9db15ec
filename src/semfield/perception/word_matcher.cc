#include "semfield/perception/word_matcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <set>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/log.h"
#include "semfield/perception/model_folders.h"

namespace semfield {
namespace {

constexpr size_t kMaxTextBytes = 1000;
// Of cosines between MiniLM's vectors, where a synonym has about 0.6 and a thousand other words 0.25.
constexpr double kSharpness = 20;
// What the dense encoder's classes are called is what people mostly ask for: so much nearer are they taken to
// be.
constexpr double kClassesAreNearer = 0.12;
// A meaning that no word has so much of is spread over all of them: it means nothing here.
constexpr float kLeastMeaning = 0.2f;

// How a name is put to the encoder.
std::string Prompt(const TextEncoder& encoder, const std::string& name) {
  return encoder.card().kind == "clip" ? "a photo of a " + name : name;
}

}  // namespace

std::vector<RankedWord> BestWords(const std::vector<float>& scores, int count) {
  std::vector<RankedWord> ranked;
  for (int w = 0; w < static_cast<int>(scores.size()); ++w) ranked.push_back({.word = w, .score = scores[w]});
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const RankedWord& a, const RankedWord& b) { return a.score > b.score; });
  ranked.resize(std::min<size_t>(ranked.size(), std::max(0, count)));
  return ranked;
}

WordMatcher::WordMatcher(const Vocabulary& vocabulary, TextEncoder& encoder, const JobControl& control)
    : vocabulary_(vocabulary), encoder_(encoder) {
  for (int w = 0; w < static_cast<int>(vocabulary.words().size()); ++w) {
    const Word& word = vocabulary.words()[w];
    std::set<std::string> seen;
    const auto add = [&](const std::string& name) {
      if (!seen.insert(PlainWords(name)).second) return;
      names_.push_back(PlainWords(name));
      word_of_.push_back(w);
    };
    add(word.name);
    for (const std::string& synonym : word.synonyms) add(synonym);
  }
  const std::string path = FileOfVectors();
  if (!path.empty() && ReadVectors(path)) return;
  for (size_t n = 0; n < names_.size(); ++n) {
    control.ThrowIfStopped();
    const std::vector<float> vector = encoder.Encode(Prompt(encoder, names_[n]), control.stop);
    vectors_.insert(vectors_.end(), vector.begin(), vector.end());
    if (n % 64 == 0)
      control.Report({.stage = "read names",
                      .done = static_cast<double>(n),
                      .total = static_cast<double>(names_.size()),
                      .detail = names_[n]});
  }
  if (path.empty()) return;
  try {
    WriteFileAtomically(path, std::as_bytes(std::span(vectors_)));
  } catch (const Error& error) {
    LogWarning("the vectors of names are not kept for the next time: {}", error.what());
  }
}

// Named after what it holds; empty: there is no cache folder.
std::string WordMatcher::FileOfVectors() const {
  const std::filesystem::path folder = UserCacheFolder();
  if (folder.empty()) return "";
  std::string all = encoder_.card().text.file.sha256 + encoder_.card().text.vocabulary.sha256;
  for (const std::string& name : names_) all += '\n' + name;
  return folder / fmt::format("names-{}.f32", Sha256(std::as_bytes(std::span(all))).substr(0, 32));
}

bool WordMatcher::ReadVectors(const std::string& path) {
  std::error_code error;
  const size_t bytes = names_.size() * encoder_.width() * sizeof(float);
  if (std::filesystem::file_size(path, error) != bytes || error) return false;
  try {
    const std::vector<std::byte> content = ReadFile(path, bytes);
    if (content.size() != bytes) return false;
    vectors_.resize(bytes / sizeof(float));
    std::memcpy(vectors_.data(), content.data(), bytes);
  } catch (const Error&) {
    vectors_.clear();
    return false;
  }
  const bool is_finite =
      std::all_of(vectors_.begin(), vectors_.end(), [](float v) { return std::abs(v) <= 1.001f; });
  if (!is_finite) vectors_.clear();
  return is_finite;
}

std::vector<float> WordMatcher::Vector(const std::string& text, const StopToken* stop) {
  const std::string plain = PlainWords(text);
  if (plain.empty()) throw InputError("the text is empty: say what to look for, such as chair");
  if (text.size() > kMaxTextBytes)
    throw InputError("the text has {} bytes: at most {} are understood", text.size(), kMaxTextBytes);
  return encoder_.Encode(Prompt(encoder_, plain), stop);
}

std::vector<double> WordMatcher::Cosines(const std::vector<float>& vector) const {
  std::vector<double> nearest(vocabulary_.words().size(), -1);
  for (size_t n = 0; n < names_.size(); ++n) {
    const std::span<const float> name(vectors_.data() + n * vector.size(), vector.size());
    nearest[word_of_[n]] = std::max(nearest[word_of_[n]], Cosine(vector, name));
  }
  return nearest;
}

std::vector<float> WordMatcher::Meaning(const std::string& text, const StopToken* stop) {
  const std::vector<float> query = Vector(text, stop);
  std::vector<float> meaning(vocabulary_.words().size(), 0);
  if (const std::vector<int> called = vocabulary_.Called(text); !called.empty()) {
    for (const int w : called) meaning[w] = 1.0f / static_cast<float>(called.size());
    return meaning;
  }
  std::vector<double> cosines = Cosines(query);
  for (size_t w = 0; w < cosines.size(); ++w)
    cosines[w] += vocabulary_.words()[w].class_id >= 0 ? kClassesAreNearer : 0;
  return SharpShares(cosines, kSharpness);
}

std::vector<float> SharpShares(const std::vector<double>& cosines, double sharpness) {
  const double best = *std::max_element(cosines.begin(), cosines.end());
  double sum = 0;
  for (const double cosine : cosines) sum += std::exp(sharpness * (cosine - best));
  std::vector<float> shares;
  for (const double cosine : cosines)
    shares.push_back(static_cast<float>(std::exp(sharpness * (cosine - best)) / sum));
  return shares;
}

double FitOf(const std::vector<float>& thing, const std::vector<float>& meaning) {
  const double held = std::inner_product(thing.begin(), thing.end(), meaning.begin(), 0.0);
  const float best_of_thing = *std::max_element(thing.begin(), thing.end());
  const float best_of_text = *std::max_element(meaning.begin(), meaning.end());
  return held / std::max(1e-9, double{best_of_thing} * std::max(best_of_text, kLeastMeaning));
}

}  // namespace semfield
