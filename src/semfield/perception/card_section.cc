#include "semfield/perception/card_section.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "semfield/base/error.h"

namespace semfield {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kMaxFileBytes = int64_t{1} << 40;
constexpr size_t kMaxTaps = 64;

void CheckFilePath(const std::string& path, const std::string& where) {
  const bool npm = path.starts_with(kNpmPrefix);
  const fs::path relative = npm ? path.substr(std::string(kNpmPrefix).size()) : path;
  const bool leaves =
      std::any_of(relative.begin(), relative.end(), [](const fs::path& part) { return part == ".."; });
  if (relative.empty() || relative.is_absolute() || leaves || path.find('\0') != std::string::npos)
    throw InputError("{}: expected a path below the card's folder or npm:<package>/<path>, got '{}'", where,
                     path);
}

}  // namespace

CardSection::CardSection(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
  if (!json.is_object()) throw InputError("{}: expected an object, got {}", where_, json.type_name());
}

void CardSection::AllowOnly(std::initializer_list<const char*> keys) const {
  for (const auto& item : json_.items())
    if (std::find(keys.begin(), keys.end(), item.key()) == keys.end())
      throw InputError("{}: unknown key '{}'; known are: {}", where_, item.key().substr(0, 60),
                       fmt::join(keys, ", "));
}

const Json& CardSection::Get(const char* key) const {
  const auto found = json_.find(key);
  if (found == json_.end()) throw InputError("{}: missing", At(key));
  return *found;
}

int64_t CardSection::Integer(const char* key, int64_t low, int64_t high) const {
  const Json& value = Get(key);
  if (!value.is_number_integer())
    throw InputError("{}: expected a whole number, got {}", At(key), JsonExcerpt(value));
  const bool too_large = value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(high);
  if (too_large || value.get<int64_t>() < low || value.get<int64_t>() > high)
    throw InputError("{}: expected {} to {}, got {}", At(key), low, high, JsonExcerpt(value));
  return value.get<int64_t>();
}

std::array<double, 3> CardSection::Triple(const char* key) const {
  const Json& value = Get(key);
  if (!value.is_array() || value.size() != 3)
    throw InputError("{}: expected three numbers, got {}", At(key), JsonExcerpt(value));
  std::array<double, 3> triple{};
  for (size_t i = 0; i < 3; ++i) {
    if (!value[i].is_number() || !std::isfinite(value[i].get<double>()))
      throw InputError("{}[{}]: expected a number, got {}", At(key), i, JsonExcerpt(value[i]));
    triple[i] = value[i].get<double>();
  }
  return triple;
}

std::array<double, 3> CardSection::Scales(const char* key) const {
  const std::array<double, 3> scales = Triple(key);
  for (double value : scales)
    if (value <= 0) throw InputError("{}: expected positive numbers, got {}", At(key), value);
  return scales;
}

std::string CardSection::StringOf(const Json& value, const std::string& where) {
  if (!value.is_string()) throw InputError("{}: expected a string, got {}", where, value.type_name());
  const std::string& text = value.get_ref<const std::string&>();
  if (text.size() > kMaxCardText)
    throw InputError("{}: {} characters, expected at most {}", where, text.size(), kMaxCardText);
  return text;
}

ModelFile ParseModelFile(const CardSection& section) {
  section.AllowOnly({"path", "sha256", "bytes"});
  ModelFile file;
  file.path = section.String("path");
  CheckFilePath(file.path, section.At("path"));
  file.sha256 = section.String("sha256");
  const bool hex = file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (file.sha256.size() != 64 || !hex)
    throw InputError("{}: expected 64 lower-case hex digits, got '{}'", section.At("sha256"), file.sha256);
  file.bytes = section.Integer("bytes", 1, kMaxFileBytes);
  return file;
}

std::vector<ModelTap> ParseModelTaps(const CardSection& section) {
  std::vector<ModelTap> taps;
  if (section.json().size() > kMaxTaps)
    throw InputError("{}: {} taps, expected at most {}", section.where(), section.json().size(), kMaxTaps);
  for (const auto& [name, tensor] : section.json().items()) {
    if (name.size() > kMaxCardText)
      throw InputError("{}: a name of {} characters, expected at most {}", section.where(), name.size(),
                       kMaxCardText);
    taps.push_back({name, CardSection::StringOf(tensor, section.where() + "." + name)});
    if (name.empty() || taps.back().tensor.empty())
      throw InputError("{}: a tap needs a name and a tensor", section.where());
  }
  return taps;
}

Json ModelFileToJson(const ModelFile& file) {
  return {{"path", file.path}, {"sha256", file.sha256}, {"bytes", file.bytes}};
}

}  // namespace semfield
