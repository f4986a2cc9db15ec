#pragma once

#include <filesystem>

#include "semfield/capture/object_views.h"

namespace semfield {

// Whether the folder holds folders of renders as pixelNeRF takes them: rgb/, pose/ and intrinsics.txt.
bool IsShapeNetRenders(const std::filesystem::path& folder);

// Reads a category of renders as SRN published them for ShapeNet and pixelNeRF takes them, a folder an
// object: rgb/NNNNNN.png on white (or with alpha), pose/NNNNNN.txt with 16 numbers from camera (OpenCV axes)
// to world, intrinsics.txt beginning with the focal length and the principal point and ending with height and
// width. Pixels that are white in all channels are the background. The principal point is taken in pixels
// with centres at +0.5, because renderers put it at the middle of the picture. The category is called as the
// folder, less a "_train", "_val" or "_test" at its end. Error naming file and line.
ObjectCategory ReadShapeNetRenders(const std::filesystem::path& folder);

}  // namespace semfield
