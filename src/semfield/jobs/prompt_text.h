#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/geometry/types.h"
#include "semfield/perception/prompt.h"

namespace semfield {

// Clicks "x,y", "x,y,+" or "x,y,-" and boxes "x0,y0,x1,y1" in pixels of the camera's image. The command line
// cuts lists at commas, so the words arrive as one list of numbers and signs; both forms are understood.
// Malformed, outside the image or an empty box: Error.
Prompt ParsePrompt(const std::vector<std::string>& clicks, const std::vector<std::string>& boxes,
                   const Camera& camera);
// The same of a prompt that has to stand for itself: nothing that says what is meant, but only what is not,
// is an Error too.
Prompt ParseWholePrompt(const std::vector<std::string>& clicks, const std::vector<std::string>& boxes,
                        const Camera& camera);

// "red,green,blue", each from 0 to 255. `option` is named by errors, as in the next one.
std::array<uint8_t, 3> ParseColor(const std::string& option, const std::string& text);
// "x,y,z", finite numbers.
Vec3 ParsePoint(const std::string& option, const std::string& text);

}  // namespace semfield
