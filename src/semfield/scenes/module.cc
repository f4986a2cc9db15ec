// The run-time module for methods that are trained over many scenes (methods/scenes_module.h).
#if defined(__linux__)
#include <malloc.h>
#endif

#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/base/version.h"
#include "semfield/methods/scenes_module.h"
#include "semfield/scenes/feature_nerf/feature_nerf_method.h"
#include "semfield/scenes/gnesf/gnesf_method.h"
#include "semfield/scenes/gp_nerf/gp_nerf_method.h"
#include "semfield/scenes/nn/torch.h"

namespace {

using namespace semfield;

void AddMethods(const ScenesHost& host, std::vector<std::shared_ptr<const Method>>* methods) {
#if defined(__GLIBC__)
  // Tensors of megabytes come and go by the thousand. Given back to the system each time, their pages would
  // cost a third of a rendering.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
  SetNumThreads(host.num_threads);
  torch::set_num_threads(host.num_threads);
  SetLogSink([log = host.log](LogLevel level, const std::string& message) {
    log(static_cast<int>(level), message.c_str());
  });
  methods->push_back(std::make_shared<GnesfMethod>());
  methods->push_back(std::make_shared<GpNerfMethod>());
  methods->push_back(std::make_shared<FeatureNerfMethod>());
}

}  // namespace

extern "C" const ScenesModule* SemfieldScenesModule() {
  static const ScenesModule module = {Version(), BuildId(), &AddMethods};
  return &module;
}
