#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/field/radiance_field.h"
#include "semfield/perception/feature_map.h"

namespace semfield {

// The space of several maps of one picture: whose they are and of what shape.
struct PyramidSpace {
  std::string encoder;     // name of the model card whose maps are meant
  int channels = 0;        // of every map
  std::vector<int> grids;  // tokens a side of each map of a square picture, the finest first
  int resolution = 0;      // pixels a side of that picture
};

// What a scene's every view looks like in maps of several strides, for decoders that want more than one map
// (SAN section 4.1). Const calls are thread-safe.
class PyramidField {
 public:
  virtual ~PyramidField() = default;
  virtual const PyramidSpace& space() const = 0;
  // The maps of what a square camera sees: for each of space().grids one of [channels, grid, grid]. The
  // radiance field is the one whose scene this is; it is only read. `stop` as RadianceField::Render.
  virtual std::vector<FeatureMap> Render(const RadianceField& radiance, const Camera& square,
                                         const Pose& world_from_camera,
                                         const StopToken* stop = nullptr) const = 0;
};

}  // namespace semfield
