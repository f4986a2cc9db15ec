#include "semfield/methods/method.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/methods/scenes_module.h"

namespace semfield {

double MemoryNeed::total() const {
  double sum = 0;
  for (const Part& part : parts) sum += part.bytes;
  return sum;
}

std::unique_ptr<SceneTraining> Method::Prepare(const TrainingInputs&, const AnyOptions&) const {
  throw InputError("method '{}' is not trained on one scene", info().name);
}

std::unique_ptr<SceneTraining> Method::PrepareMany(ManyScenesInputs, const AnyOptions&) const {
  throw InputError("method '{}' is not trained on many scenes", info().name);
}

std::unique_ptr<ObjectFeatures> Method::OpenObjects(const ObjectInputs&) const {
  throw InputError("method '{}' knows no features of single objects; feature_nerf does", info().name);
}

MethodList::MethodList(std::vector<std::shared_ptr<const Method>> methods, std::vector<std::string> in_module)
    : methods_(std::move(methods)), in_module_(std::move(in_module)) {
  std::vector<std::string> names = Names();
  std::sort(names.begin(), names.end());
  SF_CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());  // names are unique
}

std::vector<std::string> MethodList::Names() const {
  std::vector<std::string> names;
  for (const auto& method : methods_) names.push_back(method->info().name);
  names.insert(names.end(), in_module_.begin(), in_module_.end());
  return names;
}

const Method& MethodList::Find(const std::string& name) const {
  for (const auto& method : methods_) {
    if (method->info().name == name) return *method;
  }
  if (std::count(in_module_.begin(), in_module_.end(), name) > 0) {
    const std::lock_guard<std::mutex> lock(module_mutex_);
    if (module_methods_.empty()) module_methods_ = LoadScenesModule("method '" + name + "'");
    for (const auto& method : module_methods_) {
      if (method->info().name == name) return *method;
    }
    throw ResourceError("method '{}': the module {} does not have it", name, kScenesModuleFile);
  }
  std::vector<std::string> known = Names();
  const std::string nearest = NearestName(name, known);
  std::stable_partition(known.begin(), known.end(), [&](const std::string& n) { return n == nearest; });
  throw InputError("unknown method '{}'; known are: {}", name, fmt::join(known, ", "));
}

const Method& MethodList::Default(bool on_radiance) const {
  for (const auto& method : methods_) {
    const MethodInfo info = method->info();
    if (info.trains_on != MethodInfo::TrainsOn::kOneScene || info.needs_radiance != on_radiance) continue;
    if (on_radiance ? info.renders.features : info.renders.rgb) return *method;
  }
  throw InputError("this program knows no method that is trained on one scene{}",
                   on_radiance ? " and renders features" : "");
}

const Method& MethodList::ForTeacher(const std::string& kind) const {
  std::vector<std::string> kinds;
  for (const auto& method : methods_) {
    const std::string known = method->info().teacher_kind;
    if (known == kind) return *method;
    if (!known.empty() && std::count(kinds.begin(), kinds.end(), known) == 0) kinds.push_back(known);
  }
  throw InputError("nothing imitates a model of kind {}; models of these kinds can be imitated: {}", kind,
                   fmt::join(kinds, ", "));
}

}  // namespace semfield
