#include "semfield/run/train_section.h"

#include <cstdint>

#include "semfield/base/error.h"

namespace semfield {

void CheckTrainSection(const Json& section, const std::string& where) {
  const auto check = [&](const char* key, bool good, const char* expected) {
    if (!good)
      throw InputError("{}: train.{}: expected {}; is this the config.json of a run?", where, key, expected);
  };
  const auto get = [&](const char* key) { return section.contains(key) ? section[key] : Json(); };
  if (!section.is_object()) throw InputError("{}: train: missing; is this the config.json of a run?", where);
  for (const char* key : {"capture", "capture_hash", "format"}) check(key, get(key).is_string(), "a text");
  const Json downscale = get("downscale");
  check("downscale", downscale.is_number() && downscale.get<double>() >= 1, "a number of at least 1");
  const Json outside = get("allow_outside");
  check("allow_outside", outside.is_null() || outside.is_boolean(), "true or false");
  check("options", get("options").is_object(), "an object");
}

bool AllowedOutside(const Json& section) {
  return section.is_object() && section.value("allow_outside", Json()) == true;
}

int StoredImageCache(const Json& train_section) {
  const Json value = train_section.is_object() && train_section.contains("image-cache")
                         ? train_section["image-cache"]
                         : Json();
  const bool good =
      value.is_number_integer() && value.get<int64_t>() > 0 && value.get<int64_t>() <= kMaxImageCacheMib;
  return good ? value.get<int>() : kDefaultImageCacheMib;
}

}  // namespace semfield
