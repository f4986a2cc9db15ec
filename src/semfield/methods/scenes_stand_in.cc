// Modules for tests: one that fits, one of another build, one that is none.
#include "semfield/base/version.h"
#include "semfield/methods/scenes_module.h"

#ifdef STAND_IN_IS_NONE
extern "C" int SomethingElse() {
  return 1;
}
#else
namespace semfield {
namespace {

struct NoOptions {
  void Describe(OptionList&) {}
};

class StandInMethod : public Method {
 public:
  explicit StandInMethod(int num_threads) : num_threads_(num_threads) {}
  MethodInfo info() const override {
    return {.name = "stand_in",
            .sentence = "Answers for tests on " + std::to_string(num_threads_) + " threads.",
            .trains_on = MethodInfo::TrainsOn::kManyScenes,
            .presets = ""};
  }
  AnyOptions NewOptions() const override { return AnyOptions(NoOptions()); }
  OpenedFields Open(const OpenInputs&) const override { return {}; }

 private:
  int num_threads_;
};

void AddMethods(const ScenesHost& host, std::vector<std::shared_ptr<const Method> >* methods) {
  host.log(0, "the stand-in is here");
  methods->push_back(std::make_shared<StandInMethod>(host.num_threads));
}

}  // namespace
}  // namespace semfield

extern "C" const semfield::ScenesModule* SemfieldScenesModule() {
#ifdef STAND_IN_OF_ANOTHER_BUILD
  static const semfield::ScenesModule module = {semfield::Version(), "another", &semfield::AddMethods};
#else
  static const semfield::ScenesModule module = {semfield::Version(), semfield::BuildId(),
                                                &semfield::AddMethods};
#endif
  return &module;
}
#endif
