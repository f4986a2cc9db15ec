#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "semfield/capture/capture.h"
#include "semfield/capture/capture_files.h"

namespace semfield {

// Names of the JPEG and PNG files (by extension) directly inside `folder`, in byte order, hidden ones left
// out. An unreadable or absent folder has none. More than a million: Error.
std::vector<std::string> ImageNamesIn(const std::filesystem::path& folder);

// The mask of an image in a folder of masks: "photo.png" or "photo.jpg.png" at the image's place under its
// image folder, or of that file name alone. Empty when there is none.
std::filesystem::path FindMaskFile(const CaptureFiles& disk, const std::filesystem::path& masks,
                                   const std::filesystem::path& image_in_root);

// Gives each view without a mask the one from `capture_folder`/masks, where a white pixel is kept and a black
// one ignored: FindMaskFile. `image_root` is what the images' own sub-folders are counted from. Says in
// `capture`'s warnings when only some views have one.
void AttachSiblingMasks(const CaptureFiles& disk, const std::filesystem::path& capture_folder,
                        const std::filesystem::path& image_root, Capture* capture);

}  // namespace semfield
