#include "semfield/objects/word_finder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

constexpr size_t kLongestName = 100;
constexpr int kMostMeant = 3;
constexpr size_t kMostOthers = 3;
constexpr char kPlain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- ";
constexpr std::array<std::array<uint8_t, 3>, 8> kColors = {{{230, 40, 60},
                                                            {40, 120, 230},
                                                            {250, 170, 20},
                                                            {40, 170, 90},
                                                            {150, 80, 210},
                                                            {20, 180, 190},
                                                            {230, 90, 170},
                                                            {150, 120, 60}}};

std::string FreeName(const SelectionStore& store, const std::string& prefix) {
  for (int number = 1;; ++number) {
    std::string name = fmt::format("{} {}", prefix, number);
    if (!store.Has(name)) return name;
  }
}

}  // namespace

std::array<uint8_t, 3> SelectionColor(size_t n) {
  return kColors[n % kColors.size()];
}

bool IsSelectionName(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName && name.find_first_not_of(kPlain) == std::string::npos;
}

std::string SelectionNameOf(const std::string& text) {
  std::string name;
  for (const char c : text) {
    if (std::string(kPlain).find(c) != std::string::npos) name += c;
  }
  return name.empty() ? "thing" : name.substr(0, kLongestName - 8);
}

WordFinder::WordFinder(const Capture& capture, ObjectSession& session, SelectionStore& store,
                       const WordFinderOptions& options, const JobControl& control)
    : capture_(capture), session_(session), store_(store), options_(options), control_(control) {}

ThingNamer& WordFinder::namer() {
  if (!namer_) namer_ = std::make_unique<ThingNamer>(capture_, session_.map(), options_.naming);
  return *namer_;
}

int WordFinder::FindThings(const std::string& prefix, bool named) {
  const std::vector<FoundThing> things = session_.FindAll({.views = options_.everything_views}, control_);
  for (size_t i = 0; i < things.size(); ++i) {
    Selection selection{.name = "",
                        .color = SelectionColor(i),
                        .clicks = {},
                        .box = {},
                        .answered_by = "photos",
                        .weight = things[i].weight,
                        .looked = things[i].looked};
    std::string called = prefix.empty() ? "thing" : prefix;
    if (named) {
      selection.names = NamesOf(selection);
      if (prefix.empty()) called = SelectionNameOf(BestNames(*selection.names, 1).front().name);
      control_.Report({.stage = "name things",
                       .done = static_cast<double>(i + 1),
                       .total = static_cast<double>(things.size()),
                       .detail = called});
    }
    selection.name = FreeName(store_, called);
    store_.Put(selection.name + " found", selection);
  }
  return static_cast<int>(things.size());
}

Selection WordFinder::Named(const std::string& name) {
  Selection selection = store_.Load(name);
  if (selection.names && selection.names->vocabulary == namer().VocabularyName()) return selection;
  control_.Report({.stage = "name things", .detail = name});
  selection.names = NamesOf(selection);
  store_.Put(name + " named", selection);
  return selection;
}

GivenNames WordFinder::NamesOf(const Selection& selection) {
  return namer().Names(namer().Look(selection, control_.stop), control_.stop);
}

std::vector<ThingName> WordFinder::ToNames(const std::vector<float>& weights, int count) {
  std::vector<ThingName> names;
  for (const RankedWord& best : BestWords(weights, count))
    names.push_back({.name = namer().vocabulary().words()[best.word].name, .score = best.score});
  return names;
}

std::vector<ThingName> WordFinder::BestNames(const GivenNames& names, int count) {
  if (names.vocabulary != namer().VocabularyName()) return {};
  return ToNames(names.weights, count);
}

FoundByWords WordFinder::FindText(const std::string& text) {
  FoundByWords found = Find(namer().Meaning(text, control_));
  found.selection.text = text;
  return found;
}

FoundByWords WordFinder::FindClass(const std::string& name) {
  const std::vector<int> words = namer().vocabulary().Called(name);
  if (words.empty()) {
    std::vector<std::string> nearest;
    for (const ThingName& word : ToNames(namer().Meaning(name, control_).words, 3))
      nearest.push_back(word.name);
    throw InputError("no class is called '{}'; the nearest are: {}", name, fmt::join(nearest, ", "));
  }
  FoundByWords found = Find(namer().Meaning(name, control_));  // exactly these words
  found.selection.text = name;
  return found;
}

FoundByWords WordFinder::Find(const TextMeaning& meaning) {
  std::vector<std::string> names;
  const auto list_things = [&] {
    for (const SelectionStore::Entry& entry : store_.List()) {
      if (store_.Load(entry.name).text.empty()) names.push_back(entry.name);
    }
  };
  list_things();
  if (names.empty()) {
    FindThings("", true);
    list_things();
  }
  std::vector<Selection> things;
  for (const std::string& name : names) things.push_back(Named(name));
  return FitThings(things, meaning, namer());
}

FoundByWords FitThings(const std::vector<Selection>& things, const TextMeaning& meaning,
                       const ThingNamer& namer) {
  const Vocabulary& vocabulary = namer.vocabulary();
  FoundByWords found{.selection = {.name = "", .clicks = {}, .box = {}, .weight = {}, .looked = {}},
                     .things = {},
                     .others = {},
                     .meant = {}};
  for (const RankedWord& word : BestWords(meaning.words, kMostMeant)) {
    if (word.score > 0)
      found.meant.push_back({.name = vocabulary.words()[word.word].name, .score = word.score});
  }
  for (const Selection& thing : things) {
    SF_CHECK(thing.names);
    if (thing.names->views.empty()) continue;
    const int own = BestWords(thing.names->weights, 1).front().word;
    const FoundByWords::Thing match = {
        .name = thing.name, .fit = namer.Fit(*thing.names, meaning), .called = vocabulary.words()[own].name};
    if (match.fit < kFits) {
      found.others.push_back(match);
      continue;
    }
    found.selection = found.things.empty() ? thing : Union(found.selection, thing);
    found.things.push_back(match);
  }
  const auto best_first = [](std::vector<FoundByWords::Thing>* list) {
    std::stable_sort(list->begin(), list->end(), [](const auto& a, const auto& b) { return a.fit > b.fit; });
  };
  best_first(&found.things);
  best_first(&found.others);
  found.others.resize(std::min(kMostOthers, found.others.size()));
  found.selection.names.reset();
  found.selection.clicks.clear();
  return found;
}

}  // namespace semfield
