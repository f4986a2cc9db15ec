#include "semfield/jobs/prompt_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include <fmt/ranges.h>

#include "semfield/base/error.h"
#include "semfield/base/text.h"

namespace semfield {
namespace {

std::vector<std::string> Words(const std::vector<std::string>& texts) {
  std::vector<std::string> words;
  for (const std::string& text : texts) {
    size_t begin = 0;
    while (begin <= text.size()) {
      const size_t end = std::min(text.find_first_of(", ;", begin), text.size());
      if (end > begin) words.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return words;
}

double Coordinate(const std::vector<std::string>& words, size_t i, const char* option, const char* form) {
  double value = 0;
  if (i < words.size()) {
    const char* end = words[i].data() + words[i].size();
    const auto [stop, error] = std::from_chars(words[i].data(), end, value);
    if (error == std::errc() && stop == end && std::isfinite(value)) return value;
  }
  throw InputError("{} {}: expected {} in pixels", option,
                   PrintableText(fmt::format("{}", fmt::join(words, ","))), form);
}

void CheckInside(double x, double y, const Camera& camera, const char* option) {
  if (camera.Contains({x, y})) return;
  throw InputError("{} {},{}: outside the image, which is {} x {} pixels (origin at the top left corner)",
                   option, x, y, camera.width, camera.height);
}

}  // namespace

Prompt ParsePrompt(const std::vector<std::string>& clicks, const std::vector<std::string>& boxes,
                   const Camera& camera) {
  Prompt prompt;
  const std::vector<std::string> words = Words(clicks);
  for (size_t i = 0; i < words.size();) {
    PromptPoint point;
    point.x = Coordinate(words, i, "--click", "x,y or x,y,-");
    point.y = Coordinate(words, i + 1, "--click", "x,y or x,y,-");
    i += 2;
    if (i < words.size() && (words[i] == "-" || words[i] == "+")) point.positive = words[i++] == "+";
    CheckInside(point.x, point.y, camera, "--click");
    prompt.points.push_back(point);
  }
  const std::vector<std::string> corners = Words(boxes);
  for (size_t i = 0; i < corners.size(); i += 4) {
    double v[4];
    for (size_t k = 0; k < 4; ++k) v[k] = Coordinate(corners, i + k, "--box", "x0,y0,x1,y1");
    CheckInside(v[0], v[1], camera, "--box");
    CheckInside(v[2], v[3], camera, "--box");
    if (!(v[0] < v[2] && v[1] < v[3])) {
      throw InputError("--box {},{},{},{}: empty; expected x0 < x1 and y0 < y1", v[0], v[1], v[2], v[3]);
    }
    prompt.boxes.push_back({v[0], v[1], v[2], v[3]});
  }
  if (prompt.boxes.size() > 1) throw InputError("--box: one box at a time; the decoder has room for one");
  return prompt;
}

Prompt ParseWholePrompt(const std::vector<std::string>& clicks, const std::vector<std::string>& boxes,
                        const Camera& camera) {
  Prompt prompt = ParsePrompt(clicks, boxes, camera);
  bool any_positive = !prompt.boxes.empty();
  for (const PromptPoint& point : prompt.points) any_positive |= point.positive;
  if (!any_positive)
    throw InputError("nothing is asked for: give --click x,y on the thing, or --box x0,y0,x1,y1");
  return prompt;
}

std::array<uint8_t, 3> ParseColor(const std::string& option, const std::string& text) {
  std::array<int, 3> color{};
  char rest = 0;
  if (std::sscanf(text.c_str(), "%d,%d,%d%c", &color[0], &color[1], &color[2], &rest) != 3 ||
      std::any_of(color.begin(), color.end(), [](int v) { return v < 0 || v > 255; })) {
    throw InputError("{} {}: expected red,green,blue, each from 0 to 255", option, text);
  }
  return {static_cast<uint8_t>(color[0]), static_cast<uint8_t>(color[1]), static_cast<uint8_t>(color[2])};
}

Vec3 ParsePoint(const std::string& option, const std::string& text) {
  Vec3 point;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%lf,%lf,%lf%c", &point.x(), &point.y(), &point.z(), &rest) != 3 ||
      !point.allFinite()) {
    throw InputError("{} {}: expected x,y,z", option, text);
  }
  return point;
}

}  // namespace semfield
