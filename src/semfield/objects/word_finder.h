#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/objects/object_session.h"
#include "semfield/objects/selection_store.h"
#include "semfield/objects/thing_namer.h"

namespace semfield {

struct WordFinderOptions {
  ThingNamerOptions naming;
  int everything_views = 20;  // as EverythingOptions::views, where things have to be found first
};

// A name of a thing and how well it fits, 0 to 1 (GivenNames::weights), or what a text has of a word.
struct ThingName {
  std::string name;
  double score = 0;
};

// What a text found among the things of a run.
struct FoundByWords {
  struct Thing {
    std::string name;    // of its selection
    double fit = 0;      // FitOf
    std::string called;  // its own best name
  };
  Selection selection;           // all things that fit, as one; weight: empty where nothing fits
  std::vector<Thing> things;     // that fit, the best first
  std::vector<Thing> others;     // that come next, at most three
  std::vector<ThingName> meant;  // the words that the text was taken for, at most three
};

// Which of the things fit what a text means. Each has names that the namer gave; those that no photo shows
// are left out.
FoundByWords FitThings(const std::vector<Selection>& things, const TextMeaning& meaning,
                       const ThingNamer& namer);

// Names for the things of a run, and things for words. The run's lock is held by whoever calls what stores.
class WordFinder {
 public:
  // All must outlive it.
  WordFinder(const Capture& capture, ObjectSession& session, SelectionStore& store,
             const WordFinderOptions& options, const JobControl& control);

  // Finds all things without a click and keeps them as selections called `prefix 1`, `prefix 2`; or, with an
  // empty prefix, after their names, as `chair 2`. Returns how many.
  int FindThings(const std::string& prefix, bool named);
  // Gives names to the selection, and keeps them, unless it has them.
  Selection Named(const std::string& selection);

  // The things that a text means, of those that are kept; where none is, all are found first. Whatever has no
  // names yet gets them. Text as WordMatcher::Meaning.
  FoundByWords FindText(const std::string& text);
  // The same by a name of the vocabulary, synonyms and kinds among them. Unknown: InputError with the
  // nearest.
  FoundByWords FindClass(const std::string& name);

  // The best names, the first one best; none where they are of another vocabulary.
  std::vector<ThingName> BestNames(const GivenNames& names, int count);
  // Of a thing that need not be kept.
  GivenNames NamesOf(const Selection& selection);

 private:
  ThingNamer& namer();
  FoundByWords Find(const TextMeaning& meaning);
  std::vector<ThingName> ToNames(const std::vector<float>& weights, int count);

  const Capture& capture_;
  ObjectSession& session_;
  SelectionStore& store_;
  const WordFinderOptions options_;
  const JobControl& control_;
  std::unique_ptr<ThingNamer> namer_;
};

// The color of the n-th selection of a run.
std::array<uint8_t, 3> SelectionColor(size_t n);
// Letters, digits, spaces, '_' and '-': what selections may be called.
bool IsSelectionName(const std::string& name);
// What of a text is allowed there; "thing" where nothing is.
std::string SelectionNameOf(const std::string& text);

}  // namespace semfield
