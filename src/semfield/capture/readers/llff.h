#pragma once

#include <memory>

#include "semfield/capture/reader.h"

namespace semfield {

// LLFF: poses_bounds.npy (the file, or the folder that holds it) with one row of 17 numbers an image, in byte
// order of the names in images/ or images_2, images_4, images_8, ... (the largest that has an image a row).
// A row is the 3x5 matrix [down right back centre | height width focal] and the near and far depth. Height,
// width and focal length belong to the original images; the camera is scaled to the ones on disk. Masks in
// masks/: white is kept.
std::unique_ptr<Reader> MakeLlffReader();

}  // namespace semfield
