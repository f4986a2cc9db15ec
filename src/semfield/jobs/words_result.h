#pragma once

#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/objects/word_finder.h"

namespace semfield {

// What a text or a class found among the things of a run.
struct WordsResult {
  std::string asked, selection;              // selection: that was made of the things; empty: none
  std::vector<ThingName> meant;              // the words that it was taken for
  std::vector<FoundByWords::Thing> things;   // that fit
  std::vector<FoundByWords::Thing> nearest;  // that come next
  std::vector<std::string> Text() const;
  Json ToJson() const;
};

WordsResult WordsOf(const std::string& asked, const FoundByWords& found);

std::string NamesText(const std::vector<ThingName>& names);  // "sofa 0.81, armchair 0.10"
Json NamesJson(const std::vector<ThingName>& names);

}  // namespace semfield
