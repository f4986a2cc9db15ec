#pragma once

#include <string>
#include <vector>

#include "semfield/geometry/camera.h"
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

}  // namespace semfield
