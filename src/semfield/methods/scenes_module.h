#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "semfield/methods/method.h"

// Methods that are trained over many scenes need LibTorch, which the main command never links. They live in a
// module that is opened at run time, libsemfield_scenes.so, as ONNX Runtime is. It is C++ on both sides, so
// it must be of the very build that opens it: version and build id are compared before anything else is read.

namespace semfield {

inline constexpr const char* kScenesModuleFile = "libsemfield_scenes.so";

// What the module is told by the program that opens it.
struct ScenesHost {
  int num_threads = 1;
  void (*log)(int level, const char* message) = nullptr;  // as base/log.h's sink; from any thread
};

// What the module tells. Plain C up to `add_methods`, so that it can be read before it is trusted.
struct ScenesModule {
  const char* version;   // Version() of the build
  const char* build_id;  // BuildId() of the build
  void (*add_methods)(const ScenesHost& host, std::vector<std::shared_ptr<const Method>>* methods);
};
// The name of the function that a module exports, and its type.
inline constexpr const char* kScenesModuleSymbol = "SemfieldScenesModule";
using ScenesModuleFunction = const ScenesModule* (*)();

// Where the module is looked for: $SEMFIELD_SCENES (a file, and then nothing else), <folder of the
// program>/../lib/semfield, the folder of the program.
std::vector<std::filesystem::path> ScenesModulePaths();

// Opens the module and returns its methods. Not there, not a module, or of another build: ResourceError that
// says what was looked at, got and expected, and what to do. Never unloaded. `why` begins the message, e.g.
// "method 'gnesf'".
std::vector<std::shared_ptr<const Method>> LoadScenesModule(const std::string& why);

}  // namespace semfield
