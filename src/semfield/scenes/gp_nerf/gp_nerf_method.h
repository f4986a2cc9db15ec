#pragma once

#include "semfield/methods/method.h"

namespace semfield {

// GP-NeRF (Li et al. 2024): trained once over many labelled scenes, renders colors and semantic features of
// any capture by attention over its photos, and reads classes from a map of the features.
class GpNerfMethod : public Method {
 public:
  MethodInfo info() const override;
  AnyOptions NewOptions() const override;
  AnyOptions Resolve(const AnyOptions& options, const Capture& capture) const override;
  std::unique_ptr<SceneTraining> PrepareMany(ManyScenesInputs inputs,
                                             const AnyOptions& options) const override;
  OpenedFields Open(const OpenInputs& inputs) const override;
};

}  // namespace semfield
