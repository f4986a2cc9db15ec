#pragma once

#include <memory>

#include "semfield/capture/writers/writer.h"

namespace semfield {

// transforms.json, images/, masks/, depth/, semantic/, instance/ and labels.json. Holds everything but sparse
// points.
std::unique_ptr<Writer> MakeTransformsWriter();

// sparse/0 (binary or text), images/ and masks/. Holds every camera but a pinhole one with a radial term r^8.
std::unique_ptr<Writer> MakeColmapWriter(bool binary);

// poses_bounds.npy, images/ (without sub-folders) and masks/. Holds only undistorted cameras with square
// pixels and the principal point in the middle.
std::unique_ptr<Writer> MakeLlffWriter();

}  // namespace semfield
