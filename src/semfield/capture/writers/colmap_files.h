#pragma once

#include <filesystem>

#include "semfield/capture/readers/colmap_model.h"

namespace semfield {

// Writes cameras, images and points3D with their tracks (images' keypoints are numbered as they stand) into
// `folder`, as .bin or .txt. Reading them back gives the same numbers. The rotation is written as a
// quaternion with w >= 0.
void WriteColmapModel(const ColmapModel& model, const std::filesystem::path& folder, bool binary);

}  // namespace semfield
