#pragma once

#include "semfield/methods/method.h"

namespace semfield {

// Laser: language features of a dense encoder distilled into a field, in the space that the texts of its
// classes span, so that classes and words get masks.
class LaserMethod : public Method {
 public:
  MethodInfo info() const override;
  AnyOptions NewOptions() const override;
  std::unique_ptr<SceneTraining> Prepare(const TrainingInputs& inputs,
                                         const AnyOptions& options) const override;
  OpenedFields Open(const OpenInputs& inputs) const override;
};

}  // namespace semfield
