#include "semfield/capture/readers/labels.h"

#include <algorithm>
#include <charconv>

#include "semfield/base/error.h"
#include "semfield/capture/readers/json_fields.h"

namespace semfield {
namespace {

constexpr int kMaxId = 65535;

int InstanceId(const std::string& text, const std::string& where) {
  int id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 1 || id > kMaxId) {
    throw InputError("{}: '{}' is no instance id (expected 1 to {})", where, text.substr(0, 40), kMaxId);
  }
  return id;
}

InstanceLabel ReadInstance(const JsonFields& fields, const std::vector<std::string>& classes) {
  InstanceLabel label;
  label.name = fields.Text("name").value_or("");
  label.class_name = fields.Text("class").value_or("");
  label.class_id = static_cast<int>(fields.Number("class_id", -1, kMaxId).value_or(-1));
  if (label.class_id < 0 && !label.class_name.empty()) {
    const auto it = std::find(classes.begin(), classes.end(), label.class_name);
    if (it != classes.end()) label.class_id = static_cast<int>(it - classes.begin());
  }
  if (!classes.empty() && label.class_id >= static_cast<int>(classes.size())) {
    throw InputError("{}: {}, but there are only {} classes", fields.Where("class_id"), label.class_id,
                     classes.size());
  }
  if (label.class_name.empty() && label.class_id >= 0 && !classes.empty())
    label.class_name = classes[label.class_id];
  return label;
}

}  // namespace

void ReadLabels(const std::filesystem::path& path, Capture* capture) {
  const Json json = ReadJsonFile(path, size_t{64} << 20);
  const JsonFields fields(json, path.string() + ": ");
  if (const Json* classes = fields.Find("classes")) {
    if (!classes->is_array() || classes->size() > kMaxId) {
      throw InputError("{}: expected a list of at most {} names, got {}", fields.Where("classes"), kMaxId,
                       JsonExcerpt(*classes));
    }
    for (size_t i = 0; i < classes->size(); ++i) {
      capture->class_names.push_back(JsonText((*classes)[i], fields.Where(fmt::format("classes[{}]", i))));
    }
  }
  if (const Json* instances = fields.Find("instances")) {
    const JsonFields by_id(*instances, fields.Where("instances."));
    for (const auto& [key, value] : instances->items()) {
      const int id = InstanceId(key, fields.Where("instances"));
      capture->instances[id] = ReadInstance(JsonFields(value, by_id.Where(key + ".")), capture->class_names);
    }
  }
}

}  // namespace semfield
