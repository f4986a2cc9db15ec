#pragma once

#include "semfield/image/image.h"

namespace semfield {

// Lines at round numbers of pixels over an RGB picture, with the numbers at its upper and left border: to
// read positions from, as clicks take them.
void DrawPixelGrid(ImageU8& rgb);

}  // namespace semfield
