#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/json.h"

namespace semfield {

// A preset is <configs>/<task>/<name>.json, an object for OptionsFromJson. The first folder that has it wins:
// $SEMFIELD_CONFIGS, <folder of the program>/../share/semfield/configs, the configs/ of the source tree.
std::vector<std::filesystem::path> PresetFolders();

// Names known for a task, sorted.
std::vector<std::string> PresetNames(const std::string& task);

// Where a preset lies; unknown: Error that lists the known ones, nearest first.
std::filesystem::path FindPreset(const std::string& task, const std::string& name);
Json LoadPreset(const std::string& task, const std::string& name);

}  // namespace semfield
