#pragma once

#include <string>

#include "semfield/capture/capture.h"
#include "semfield/geometry/types.h"
#include "semfield/surface/mesh.h"

namespace semfield {

// The mean of what the training cameras have above them, unit, in the world; z where they cancel.
Vec3 MeanUp(const Capture& capture);

// The rotation from a frame in which `up` points upwards to one in which y does, as glTF wants it. Axes stay
// axes: z up gives (x, z, -y).
Mat3 YUpFrom(const Vec3& up);

// Which way is up in the capture's own axes. `axis`: x, y, z, -x, -y or -z; "auto": MeanUp, or the axis
// within 25 degrees of it, since photographers look down more often than up. Anything else: InputError.
Vec3 UpOfCapture(const Capture& capture, const std::string& axis);

// Where a thing stands: the middle of its box as seen from above, at the height of its lowest vertex. Mesh
// and up in one frame.
Vec3 BaseOf(const Mesh& mesh, const Vec3& up);

}  // namespace semfield
