#pragma once

#include <string>

#include "semfield/base/json.h"

namespace semfield {

// Whether a section "train" of a config.json holds what its readers take from it; InputError naming the key
// if not.
void CheckTrainSection(const Json& section, const std::string& where);

// Whether the capture of such a section may name files outside its folder. Sections of older runs: no.
bool AllowedOutside(const Json& section);

}  // namespace semfield
