#include "semfield/run/train_section.h"

#include <cmath>
#include <cstdint>

#include "semfield/base/error.h"

namespace semfield {
namespace {

bool IsBox(const Json& box) {
  if (!box.is_array() || box.size() != 2) return false;
  for (const Json& corner : box) {
    if (!corner.is_array() || corner.size() != 3) return false;
    for (const Json& number : corner) {
      if (!number.is_number() || !std::isfinite(number.get<double>())) return false;
    }
  }
  for (int k = 0; k < 3; ++k) {
    if (!(box[0][k].get<double>() < box[1][k].get<double>())) return false;
  }
  return true;
}

bool AreMasks(const Json& masks) {
  if (masks.is_null()) return true;
  if (!masks.is_object() || !masks.contains("use")) return false;
  if (masks["use"] != "ignore" && masks["use"] != "empty") return false;
  return !masks.contains("bounds") || IsBox(masks["bounds"]);
}

}  // namespace

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
  check("masks", AreMasks(get("masks")), "an object with use and bounds");
  check("options", get("options").is_object(), "an object");
}

Json MasksJson(const MaskDecision& decision) {
  Json masks = {{"use", decision.use == MaskUse::kEmpty ? "empty" : "ignore"}};
  if (decision.bounds) {
    const auto corner = [](const Vec3& at) { return Json::array({at.x(), at.y(), at.z()}); };
    masks["bounds"] = Json::array({corner(decision.bounds->min), corner(decision.bounds->max)});
  }
  return masks;
}

MaskDecision StoredMasks(const Json& section) {
  MaskDecision decision;
  const Json masks = section.is_object() && section.contains("masks") ? section["masks"] : Json();
  if (masks.is_null() || masks.at("use") != "empty") return decision;
  decision.use = MaskUse::kEmpty;
  if (!masks.contains("bounds")) return decision;
  Box3 box;
  for (int k = 0; k < 3; ++k) {
    box.min[k] = masks["bounds"][0][k].get<double>();
    box.max[k] = masks["bounds"][1][k].get<double>();
  }
  decision.bounds = box;
  return decision;
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
