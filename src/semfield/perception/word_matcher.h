#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/perception/text_encoder.h"
#include "semfield/perception/vocabulary.h"

namespace semfield {

// A word and how well it fits.
struct RankedWord {
  int word = 0;  // into Vocabulary::words()
  double score = 0;
};
// The best ones first, equal ones in the vocabulary's order; at most `count`.
std::vector<RankedWord> BestWords(const std::vector<float>& scores, int count);

// Compares what people write with the words of a vocabulary. One call at a time.
class WordMatcher {
 public:
  // Both must outlive it. The vectors of the vocabulary's names, some thousand, are encoded once (seconds)
  // and kept in the user's cache folder. Encoders of kind "clip" read "a photo of a chair" for "chair".
  // Asked to stop: InterruptedError.
  WordMatcher(const Vocabulary& vocabulary, TextEncoder& encoder, const JobControl& control);

  // What a text means, as a share for each word: [words], sum 1. A text that is called exactly as some words
  // or their kind are means these and no other; else words share by softmax(20 cos), the nearest of a word's
  // names counting and the names of classes nearer by 0.12. Empty text, or longer than 1,000 bytes:
  // InputError.
  std::vector<float> Meaning(const std::string& text, const StopToken* stop = nullptr);

  // Of a text as the encoder reads it: [encoder width], of length 1. Errors as Meaning.
  std::vector<float> Vector(const std::string& text, const StopToken* stop = nullptr);
  // Cosine of a vector and each word, the nearest of its names counting: [words].
  std::vector<double> Cosines(const std::vector<float>& vector) const;

 private:
  std::string FileOfVectors() const;
  bool ReadVectors(const std::string& path);

  const Vocabulary& vocabulary_;
  TextEncoder& encoder_;
  std::vector<std::string> names_;  // of all words
  std::vector<int> word_of_;        // [names]
  std::vector<float> vectors_;      // [names, encoder width], each of length 1
};

// softmax(sharpness cosines).
std::vector<float> SharpShares(const std::vector<double>& cosines, double sharpness);

// Whether a thing that is called so by each word (Vocabulary::Weigh) is what a text means: how much of it the
// text's meaning holds, over what it would hold if the thing were of the text's best word alone. Names
// compete: a thing that some other word fits better has little. About 0 to 1.
double FitOf(const std::vector<float>& thing, const std::vector<float>& meaning);
inline constexpr double kFits = 0.4;  // FitOf from which a thing is what was meant

}  // namespace semfield
