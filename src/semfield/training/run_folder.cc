#include "semfield/training/run_folder.h"

#include <algorithm>
#include <cctype>
#include <system_error>

#include "semfield/base/error.h"
#include "semfield/base/text.h"
#include "semfield/base/version.h"
#include "semfield/base/write_guard.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVersionKey = "semfield_version";

bool IsPlainName(const std::string& name) {
  return !name.empty() && name.size() <= 100 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

void CheckTeacherName(const std::string& teacher) {
  if (IsPlainName(teacher)) return;
  throw InputError("teacher name '{}': expected letters, digits, '.', '_' and '-'", teacher);
}

}  // namespace

RunFolder RunFolder::Create(const fs::path& path) {
  if (path.empty()) throw InputError("the run folder has no name; give one with --out");
  std::error_code code;
  if (fs::exists(path, code) && !fs::is_directory(path, code)) {
    throw InputError("{}: a run needs a folder, this is a file; give another name", path.string());
  }
  const RunFolder run(path);
  KeepWritesInside(path);
  if (fs::exists(run.config(), code)) return Open(path);
  fs::create_directories(path, code);
  if (code) throw InputError("{}: cannot make the run folder: {}", path.string(), code.message());
  // Two that start at once must not write over each other's first config.json.
  const RunLock lock(run);
  if (fs::exists(run.config(), code)) return Open(path);
  run.WriteConfig(Json::object());
  return run;
}

RunFolder RunFolder::Open(const fs::path& path) {
  const RunFolder run(path);
  std::error_code code;
  if (!fs::exists(path, code)) {
    throw InputError("{}: no such run folder; run \"semfield train CAPTURE --out {}\" first", path.string(),
                     ShellQuoted(path.string()));
  }
  if (!fs::exists(run.config(), code)) {
    throw InputError(
        "{}: not a run folder (no config.json); run \"semfield train CAPTURE --out RUN\" first and "
        "name that RUN here",
        path.string());
  }
  KeepWritesInside(path);
  run.ReadConfig();
  return run;
}

fs::path RunFolder::features_checkpoint(const std::string& teacher) const {
  CheckTeacherName(teacher);
  return path_ / ("features-" + teacher + ".safetensors");
}

fs::path RunFolder::embeddings_dir(const std::string& teacher) const {
  CheckTeacherName(teacher);
  return path_ / ("embeddings-" + teacher);
}

Json RunFolder::ReadConfig() const {
  Json config = ReadJsonFile(this->config());
  if (!config.is_object() || !config.contains(kVersionKey)) {
    throw InputError("{}: not the config.json of a semfield run (no \"{}\"); give another folder",
                     this->config().string(), kVersionKey);
  }
  return config;
}

void RunFolder::WriteConfig(const Json& config) const {
  Json whole = Json::object();
  whole[kVersionKey] = Version();
  whole.update(config);
  WriteJsonFile(this->config(), whole);
}

Json RunFolder::ReadConfigSection(const std::string& name) const {
  const Json config = ReadConfig();
  return config.contains(name) ? config[name] : Json();
}

void RunFolder::WriteConfigSection(const std::string& name, const Json& section) const {
  Json config = ReadConfig();
  config[name] = section;
  WriteConfig(config);
}

}  // namespace semfield
