#include "semfield/catalog/methods.h"

#include "semfield/methods/feature_field/feature_method.h"
#include "semfield/methods/language_field/language_method.h"
#include "semfield/methods/laser/laser_method.h"
#include "semfield/methods/radiance/radiance_method.h"

namespace semfield {

const MethodList& KnownMethods() {
  static const MethodList methods({std::make_shared<RadianceMethod>(), std::make_shared<FeatureMethod>(),
                                   std::make_shared<LanguageMethod>(), std::make_shared<LaserMethod>()},
                                  {"gnesf", "gp_nerf", "feature_nerf"});
  return methods;
}

}  // namespace semfield
