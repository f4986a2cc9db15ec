#pragma once

#include <string>
#include <utility>
#include <vector>

#include "semfield/base/json.h"

namespace semfield::diagnosis {

enum class Severity {
  kProblem,  // the capture contradicts itself, or a photo is unfit: mend it before training
  kNote,     // worth knowing; nothing has to be done
};

// One thing that was found, for people and for programs.
struct Finding {
  Severity severity = Severity::kProblem;
  std::string kind = {};     // a stable word: "swapped-views", "wrong-focal-length", "camera-axes", ...
  std::string message = {};  // what is wrong, with what was measured
  std::string advice = {};   // what to do
  std::vector<std::string> views = {};  // names; empty: the capture as a whole
  Json numbers = Json::object();
};

using Findings = std::vector<Finding>;

// "'a', 'b' and 3 more".
std::string NamesInWords(const std::vector<std::string>& names, size_t shown = 4);

}  // namespace semfield::diagnosis
