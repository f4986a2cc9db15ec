#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/base/half.h"
#include "semfield/base/job_control.h"
#include "semfield/field/feature_field.h"
#include "semfield/image/image.h"
#include "semfield/methods/method.h"

namespace semfield {

// A teacher as one thread asks it.
class TeacherEye {
 public:
  virtual ~TeacherEye() = default;
  // The tokens of its finest map: what a student is given for every view.
  virtual const FeatureSpace& space() const = 0;
  virtual size_t target_size() const = 0;       // numbers that Look answers
  virtual std::string Fingerprint() const = 0;  // of the files that its answers depend on
  // What a student should say of a square picture. Asked to stop: InterruptedError.
  virtual std::vector<Half> Look(const ImageU8& rgb, const StopToken* stop) = 0;
};
using TeacherEyes = std::vector<std::unique_ptr<TeacherEye>>;

// The encoder that `inputs` names, once for every thread; its answers are one map [channels, grid, grid].
TeacherEyes OpenEncoderEyes(const TrainingInputs& inputs);

std::vector<Half> ToHalves(const std::vector<float>& values);

}  // namespace semfield
