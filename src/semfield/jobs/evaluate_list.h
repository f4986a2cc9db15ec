#pragma once

#include <vector>

#include "semfield/base/json.h"

namespace semfield {

// What several scenes' metrics are together, with the same keys: of each number its mean and the standard
// error of the mean over the scenes that have it ({"mean", "standard_error", "scenes"}), and of confusion
// matrices (key "confusion", as ConfusionMatrix::ToJson) the scores of their sum (key "pooled").
Json OverScenes(const std::vector<Json>& metrics);

// Lines for people: "vote.miou 0.512, standard error 0.021, 8 scenes".
std::vector<std::string> OverScenesText(const Json& summary, const std::string& prefix = "");

}  // namespace semfield
