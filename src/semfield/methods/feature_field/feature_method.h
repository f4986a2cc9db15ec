#pragma once

#include "semfield/methods/method.h"

namespace semfield {

// SAN: a feature field that imitates a teacher's encoder on renderings of a trained radiance field.
class FeatureMethod : public Method {
 public:
  MethodInfo info() const override;
  AnyOptions NewOptions() const override;
  std::unique_ptr<SceneTraining> Prepare(const TrainingInputs& inputs,
                                         const AnyOptions& options) const override;
  OpenedFields Open(const OpenInputs& inputs) const override;
};

}  // namespace semfield
