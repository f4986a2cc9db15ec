#pragma once

#include <string>
#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/perception/prompt.h"

namespace semfield {

// Clicks "x,y", "x,y,+" or "x,y,-" and boxes "x0,y0,x1,y1" in pixels of the camera's image. The command line
// cuts lists at commas, so the words arrive as one list of numbers and signs; both forms are understood.
// Malformed, outside the image, an empty box or no prompt at all: Error.
Prompt ParsePrompt(const std::vector<std::string>& clicks, const std::vector<std::string>& boxes,
                   const Camera& camera);

}  // namespace semfield
