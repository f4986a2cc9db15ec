#include <dlfcn.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <vector>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/perception/model_folders.h"
#include "semfield/perception/ort.h"
#include "semfield/perception/ort_api.h"

namespace semfield {
namespace fs = std::filesystem;

namespace {

// The lowest version of the table that has every slot below; it came with ONNX Runtime 1.14.
constexpr uint32_t kApiVersion = 14;
constexpr int kLogFatalOnly = 4;  // errors come back as statuses; nothing is to be printed beside them

constexpr const char* kLibraryName = "libonnxruntime.so.1";
#if defined(__aarch64__)
constexpr const char* kNpmPlatform = "linux/arm64";
#else
constexpr const char* kNpmPlatform = "linux/x64";
#endif

struct OrtApiBase {
  const void* (*get_api)(uint32_t version);
  const char* (*get_version)();
};

template <class Function>
void Bind(Function& function, void* const* table, int slot) {
  static_assert(sizeof(Function) == sizeof(void*));
  function = reinterpret_cast<Function>(table[slot]);
}

// node_modules/onnxruntime-node/bin/napi-v<N>/<platform>/, the highest N first.
std::vector<fs::path> NpmLibraries() {
  std::vector<fs::path> found;
  for (const fs::path& modules : NodeModulesFolders()) {
    std::map<int, fs::path, std::greater<int>> by_version;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(modules / "onnxruntime-node" / "bin", error)) {
      int version = 0;
      const std::string name = entry.path().filename().string();
      if (std::sscanf(name.c_str(), "napi-v%5d", &version) != 1) continue;
      const fs::path library = entry.path() / kNpmPlatform / kLibraryName;
      if (fs::exists(library, error)) by_version.emplace(version, library);
    }
    for (const auto& [version, library] : by_version) found.push_back(library);
  }
  return found;
}

// The library matches this process's command line against an expression by recursion, some 256 bytes of stack
// a character: a line of 32 KiB ends in a crash.
constexpr size_t kLongestCommandLine = 16 << 10;

void CheckCommandLine() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<char> line(kLongestCommandLine + 1);
  file.read(line.data(), static_cast<std::streamsize>(line.size()));
  if (static_cast<size_t>(file.gcount()) <= kLongestCommandLine) return;
  throw InputError(
      "the command line is longer than the {} KiB that ONNX Runtime can work with; give long lists in a JSON "
      "file with --options FILE",
      kLongestCommandLine >> 10);
}

constexpr const char* kAdvice =
    "Run `npm ci --ignore-scripts --legacy-peer-deps` in the folder that holds semfield's package.json (or "
    "set "
    "SEMFIELD_NPM to a folder with node_modules/onnxruntime-node), install ONNX Runtime 1.14 or newer, or "
    "give its "
    "path with --onnxruntime.";

}  // namespace

InferenceRuntime::Api::Api(void* const* table) {
  Bind(get_error_message, table, 2);
  Bind(create_env, table, 3);
  Bind(create_session, table, 7);
  Bind(create_session_from_array, table, 8);
  Bind(run, table, 9);
  Bind(create_session_options, table, 10);
  Bind(set_execution_mode, table, 13);
  Bind(disable_mem_pattern, table, 17);
  Bind(set_optimization_level, table, 23);
  Bind(set_intra_op_threads, table, 24);
  Bind(set_inter_op_threads, table, 25);
  Bind(get_input_count, table, 30);
  Bind(get_output_count, table, 31);
  Bind(get_input_type, table, 33);
  Bind(get_output_type, table, 34);
  Bind(get_input_name, table, 36);
  Bind(get_output_name, table, 37);
  Bind(create_run_options, table, 39);
  Bind(set_terminate, table, 46);
  Bind(create_tensor, table, 49);
  Bind(get_tensor_data, table, 51);
  Bind(cast_type_to_tensor, table, 55);
  Bind(get_element_type, table, 60);
  Bind(get_rank, table, 61);
  Bind(get_shape, table, 62);
  Bind(get_element_count, table, 64);
  Bind(get_tensor_info, table, 65);
  Bind(create_cpu_memory_info, table, 69);
  Bind(allocator_free, table, 76);
  Bind(get_allocator, table, 78);
  Bind(release_env, table, 92);
  Bind(release_status, table, 93);
  Bind(release_memory_info, table, 94);
  Bind(release_session, table, 95);
  Bind(release_value, table, 96);
  Bind(release_run_options, table, 97);
  Bind(release_type_info, table, 98);
  Bind(release_tensor_info, table, 99);
  Bind(release_session_options, table, 100);
  Bind(add_config_entry, table, 130);
}

