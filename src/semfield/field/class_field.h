#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/field/radiance_field.h"
#include "semfield/perception/feature_map.h"

namespace semfield {

// What a scene's every view shows of each of a few classes, without any decoder. Const calls are thread-safe.
class ClassField {
 public:
  virtual ~ClassField() = default;
  virtual const std::string& encoder() const = 0;  // name of the model card whose classes are meant
  virtual int num_classes() const = 0;
  virtual int resolution() const = 0;  // pixels a side of the square pictures it learned from
  // Probabilities of what a square camera sees: [num_classes(), height, width] over the whole square. The
  // radiance field is the one whose scene this is; it is only read. `stop` as RadianceField::Render.
  virtual FeatureMap Render(const RadianceField& radiance, const Camera& square,
                            const Pose& world_from_camera, const StopToken* stop = nullptr) const = 0;
};

}  // namespace semfield
