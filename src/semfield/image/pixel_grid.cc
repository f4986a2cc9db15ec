#include <algorithm>
#include <array>
#include <string>

#include "semfield/base/check.h"
#include "semfield/image/pixel_grid.h"

namespace semfield {
namespace {

constexpr int kDigitWidth = 5, kDigitHeight = 7;
// Digits 0 to 9, a row a number, the leftmost pixel in its highest bit.
constexpr uint8_t kDigits[10][kDigitHeight] = {
    {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e}, {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e},
    {0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f}, {0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e},
    {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}, {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e},
    {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e}, {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08},
    {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e}, {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c}};

using Rgb = std::array<uint8_t, 3>;
constexpr Rgb kBlack = {0, 0, 0}, kWhite = {255, 255, 255};

void Set(ImageU8& rgb, int x, int y, const Rgb& color) {
  if (x < 0 || y < 0 || x >= rgb.width || y >= rgb.height) return;
  std::copy(color.begin(), color.end(), &rgb.At(x, y));
}

// White on black, `scale` pixels a dot, its top left corner at x, y.
void DrawNumber(ImageU8& rgb, int number, int x, int y, int scale) {
  const std::string text = std::to_string(number);
  const int width = static_cast<int>(text.size()) * (kDigitWidth + 1) + 1;
  for (int row = 0; row < (kDigitHeight + 2) * scale; ++row) {
    for (int column = 0; column < width * scale; ++column) {
      const int dot_x = column / scale - 1, dot_y = row / scale - 1;
      bool is_on =
          dot_x >= 0 && dot_y >= 0 && dot_y < kDigitHeight && dot_x % (kDigitWidth + 1) < kDigitWidth;
      if (is_on) {
        const int digit = text[dot_x / (kDigitWidth + 1)] - '0';
        is_on = (kDigits[digit][dot_y] >> (kDigitWidth - 1 - dot_x % (kDigitWidth + 1)) & 1) != 0;
      }
      Set(rgb, x + column, y + row, is_on ? kWhite : kBlack);
    }
  }
}

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
  for (int x = spacing; x < rgb.width; x += spacing) DrawNumber(rgb, x, x + thickness, 0, scale);
  for (int y = spacing; y < rgb.height; y += spacing) DrawNumber(rgb, y, 0, y + thickness, scale);
}

}  // namespace semfield
