#pragma once

#include <filesystem>

#include "semfield/capture/capture.h"

namespace semfield {

// Fills class_names and instances of `capture` from a labels.json:
//   {"classes": ["wall", ...], "instances": {"1": {"name": "Floor", "class": "floor", "class_id": 1}, ...}}
// Either key may be absent; further keys are ignored. Error naming file and key when something is malformed.
void ReadLabels(const std::filesystem::path& path, Capture* capture);

}  // namespace semfield