std::string InferenceRuntime::Api::Take(OrtStatusPtr status) const {
  if (!status) return {};
  const char* text = get_error_message(status);
  std::string message = text && *text ? text : "unknown error";
  release_status(status);
  return message;
}

InferenceRuntime::~InferenceRuntime() {
  if (env_) api_->release_env(env_);
}

std::shared_ptr<InferenceRuntime> InferenceRuntime::TryOpen(const std::string& library,
                                                            std::string* problem) {
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    *problem = dlerror();
    return nullptr;
  }
  const auto get_base = reinterpret_cast<const OrtApiBase* (*)()>(dlsym(handle, "OrtGetApiBase"));
  const OrtApiBase* base = get_base ? get_base() : nullptr;
  if (!base) {
    *problem = library + " is not ONNX Runtime (no OrtGetApiBase)";
    dlclose(handle);
    return nullptr;
  }
  const char* version = base->get_version();
  unsigned major = 0, minor = 0;
  const bool readable = version && std::sscanf(version, "%u.%u", &major, &minor) == 2;
  // Asked only when the version promises it: an unknown one makes the library print to standard error.
  const bool promising = readable && (major > 1 || (major == 1 && minor >= kApiVersion));
  const void* table = promising ? base->get_api(kApiVersion) : nullptr;
  if (!table) {
    *problem = fmt::format("{} is ONNX Runtime {}, expected 1.{} or newer", library, version ? version : "?",
                           kApiVersion);
    dlclose(handle);
    return nullptr;
  }
  std::shared_ptr<InferenceRuntime> runtime(new InferenceRuntime);
  runtime->version_ = version;
  runtime->api_ = std::make_unique<Api>(static_cast<void* const*>(table));
  Dl_info info{};
  runtime->path_ =
      dladdr(reinterpret_cast<const void*>(get_base), &info) && info.dli_fname ? info.dli_fname : library;
  *problem = runtime->api_->Take(runtime->api_->create_env(kLogFatalOnly, "semfield", &runtime->env_));
  if (!problem->empty()) {
    *problem = fmt::format("{}: {}", library, *problem);
    return nullptr;
  }
  return runtime;
}

std::shared_ptr<InferenceRuntime> InferenceRuntime::Load(const std::string& explicit_path) {
  static std::mutex mutex;
  // Never destroyed: sessions held by other static objects may outlive any order we could choose.
  static auto& loaded = *new std::map<std::string, std::shared_ptr<InferenceRuntime>>;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto known = loaded.find(explicit_path);
  if (known != loaded.end()) return known->second;
  CheckCommandLine();

  std::vector<std::string> candidates;
  if (!explicit_path.empty()) {
    // A name without a slash would make the loader search the system instead of the current folder.
    candidates.push_back(fs::absolute(explicit_path).string());
  } else {
    candidates.push_back((ExecutableFolder() / ".." / "lib" / "semfield" / kLibraryName).string());
    candidates.emplace_back(kLibraryName);
    for (const fs::path& library : NpmLibraries()) candidates.push_back(library.string());
  }
  std::string problems;
  for (const std::string& candidate : candidates) {
    std::string problem;
    if (std::shared_ptr<InferenceRuntime> runtime = TryOpen(candidate, &problem)) {
      LogDebug("ONNX Runtime {} from {}", runtime->version(), runtime->path().string());
      loaded[explicit_path] = runtime;
      return runtime;
    }
    problems += "\n  " + problem;
  }
  throw ResourceError("ONNX Runtime was not found or cannot be used:{}\n{}", problems, kAdvice);
}

}  // namespace semfield
