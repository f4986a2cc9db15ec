#include "semfield/perception/model_card.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "semfield/base/error.h"

namespace semfield {
namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxCardBytes = size_t{1} << 20;
constexpr size_t kMaxText = 4096;
constexpr int64_t kMaxFileBytes = int64_t{1} << 40;
constexpr size_t kMaxTaps = 64;
constexpr int kMaxSide = 16384;
constexpr const char* kNpmPrefix = "npm:";

// One JSON object of a card with the place it stands at, for messages.
class Section {
 public:
  Section(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json.is_object()) throw InputError("{}: expected an object, got {}", where_, json.type_name());
  }

  void AllowOnly(std::initializer_list<const char*> keys) const {
    for (const auto& item : json_.items())
      if (std::find(keys.begin(), keys.end(), item.key()) == keys.end())
        throw InputError("{}: unknown key '{}'; known are: {}", where_, item.key().substr(0, 60),
                         fmt::join(keys, ", "));
  }
  bool Has(const char* key) const { return json_.contains(key); }
  std::string At(const char* key) const { return where_ + "." + key; }
  const Json& Get(const char* key) const {
    const auto found = json_.find(key);
    if (found == json_.end()) throw InputError("{}: missing", At(key));
    return *found;
  }
  Section Object(const char* key) const { return Section(Get(key), At(key)); }

