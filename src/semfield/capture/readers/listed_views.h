#pragma once

#include <filesystem>
#include <string>

#include "semfield/capture/capture.h"

namespace semfield {

// What ends the reading of formats that list their frames: fits the cameras to the images on disk, notes
// alpha, sorts the views by name and says how many of `listed` are missing. Fewer than 3: InputError that
// starts with `where`.
void FinishListedViews(size_t listed, const std::string& where, Capture* capture);

}  // namespace semfield
