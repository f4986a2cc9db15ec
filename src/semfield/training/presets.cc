#include "semfield/training/presets.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>
#include <system_error>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/options.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

// Presets are named, not addressed: '../' would read any file.
bool IsPlainName(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
}

}  // namespace

std::vector<fs::path> PresetFolders() {
  std::vector<fs::path> folders;
  if (const char* chosen = std::getenv("SEMFIELD_CONFIGS"); chosen != nullptr && *chosen != '\0') {
    folders.emplace_back(chosen);
  }
  std::error_code code;
  const fs::path program = fs::read_symlink("/proc/self/exe", code);
  if (!code) {
    folders.push_back((program.parent_path() / ".." / "share" / "semfield" / "configs").lexically_normal());
  }
#ifdef SEMFIELD_SOURCE_CONFIGS
  folders.emplace_back(SEMFIELD_SOURCE_CONFIGS);
#endif
  return folders;
}

std::vector<std::string> PresetNames(const std::string& task) {
  std::set<std::string> names;
  if (!IsPlainName(task)) return {};
  for (const fs::path& folder : PresetFolders()) {
    std::error_code code;
    for (fs::directory_iterator entry(folder / task, code), end; !code && entry != end;
         entry.increment(code)) {
      const fs::path& path = entry->path();
      if (path.extension() == ".json" && IsPlainName(path.stem().string()))
        names.insert(path.stem().string());
    }
  }
  return {names.begin(), names.end()};
}

fs::path FindPreset(const std::string& task, const std::string& name) {
  if (IsPlainName(task) && IsPlainName(name)) {
    for (const fs::path& folder : PresetFolders()) {
      const fs::path path = folder / task / (name + ".json");
      std::error_code code;
      if (fs::is_regular_file(path, code)) return path;
    }
  }
  std::vector<std::string> known = PresetNames(task);
  if (known.empty()) {
    std::string folders;
    for (const fs::path& folder : PresetFolders()) folders += (folders.empty() ? "" : ", ") + folder.string();
    throw InputError(
        "unknown preset '{}' for {}: none found in {}; set SEMFIELD_CONFIGS to the folder of presets", name,
        task, folders);
  }
  const std::string nearest = NearestName(name, known);
  std::stable_partition(known.begin(), known.end(), [&](const std::string& one) { return one == nearest; });
  throw InputError("unknown preset '{}' for {}; known: {}", name, task, fmt::join(known, ", "));
}

Json LoadPreset(const std::string& task, const std::string& name) {
  const fs::path path = FindPreset(task, name);
  Json preset = ReadJsonFile(path, size_t{1} << 20);
  if (!preset.is_object()) throw InputError("{}: expected an object of options", path.string());
  return preset;
}

namespace {

// The names of the options that count as given, see ApplyPreset.
GivenOptions GivenOf(const OptionList& defaults, const GivenOptions& given, const Json& values) {
  GivenOptions names;
  const Json usual = OptionsToJson(defaults);
  for (const auto& [name, value] : values.items()) {
    if (given.count(name) > 0 || value != usual[name]) names.insert(name);
  }
  return names;
}

}  // namespace

void ApplyPreset(const Json& preset, const std::string& where, const OptionList& defaults,
                 const GivenOptions& given, const OptionList& options) {
  const Json values = OptionsToJson(options);
  const GivenOptions kept = GivenOf(defaults, given, values);
  OptionsFromJson(options, preset, where);
  for (const std::string& name : kept) SetOption(*options.Find(name), values[name], where);
  CheckOrders(options, "options");
}

void WarnAboutUnused(const OptionList& defaults, const GivenOptions& given, const OptionList& options,
                     const OptionList& stored, const std::string& where) {
  const Json values = OptionsToJson(options), used = OptionsToJson(stored);
  for (const std::string& name : GivenOf(defaults, given, values)) {
    if (values[name] == used[name]) continue;
    LogWarning("{}: goes on with what its config.json says: --{} {} is not used, {} is", where, name,
               DumpJson(values[name]), DumpJson(used[name]));
  }
}

void ApplyPreset(const Json& preset, const std::string& where, const GivenOptions& given, AnyOptions defaults,
                 AnyOptions* options) {
  OptionList default_list, list;
  defaults.Describe(default_list);
  options->Describe(list);
  ApplyPreset(preset, where, default_list, given, list);
}

void WarnAboutUnused(const GivenOptions& given, AnyOptions defaults, AnyOptions options, AnyOptions stored,
                     const std::string& where) {
  OptionList default_list, list, stored_list;
  defaults.Describe(default_list);
  options.Describe(list);
  stored.Describe(stored_list);
  WarnAboutUnused(default_list, given, list, stored_list, where);
}

}  // namespace semfield