  std::string String(const char* key) const { return StringOf(Get(key), At(key)); }
  std::string String(const char* key, const std::string& fallback) const {
    return Has(key) ? String(key) : fallback;
  }
  int64_t Integer(const char* key, int64_t low, int64_t high) const {
    const Json& value = Get(key);
    if (!value.is_number_integer())
      throw InputError("{}: expected a whole number, got {}", At(key), JsonExcerpt(value));
    const bool too_large = value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(high);
    if (too_large || value.get<int64_t>() < low || value.get<int64_t>() > high)
      throw InputError("{}: expected {} to {}, got {}", At(key), low, high, JsonExcerpt(value));
    return value.get<int64_t>();
  }
  int Integer(const char* key, int low, int high, int fallback) const {
    return Has(key) ? static_cast<int>(Integer(key, low, high)) : fallback;
  }
  std::array<double, 3> Triple(const char* key) const {
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
  static std::string StringOf(const Json& value, const std::string& where) {
    if (!value.is_string()) throw InputError("{}: expected a string, got {}", where, value.type_name());
    const std::string& text = value.get_ref<const std::string&>();
    if (text.size() > kMaxText)
      throw InputError("{}: {} characters, expected at most {}", where, text.size(), kMaxText);
    return text;
  }
  const Json& json() const { return json_; }
  const std::string& where() const { return where_; }

 private:
  const Json& json_;
  std::string where_;
};

void CheckFilePath(const std::string& path, const std::string& where) {
  const bool npm = path.starts_with(kNpmPrefix);
  const fs::path relative = npm ? path.substr(std::string(kNpmPrefix).size()) : path;
  const bool leaves =
      std::any_of(relative.begin(), relative.end(), [](const fs::path& part) { return part == ".."; });
  if (relative.empty() || relative.is_absolute() || leaves || path.find('\0') != std::string::npos)
    throw InputError("{}: expected a path below the card's folder or npm:<package>/<path>, got '{}'", where,
                     path);
}

ModelFile ParseFile(const Section& section) {
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

std::vector<ModelTap> ParseTaps(const Section& section) {
  std::vector<ModelTap> taps;
  if (section.json().size() > kMaxTaps)
    throw InputError("{}: {} taps, expected at most {}", section.where(), section.json().size(), kMaxTaps);
  for (const auto& [name, tensor] : section.json().items()) {
    if (name.size() > kMaxText)
      throw InputError("{}: a name of {} characters, expected at most {}", section.where(), name.size(),
                       kMaxText);
    taps.push_back({name, Section::StringOf(tensor, section.where() + "." + name)});
    if (name.empty() || taps.back().tensor.empty())
      throw InputError("{}: a tap needs a name and a tensor", section.where());
  }
  return taps;
}

EncoderCard ParseEncoder(const Section& section) {
  section.AllowOnly({"file", "input", "output", "input_size", "grid", "channels", "mean", "std", "taps"});
  EncoderCard card;
  card.file = ParseFile(section.Object("file"));
  card.input = section.String("input");
  card.output = section.String("output");
  card.input_size = static_cast<int>(section.Integer("input_size", 1, kMaxSide));
  card.grid = static_cast<int>(section.Integer("grid", 1, card.input_size));
  card.channels = static_cast<int>(section.Integer("channels", 1, kMaxSide));
  card.mean = section.Triple("mean");
  card.std = section.Triple("std");
  for (double value : card.std)
    if (value <= 0) throw InputError("{}: expected positive numbers, got {}", section.At("std"), value);
  if (section.Has("taps")) card.taps = ParseTaps(section.Object("taps"));
  return card;
}

std::vector<std::string> ParseMaskOrder(const Section& section) {
  std::vector<std::string> order;
  const Json& json = section.Get("mask_order");
  if (!json.is_array() || json.size() > 16)
    throw InputError("{}: expected up to 16 names", section.At("mask_order"));
  for (const Json& entry : json) {
    const std::string name = Section::StringOf(entry, section.At("mask_order"));
    if (name != "single" && name != "subpart" && name != "part" && name != "whole")
      throw InputError("{}: expected single, subpart, part or whole, got '{}'", section.At("mask_order"),
                       name);
    if (std::find(order.begin(), order.end(), name) != order.end())
      throw InputError("{}: '{}' twice", section.At("mask_order"), name);
    order.push_back(name);
  }
  return order;
}

DecoderCard ParseDecoder(const Section& section) {
  section.AllowOnly({"file", "inputs", "outputs", "mask_size", "mask_order"});
  DecoderCard card;
  card.file = ParseFile(section.Object("file"));
  if (section.Has("inputs")) {
    const Section inputs = section.Object("inputs");
    inputs.AllowOnly(
        {"image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input", "image_size"});
    card.image_embeddings = inputs.String("image_embeddings", card.image_embeddings);
    card.point_coords = inputs.String("point_coords", card.point_coords);
    card.point_labels = inputs.String("point_labels", card.point_labels);
    card.mask_input = inputs.String("mask_input", card.mask_input);
    card.has_mask_input = inputs.String("has_mask_input", card.has_mask_input);
    card.image_size = inputs.String("image_size", card.image_size);
  }
  if (section.Has("outputs")) {
    const Section outputs = section.Object("outputs");
    outputs.AllowOnly({"score", "low_res_mask", "all_masks", "all_scores"});
    card.score = outputs.String("score", card.score);
    card.low_res_mask = outputs.String("low_res_mask", card.low_res_mask);
    card.all_masks = outputs.String("all_masks", "");
    card.all_scores = outputs.String("all_scores", "");
    if (card.all_masks.empty() != card.all_scores.empty())
      throw InputError("{}: all_masks and all_scores belong together", outputs.where());
  }
  card.mask_size = section.Integer("mask_size", 1, kMaxSide, card.mask_size);
  if (section.Has("mask_order")) card.mask_order = ParseMaskOrder(section);
  if (card.all_masks.empty() != card.mask_order.empty())
    throw InputError("{}: mask_order and outputs.all_masks belong together", section.where());
  return card;
}

Json FileToJson(const ModelFile& file) {
  return {{"path", file.path}, {"sha256", file.sha256}, {"bytes", file.bytes}};
}

Json EncoderToJson(const EncoderCard& card) {
  Json json = {{"file", FileToJson(card.file)},
               {"input", card.input},
               {"output", card.output},
               {"input_size", card.input_size},
               {"grid", card.grid},
               {"channels", card.channels},
               {"mean", card.mean},
               {"std", card.std}};
  for (const ModelTap& tap : card.taps) json["taps"][tap.name] = tap.tensor;
  return json;
}

Json DecoderToJson(const DecoderCard& card) {
  Json json = {{"file", FileToJson(card.file)}, {"mask_size", card.mask_size}};
  json["inputs"] = {{"image_embeddings", card.image_embeddings}, {"point_coords", card.point_coords},
                    {"point_labels", card.point_labels},         {"mask_input", card.mask_input},
                    {"has_mask_input", card.has_mask_input},     {"image_size", card.image_size}};
  json["outputs"] = {{"score", card.score}, {"low_res_mask", card.low_res_mask}};
  if (!card.all_masks.empty()) {
    json["outputs"]["all_masks"] = card.all_masks;
    json["outputs"]["all_scores"] = card.all_scores;
    json["mask_order"] = card.mask_order;
  }
  return json;
}

}  // namespace

void CheckModelName(const std::string& name, const std::string& where) {
  const bool known = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos;
  if (name.empty() || name.size() > 64 || !known || std::string("._-").find(name[0]) != std::string::npos)
    throw InputError(
        "{}: a model's name has 1 to 64 of a-z 0-9 . _ - and begins with a letter or digit, got '{}'", where,
        name.substr(0, 80));
}

ModelCard ParseModelCard(const Json& json, const std::string& where) {
  const Section section(json, where);
  section.AllowOnly({"name", "kind", "title", "licence", "source", "encoder", "decoder", "extra_files"});
  ModelCard card;
  card.name = section.String("name");
  CheckModelName(card.name, section.At("name"));
  card.kind = section.String("kind");
  if (card.kind != "sam") throw InputError("{}: expected sam, got '{}'", section.At("kind"), card.kind);
  card.title = section.String("title", "");
  card.licence = section.String("licence", "");
  card.source = section.String("source", "");
  card.encoder = ParseEncoder(section.Object("encoder"));
  card.decoder = ParseDecoder(section.Object("decoder"));
  if (section.Has("extra_files")) {
    const Json& files = section.Get("extra_files");
    if (!files.is_array() || files.size() > 256)
      throw InputError("{}: expected up to 256 files", section.At("extra_files"));
    for (size_t i = 0; i < files.size(); ++i)
      card.extra_files.push_back(
          ParseFile(Section(files[i], fmt::format("{}[{}]", section.At("extra_files"), i))));
  }
  return card;
}

ModelCard ReadModelCard(const fs::path& path) {
  ModelCard card = ParseModelCard(ReadJsonFile(path, kMaxCardBytes), path.string());
  if (card.name != path.stem().string())
    throw InputError("{}: name: expected '{}' as the file is called, got '{}'", path.string(),
                     path.stem().string(), card.name);
  card.folder = fs::absolute(path).parent_path();
  return card;
}

Json ModelCardToJson(const ModelCard& card) {
  Json json = {{"name", card.name},
               {"kind", card.kind},
               {"title", card.title},
               {"licence", card.licence},
               {"source", card.source}};
  json["encoder"] = EncoderToJson(card.encoder);
  json["decoder"] = DecoderToJson(card.decoder);
  for (const ModelFile& file : card.extra_files) json["extra_files"].push_back(FileToJson(file));
  return json;
}

}  // namespace semfield
