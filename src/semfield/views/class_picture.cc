#include "semfield/views/class_picture.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/image/pixel_text.h"
#include "semfield/views/class_vote.h"

namespace semfield {
namespace {

constexpr int kSwatch = 22, kTextScale = 2;  // pixels
constexpr double kGoldenTurn = 0.61803398875;

}  // namespace

std::array<uint8_t, 3> ClassColor(int id) {
  if (id < 0 || id >= kNoClass) return {0, 0, 0};
  // Hues that never come back. Those of ids 8, 13 or 21 apart are near, and differ in how light and strong.
  constexpr double kValues[] = {0.98, 0.62, 0.95, 0.78, 0.45}, kSaturations[] = {0.8, 0.85, 0.4, 0.5, 0.7};
  const double hue = 6 * std::fmod(id * kGoldenTurn, 1.0);
  const double value = kValues[id % 5], saturation = kSaturations[id % 5];
  std::array<uint8_t, 3> color{};
  for (int c = 0; c < 3; ++c) {
    const double offset[] = {5, 3, 1};
    const double k = std::fmod(offset[c] + hue, 6.0);
    const double part = value - value * saturation * std::clamp(std::min(k, 4 - k), 0.0, 1.0);
    color[c] = static_cast<uint8_t>(std::lround(255 * part));
  }
  return color;
}

ImageU8 ClassPicture(const ImageU8& ids) {
  SF_CHECK_EQ(ids.channels, 1);
  ImageU8 picture(ids.width, ids.height, 3);
  for (size_t i = 0; i < ids.data.size(); ++i) {
    const std::array<uint8_t, 3> color = ClassColor(ids.data[i]);
    std::copy(color.begin(), color.end(), picture.data.begin() + static_cast<ptrdiff_t>(3 * i));
  }
  return picture;
}

ImageU8 LegendPicture(const std::vector<std::string>& classes) {
  size_t longest = 1;
  for (const std::string& name : classes) longest = std::max(longest, name.size());
  const int rows = static_cast<int>(classes.size());
  ImageU8 picture(2 * kSwatch + TextWidth(longest, kTextScale), std::max(1, rows * kSwatch), 3);
  for (int id = 0; id < rows; ++id) {
    const std::array<uint8_t, 3> color = ClassColor(id);
    for (int y = id * kSwatch; y < (id + 1) * kSwatch; ++y) {
      for (int x = 0; x < 2 * kSwatch - 4; ++x) std::copy(color.begin(), color.end(), &picture.At(x, y));
    }
    DrawText(picture, classes[id], 2 * kSwatch, id * kSwatch + 2, kTextScale);
  }
  return picture;
}

Json LegendJson(const std::vector<std::string>& classes) {
  Json legend = Json::array();
  for (size_t id = 0; id < classes.size(); ++id) {
    const std::array<uint8_t, 3> color = ClassColor(static_cast<int>(id));
    legend.push_back({{"id", id}, {"name", classes[id]}, {"color", {color[0], color[1], color[2]}}});
  }
  return legend;
}

}  // namespace semfield
