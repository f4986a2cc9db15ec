#include "semfield/methods/scenes_module.h"

#include <dlfcn.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <system_error>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/base/version.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr const char* kAdvice =
    "Install the package semfield-scenes of this very version, build with -DSEMFIELD_BUILD_SCENES=ON, or set "
    "SEMFIELD_SCENES to the module's path";

void LogForModule(int level, const char* message) {
  LogMessage(static_cast<LogLevel>(level), message);
}

// OpenBLAS multiplies matrices for LibTorch. On a processor that is younger than it, it takes kernels of
// 2004, which makes a rendering half as long again; so it is told what the processor can do. Users' own words
// win.
void TellOpenBlas() {
#if defined(__x86_64__)
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (avx512 || avx2) setenv("OPENBLAS_CORETYPE", avx512 ? "SKYLAKEX" : "HASWELL", /*overwrite=*/0);
#endif
}

const ScenesModule& Checked(const fs::path& path, const std::string& why) {
  // LibTorch's threads would wait by spinning, on processors that others have work for.
  setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0);
  TellOpenBlas();
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw ResourceError("{}: {}. {}", why, dlerror(), kAdvice);
  const auto function = reinterpret_cast<ScenesModuleFunction>(dlsym(handle, kScenesModuleSymbol));
  const ScenesModule* module = function == nullptr ? nullptr : function();
  if (module == nullptr || module->version == nullptr || module->build_id == nullptr) {
    dlclose(handle);
    throw ResourceError("{}: {} is not a module of semfield (no {}). {}", why, path.string(),
                        kScenesModuleSymbol, kAdvice);
  }
  const std::string version = module->version, build_id = module->build_id;
  if (version == Version() && build_id == BuildId()) return *module;
  dlclose(handle);
  throw ResourceError("{}: {} is of semfield {} (build {}), expected {} (build {}). {}", why, path.string(),
                      version, build_id, Version(), BuildId(), kAdvice);
}

}  // namespace

std::vector<fs::path> ScenesModulePaths() {
  if (const char* path = std::getenv("SEMFIELD_SCENES"); path != nullptr && *path != 0) return {path};
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const fs::path folder = program.parent_path();
  return {folder.parent_path() / "lib" / "semfield" / kScenesModuleFile, folder / kScenesModuleFile};
}

std::vector<std::shared_ptr<const Method>> LoadScenesModule(const std::string& why) {
  std::vector<std::string> tried;
  std::error_code error;
  for (const fs::path& path : ScenesModulePaths()) {
    tried.push_back(path.string());
    if (!fs::exists(path, error)) continue;
    const ScenesModule& module = Checked(path, why);
    std::vector<std::shared_ptr<const Method>> methods;
    module.add_methods({.num_threads = NumThreads(), .log = &LogForModule}, &methods);
    return methods;
  }
  throw ResourceError("{}: needs the module {}, which is not installed (looked at {}). {}", why,
                      kScenesModuleFile, fmt::join(tried, ", "), kAdvice);
}

}  // namespace semfield
