#pragma once

#include <algorithm>

#include "semfield/field/radiance_field.h"
#include "semfield/image/pixels.h"

namespace semfield {

// The 8-bit picture that a teacher sees of a scene: our own rendering through the square camera, over
// `background` (RGB in [0, 1]). `stop` as RadianceField::Render.
inline ImageU8 RenderTeacherImage(const RadianceField& field, const Camera& square,
                                  const Pose& world_from_camera, const float background[3],
                                  const StopToken* stop = nullptr) {
  RenderRequest request;
  request.fine = false;  // views a minute matter more to the teacher than what finer steps show it
  std::copy_n(background, 3, request.background);
  return ToU8(field.Render(square, world_from_camera, request, stop).rgb);
}

}  // namespace semfield
