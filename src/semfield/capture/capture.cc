#include "semfield/capture/capture.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "semfield/base/error.h"
#include "semfield/base/options.h"

namespace semfield {
namespace {

// "004" is how a file is called, not how people count: once 004.jpg is gone it must not mean the fifth view.
bool HasLeadingZero(const std::string& text) {
  return text.size() > 1 && text[0] == '0';
}

bool IsCalled(const View& view, const std::string& name) {
  const std::filesystem::path path(view.name);
  return view.name == name || path.filename() == name || path.stem() == name;
}

std::optional<int> WholeNumber(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.empty() || end != text.data() + text.size() || value < 0)
    return std::nullopt;
  return value;
}

int FromSplit(const std::vector<int>& split, const std::string& split_name, const std::string& number) {
  const std::optional<int> position = WholeNumber(number);
  if (!position || *position >= static_cast<int>(split.size())) {
    throw InputError("view '{}:{}': the {} split has {} views, give a position from 0 to {}", split_name,
                     number, split_name, split.size(), static_cast<int>(split.size()) - 1);
  }
  return split[*position];
}

Error UnknownView(const Capture& capture, const std::string& name) {
  std::vector<std::string> known;
  for (const View& view : capture.views) {
    known.push_back(view.name);
    known.push_back(std::filesystem::path(view.name).filename().string());
    known.push_back(std::filesystem::path(view.name).stem().string());
  }
  const std::string nearest = NearestName(name, known);
  const std::string hint = nearest.empty() ? "" : fmt::format(" Did you mean '{}'?", nearest);
  const std::string first = capture.views.empty() ? "" : capture.views.front().name;
  const std::string last = capture.views.empty() ? "" : capture.views.back().name;
  return InputError(
      "view '{}': no such view.{} There are {} views, '{}' to '{}'; give a name, a file stem, an index from "
      "0 without zeros before it, "
      "'train:N' or 'test:N'.",
      name, hint, capture.views.size(), first, last);
}

}  // namespace

bool Capture::HasAlpha() const {
  return std::any_of(views.begin(), views.end(), [](const View& view) { return view.has_alpha; });
}

bool Capture::HasInstances() const {
  return std::any_of(views.begin(), views.end(), [](const View& view) { return !view.instance.empty(); });
}

int Capture::FindView(const std::string& name) const {
  std::vector<int> matches;
  for (size_t i = 0; i < views.size(); ++i) {
    if (views[i].name == name) return static_cast<int>(i);
    if (IsCalled(views[i], name)) matches.push_back(static_cast<int>(i));
  }
  if (matches.size() == 1) return matches.front();
  if (matches.size() > 1) {
    throw InputError("view '{}': {} views are called so, among them '{}' and '{}'. Give the whole name.",
                     name, matches.size(), views[matches[0]].name, views[matches[1]].name);
  }
  if (name.rfind("train:", 0) == 0) return FromSplit(train, "train", name.substr(6));
  if (name.rfind("test:", 0) == 0) return FromSplit(held_out, "test", name.substr(5));
  const std::optional<int> index = HasLeadingZero(name) ? std::nullopt : WholeNumber(name);
  if (index && *index < static_cast<int>(views.size())) return *index;
  throw UnknownView(*this, name);
}

}  // namespace semfield
