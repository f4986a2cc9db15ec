#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/image/codecs.h"

namespace semfield {

// What every reader needs to get from the names in a pose file to files on disk.

// Whether a file is there that can be read as one. Never throws: a name the system refuses is not there.
bool IsFile(const std::filesystem::path& path);

// Orders "r_8" before "r_16": runs of digits compare as numbers, everything else byte by byte. A strict total
// order.
bool NaturalLess(const std::string& a, const std::string& b);

// The file that a pose file means by `file_path`, relative to `folder`: as it stands, with backslashes
// turned, with .png/.jpg/.jpeg added, or with a doubled extension undone ("0001.png.png"). Empty when there
// is none.
std::filesystem::path FindImageFile(const std::filesystem::path& folder, const std::string& file_path);

// A file there whose name differs from `file_path` only in the case of its letters, as names copied from a
// system that sees none; empty when there is none.
std::filesystem::path FindOtherCase(const std::filesystem::path& folder, const std::string& file_path);

// A view's name: the file relative to the folder, with '/', without "./". Files outside the folder keep their
// "..".
std::string ViewName(const std::filesystem::path& folder, const std::filesystem::path& file);

// Headers of many files at once, read in parallel. The first damaged file in order is the Error.
std::vector<ImageInfo> ReadImageInfos(const std::vector<std::filesystem::path>& files);

// Whether two sizes are the same picture at another resolution: aspect ratios agree within 0.5 % or one
// pixel.
bool SameAspect(int width_a, int height_a, int width_b, int height_b);

// `camera` for an image of the given size: intrinsics are scaled when the aspect ratios agree, otherwise an
// Error that starts with `where`. *resized (may be null) says whether scaling took place.
Camera FitCameraToImage(const Camera& camera, int width, int height, const std::string& where, bool* resized);

}  // namespace semfield
