#pragma once

#include "semfield/methods/method.h"

namespace semfield {

// GNeSF (Chen, Li, Lee 2023): trained once over many labelled scenes, renders colors, depth and classes of
// any capture from the photos around a view.
class GnesfMethod : public Method {
 public:
  MethodInfo info() const override;
  AnyOptions NewOptions() const override;
  AnyOptions Resolve(const AnyOptions& options, const Capture& capture) const override;
  std::unique_ptr<SceneTraining> PrepareMany(ManyScenesInputs inputs,
                                             const AnyOptions& options) const override;
  OpenedFields Open(const OpenInputs& inputs) const override;
};

}  // namespace semfield
