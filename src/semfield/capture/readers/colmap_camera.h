#pragma once

#include <string>

#include "semfield/capture/readers/colmap_model.h"
#include "semfield/geometry/camera.h"

namespace semfield {

// The camera that a COLMAP camera describes. All models but two are the same here. The rational part (k4 to
// k6) of FULL_OPENCV and the FOV model are approximated by the polynomial that fits best over the image;
// *note then says how well, otherwise it is left alone. Error, starting with `where`, for sizes and numbers
// that make no camera, or when no polynomial is within half a pixel.
Camera CameraFromColmap(const ColmapCamera& camera, const std::string& where, std::string* note);

// The simplest COLMAP model that is exactly `camera`. Error, starting with `where`, when there is none
// (radial term of degree 8 of a pinhole camera).
ColmapCamera ColmapFromCamera(const Camera& camera, const std::string& where);

}  // namespace semfield
