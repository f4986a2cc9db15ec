#include "semfield/catalog/methods.h"

#include "semfield/methods/feature_field/feature_method.h"
#include "semfield/methods/radiance/radiance_method.h"

namespace semfield {

const MethodList& KnownMethods() {
  static const MethodList methods({std::make_shared<RadianceMethod>(), std::make_shared<FeatureMethod>()});
  return methods;
}

}  // namespace semfield
