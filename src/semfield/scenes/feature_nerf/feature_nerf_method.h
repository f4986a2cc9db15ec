#pragma once

#include "semfield/methods/method.h"

namespace semfield {

// FeatureNeRF (Ye, Wang, Wang 2023): trained once over many objects of some categories, makes of one picture
// of another object colors, depth and features for any camera.
class FeatureNerfMethod : public Method {
 public:
  MethodInfo info() const override;
  AnyOptions NewOptions() const override;
  std::unique_ptr<SceneTraining> PrepareMany(ManyScenesInputs inputs,
                                             const AnyOptions& options) const override;
  std::unique_ptr<ObjectFeatures> OpenObjects(const ObjectInputs& inputs) const override;
  OpenedFields Open(const OpenInputs& inputs) const override;
};

}  // namespace semfield
