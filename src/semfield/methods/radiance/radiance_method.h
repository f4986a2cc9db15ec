#pragma once

#include "semfield/methods/method.h"

namespace semfield {

// A hash-grid radiance field trained on the photos of one scene.
class RadianceMethod : public Method {
 public:
  MethodInfo info() const override;
  AnyOptions NewOptions() const override;
  MemoryNeed Memory(const AnyOptions& options, const Capture& capture) const override;
  std::optional<Smaller> MakeSmaller(const AnyOptions& options) const override;
  AnyOptions Resolve(const AnyOptions& options, const Capture& capture) const override;
  std::unique_ptr<SceneTraining> Prepare(const TrainingInputs& inputs,
                                         const AnyOptions& options) const override;
  OpenedFields Open(const OpenInputs& inputs) const override;
};

}  // namespace semfield
