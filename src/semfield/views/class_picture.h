#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/image/image.h"

namespace semfield {

// The color of a class in pictures and meshes: the same for a class id always, far apart for ids that follow
// each other. Below 0, or kNoClass: black.
std::array<uint8_t, 3> ClassColor(int id);

// Each pixel in the color of its class. ids: 1 channel.
ImageU8 ClassPicture(const ImageU8& ids);

// Colors with the names of their classes, in the order of the ids.
ImageU8 LegendPicture(const std::vector<std::string>& classes);
// [{"id", "name", "color": [r, g, b]}], in the order of the ids.
Json LegendJson(const std::vector<std::string>& classes);

}  // namespace semfield
