#pragma once

#include <memory>

#include "semfield/capture/reader.h"

namespace semfield {

// Raw exports of phone apps. Poses are those of the phone's tracker: camera to world, OpenGL camera axes, y
// up.

// Polycam's keyframes/: one JSON a frame in corrected_cameras/ or cameras/ (fx fy cx cy t_00 ... t_23), its
// image in corrected_images/ or images/, and 16-bit depth in millimetres in depth/ where there is some.
std::unique_ptr<Reader> MakePolycamReader();

// Record3D's RGBD export: metadata.json with K (by columns) and poses (quaternion x y z w, then position),
// images rgb/0.jpg, rgb/1.jpg, ... ; the folder itself or EXR_RGBD/ in it.
std::unique_ptr<Reader> MakeRecord3dReader();

}  // namespace semfield
