#include "semfield/capture/readers/json_fields.h"

#include <cmath>

#include "semfield/base/error.h"

namespace semfield {

JsonFields::JsonFields(const Json& value, const std::string& prefix_in) : object(&value), prefix(prefix_in) {
  if (!value.is_object()) {
    std::string place = prefix;
    while (!place.empty() && (place.back() == ' ' || place.back() == ':' || place.back() == '.'))
      place.pop_back();
    throw InputError("{}: expected an object, got {}", place, JsonExcerpt(value));
  }
}

const Json* JsonFields::Find(const std::string& key) const {
  const auto it = object->find(key);
  return it == object->end() || it->is_null() ? nullptr : &*it;
}

const Json& JsonFields::Need(const std::string& key) const {
  const Json* value = Find(key);
  if (value == nullptr) throw InputError("{}: missing", Where(key));
  return *value;
}

std::optional<double> JsonFields::Number(const std::string& key, double low, double high) const {
  const Json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  return JsonNumber(*value, Where(key), low, high);
}

std::optional<std::string> JsonFields::Text(const std::string& key) const {
  const Json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  return JsonText(*value, Where(key));
}

std::optional<bool> JsonFields::Flag(const std::string& key) const {
  const Json* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  if (value->is_number()) return JsonNumber(*value, Where(key), 0, 1) != 0;
  throw InputError("{}: expected true or false, got {}", Where(key), JsonExcerpt(*value));
}

double JsonNumber(const Json& value, const std::string& where, double low, double high) {
  if (!value.is_number()) throw InputError("{}: expected a number, got {}", where, JsonExcerpt(value));
  const double number = value.get<double>();
  if (!std::isfinite(number) || number < low || number > high) {
    throw InputError("{}: {} is outside [{}, {}]", where, JsonExcerpt(value), low, high);
  }
  return number;
}

std::string JsonText(const Json& value, const std::string& where) {
  if (!value.is_string()) throw InputError("{}: expected a string, got {}", where, JsonExcerpt(value));
  const std::string& text = value.get_ref<const std::string&>();
  if (text.size() > 4096)
    throw InputError("{}: a string of {} bytes is longer than 4096", where, text.size());
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 32)
      throw InputError("{}: holds a control character: {}", where, JsonExcerpt(value));
  }
  return text;
}

Mat4 JsonMatrix(const Json& value, const std::string& where, bool allow_3x4) {
  const char* expected = allow_3x4 ? "3x4 or 4x4" : "4x4";
  const size_t rows = value.size();
  if (!value.is_array() || !(rows == 4 || (allow_3x4 && rows == 3))) {
    const bool nested = value.is_array() && rows > 0 && value[0].is_array();
    throw InputError("{}: expected {}, got {}", where, expected,
                     nested ? fmt::format("{}x{}", rows, value[0].size()) : JsonExcerpt(value));
  }
  Mat4 matrix = Mat4::Identity();
  for (size_t r = 0; r < rows; ++r) {
    if (!value[r].is_array() || value[r].size() != 4) {
      throw InputError("{}: expected {}, but row {} is {}", where, expected, r, JsonExcerpt(value[r]));
    }
    for (size_t c = 0; c < 4; ++c) {
      matrix(r, c) = JsonNumber(value[r][c], fmt::format("{}[{}][{}]", where, r, c), -1e12, 1e12);
    }
  }
  if ((matrix.row(3) - Eigen::RowVector4d(0, 0, 0, 1)).cwiseAbs().maxCoeff() > 1e-6) {
    throw InputError("{}: the last row must be 0 0 0 1, got {}. Is the matrix transposed?", where,
                     JsonExcerpt(value[3]));
  }
  return matrix;
}

}  // namespace semfield
