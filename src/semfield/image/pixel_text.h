#pragma once

#include <string_view>

#include "semfield/image/image.h"

namespace semfield {

// Writes a line into an RGB picture, white on black, `scale` pixels a dot, its top left corner at x, y; what
// leaves the picture is cut off. Letters of A to Z in either case, digits, space, '-', '.' and '_'; of other
// characters a small box.
void DrawText(ImageU8& rgb, std::string_view text, int x, int y, int scale);
// Pixels that a line of so many characters takes.
int TextWidth(size_t characters, int scale);

}  // namespace semfield
