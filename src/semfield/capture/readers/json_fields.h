#pragma once

#include <optional>
#include <string>

#include "semfield/base/json.h"
#include "semfield/geometry/types.h"

namespace semfield {

// Typed access to JSON from outside. Every Error names the file and the key: `prefix` is what stands before
// the key, "transforms.json: " or "transforms.json: frames[3].".
struct JsonFields {
  const Json* object = nullptr;  // checked to be a JSON object by the constructor
  std::string prefix;

  JsonFields(const Json& value, const std::string& prefix);  // Error unless value is an object

  std::string Where(const std::string& key) const { return prefix + key; }
  // nullptr when the key is absent or null.
  const Json* Find(const std::string& key) const;
  const Json& Need(const std::string& key) const;
  // Finite and within [low, high], or absent.
  std::optional<double> Number(const std::string& key, double low, double high) const;
  std::optional<std::string> Text(const std::string& key) const;
  std::optional<bool> Flag(const std::string& key) const;
};

// Checks of a single value; `where` is the full place.
double JsonNumber(const Json& value, const std::string& where, double low, double high);
std::string JsonText(const Json& value,
                     const std::string& where);  // without control characters, at most 4096 bytes
// rows x 4 numbers with rows 4, or 3 when allow_3x4 (the last row is then 0 0 0 1). The last row must be 0 0
// 0 1.
Mat4 JsonMatrix(const Json& value, const std::string& where, bool allow_3x4);

}  // namespace semfield
