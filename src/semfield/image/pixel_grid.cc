#include <algorithm>
#include <string>

#include "semfield/base/check.h"
#include "semfield/image/pixel_grid.h"
#include "semfield/image/pixel_text.h"

namespace semfield {
namespace {

// A round number of pixels, so that some ten lines cross the longer side.
int Spacing(int longest) {
  for (const int spacing : {5, 10, 20, 25, 50, 100, 200, 250, 500, 1000}) {
    if (longest <= 16 * spacing) return spacing;
  }
  return 2000;
}

}  // namespace

void DrawPixelGrid(ImageU8& rgb) {
  SF_CHECK_EQ(rgb.channels, 3);
  const int longest = std::max(rgb.width, rgb.height), spacing = Spacing(longest);
  const int scale = std::max(1, longest / 640), thickness = std::max(1, longest / 1280);
  for (int y = 0; y < rgb.height; ++y) {
    for (int x = 0; x < rgb.width; ++x) {
      const bool is_line =
          (x >= spacing && x % spacing < thickness) || (y >= spacing && y % spacing < thickness);
      if (!is_line) continue;
      // Halfway to the other end: seen on white as on black.
      for (int c = 0; c < 3; ++c) {
        uint8_t& value = rgb.At(x, y, c);
        value = static_cast<uint8_t>(value < 128 ? value + 110 : value - 110);
      }
    }
  }
  for (int x = spacing; x < rgb.width; x += spacing)
    DrawText(rgb, std::to_string(x), x + thickness, 0, scale);
  for (int y = spacing; y < rgb.height; y += spacing)
    DrawText(rgb, std::to_string(y), 0, y + thickness, scale);
}

}  // namespace semfield
