#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/any_options.h"
#include "semfield/base/json.h"
#include "semfield/base/options.h"

namespace semfield {

// A preset is <configs>/<task>/<name>.json, an object for OptionsFromJson. The first folder that has it wins:
// $SEMFIELD_CONFIGS, <folder of the program>/../share/semfield/configs, the configs/ of the source tree.
std::vector<std::filesystem::path> PresetFolders();

// Names known for a task, sorted.
std::vector<std::string> PresetNames(const std::string& task);

// Where a preset lies; unknown: Error that lists the known ones, nearest first.
std::filesystem::path FindPreset(const std::string& task, const std::string& name);
Json LoadPreset(const std::string& task, const std::string& name);

// Sets the options that were not given to a preset's values. `defaults` describes the same options as they
// are before anybody sets one: an option counts as given when its name is in `given` or its value is not the
// default, which is how callers other than the command line give one. An unknown key of the preset: Error
// naming `where`.
void ApplyPreset(const Json& preset, const std::string& where, const OptionList& defaults,
                 const GivenOptions& given, const OptionList& options);
void ApplyPreset(const Json& preset, const std::string& where, const GivenOptions& given, AnyOptions defaults,
                 AnyOptions* options);
template <class Options>
void ApplyPreset(const Json& preset, const std::string& where, const GivenOptions& given, Options* options) {
  Options defaults;
  OptionList default_list, list;
  defaults.Describe(default_list);
  options->Describe(list);
  ApplyPreset(preset, where, default_list, given, list);
}

// Warns of each option that was given another value than the one in `stored`, which is used in its place.
void WarnAboutUnused(const OptionList& defaults, const GivenOptions& given, const OptionList& options,
                     const OptionList& stored, const std::string& where);
void WarnAboutUnused(const GivenOptions& given, AnyOptions defaults, AnyOptions options, AnyOptions stored,
                     const std::string& where);
template <class Options>
void WarnAboutUnused(const GivenOptions& given, Options options, Options stored, const std::string& where) {
  Options defaults;
  OptionList default_list, list, stored_list;
  defaults.Describe(default_list);
  options.Describe(list);
  stored.Describe(stored_list);
  WarnAboutUnused(default_list, given, list, stored_list, where);
}

}  // namespace semfield
