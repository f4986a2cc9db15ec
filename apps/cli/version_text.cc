#include <fmt/format.h>

#include "command_line.h"
#include "semfield/base/error.h"
#include "semfield/base/version.h"
#include "semfield/ops/simd_target.h"
#include "semfield/perception/ort.h"

namespace semfield::cli {
namespace {

std::string Compiler() {
#if defined(__clang__)
  return fmt::format("clang {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
  return fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

std::string Runtime() {
  try {
    const auto runtime = InferenceRuntime::Load();
    return fmt::format("ONNX Runtime {} at {}", runtime->version(), runtime->path().string());
  } catch (const Error&) {
    return "no ONNX Runtime found; all but imitate, segment and the teachers' checks work without";
  }
}

}  // namespace

std::string VersionText() {
  const std::string sanitizers = SEMFIELD_SANITIZERS;
  const std::string more = sanitizers.empty() ? "" : ", sanitizers " + sanitizers;
  return fmt::format(
      "semfield {}\n"
      "made by   {}, {}{}\n"
      "kernels   {} can run here; {} is used\n"
      "with      {}\n"
      "teachers  {}\n",
      Version(), Compiler(), SEMFIELD_BUILD_TYPE, more, fmt::join(ops::SupportedTargets(), ", "),
      ops::ActiveTarget(), SEMFIELD_LIBRARIES, Runtime());
}

}  // namespace semfield::cli
