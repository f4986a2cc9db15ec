#pragma once

#include "semfield/methods/method.h"

namespace semfield {

// SAN for teachers with several maps: a field that imitates what lies between the two halves of a dense
// encoder, so that classes and words get masks.
class LanguageMethod : public Method {
 public:
  MethodInfo info() const override;
  AnyOptions NewOptions() const override;
  std::unique_ptr<SceneTraining> Prepare(const TrainingInputs& inputs,
                                         const AnyOptions& options) const override;
  OpenedFields Open(const OpenInputs& inputs) const override;
};

}  // namespace semfield
