#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/capture/capture.h"

namespace semfield {

// What all writers need.

// For each view a name for its image under images/, unique, with sub-folders unless `flat`. The view's own
// images/ or images_N/ is not repeated, and nothing leads out of the folder.
std::vector<std::string> ExportNames(const Capture& capture, bool flat);

// Copies the images to out/images/<name> and the masks to out/masks/<name>.png, where white is kept whatever
// polarity they had.
void CopyImagesAndMasks(const Capture& capture, const std::vector<std::string>& names,
                        const std::filesystem::path& out, const JobControl& control);

// Copies a file and makes the folders it needs.
void CopyFileTo(const std::filesystem::path& from, const std::filesystem::path& to);

// The pose in the frame that the capture was made in: capture_from_world applied. Error when that is no
// similarity. *scale is its factor.
Pose OriginalPose(const Capture& capture, const Pose& world_from_camera, double* scale);

// Adds to `notes` what of labels, depth maps and split the capture has and `format` leaves out.
void NoteLostLabels(const Capture& capture, const std::string& format, std::vector<std::string>* notes);

// Whether the capture is split as one without a split of its own.
bool HasDefaultSplit(const Capture& capture);

}  // namespace semfield
