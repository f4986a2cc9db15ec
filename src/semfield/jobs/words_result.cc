#include "semfield/jobs/words_result.h"

#include <fmt/format.h>

namespace semfield {
namespace {

Json ThingsJson(const std::vector<FoundByWords::Thing>& things) {
  Json json = Json::array();
  for (const FoundByWords::Thing& thing : things)
    json.push_back({{"name", thing.name}, {"called", thing.called}, {"fit", thing.fit}});
  return json;
}

}  // namespace

std::string NamesText(const std::vector<ThingName>& names) {
  std::string text;
  for (const ThingName& name : names)
    text += fmt::format("{}{} {:.2f}", text.empty() ? "" : ", ", name.name, name.score);
  return text;
}

Json NamesJson(const std::vector<ThingName>& names) {
  Json json = Json::array();
  for (const ThingName& name : names) json.push_back({{"name", name.name}, {"score", name.score}});
  return json;
}

WordsResult WordsOf(const std::string& asked, const FoundByWords& found) {
  return {.asked = asked,
          .selection = found.selection.name,
          .meant = found.meant,
          .things = found.things,
          .nearest = found.others};
}

std::vector<std::string> WordsResult::Text() const {
  std::vector<std::string> text = {fmt::format("'{}' is taken for: {}", asked, NamesText(meant))};
  for (const FoundByWords::Thing& thing : things)
    text.push_back(fmt::format("found: {} ({}), fit {:.2f}", thing.name, thing.called, thing.fit));
  if (!things.empty()) return text;
  std::string next;
  for (const FoundByWords::Thing& thing : nearest)
    next +=
        fmt::format("{}{} ({}, fit {:.2f})", next.empty() ? "" : ", ", thing.name, thing.called, thing.fit);
  text.push_back(
      fmt::format("nothing here is '{}'; the nearest things are: {}", asked, next.empty() ? "none" : next));
  return text;
}

Json WordsResult::ToJson() const {
  return {{"asked", asked},
          {"selection", selection},
          {"meant", NamesJson(meant)},
          {"things", ThingsJson(things)},
          {"nearest", ThingsJson(nearest)}};
}

}  // namespace semfield
