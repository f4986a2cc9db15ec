#include "semfield/training/checkpoint.h"

#include <cstring>
#include <limits>
#include <optional>
#include <system_error>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/version.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr const char* kKindKey = "kind";
constexpr const char* kFormatKey = "format";
constexpr const char* kVersionKey = "semfield_version";

std::string MetadataOr(const SafetensorsFile& file, const std::string& key, const std::string& otherwise) {
  const auto found = file.metadata().find(key);
  return found == file.metadata().end() ? otherwise : found->second;
}

// A whole file of another kind or version is no damage: going back to the previous one would only hide it.
void CheckWhatItIs(const SafetensorsFile& file, const std::string& kind) {
  const std::string got_format = MetadataOr(file, kFormatKey, "none");
  const std::string expected_format = std::to_string(kCheckpointFormat);
  if (got_format != expected_format) {
    throw InputError(
        "{}: written by semfield {} in checkpoint format {}; this is semfield {}, which reads format {}: use "
        "the "
        "version that wrote it, or train again into a new folder",
        file.path().string(), MetadataOr(file, kVersionKey, "of an unknown version"), got_format, Version(),
        expected_format);
  }
  const std::string got_kind = MetadataOr(file, kKindKey, "none");
  if (got_kind != kind) {
    throw InputError("{}: expected a checkpoint of kind '{}', got '{}'", file.path().string(), kind,
                     got_kind);
  }
}

// A field of numbers that are none renders and scores like any other, only wrongly.
void CheckNumbers(const SafetensorsFile& file) {
  constexpr uint32_t kExponent = 0x7f800000;  // all ones: infinite or not a number
  for (const TensorView& tensor : file.tensors()) {
    if (tensor.dtype != "F32") continue;
    const size_t count = tensor.data.size() / sizeof(uint32_t);
    for (size_t i = 0; i < count; ++i) {
      uint32_t bits;
      std::memcpy(&bits, tensor.data.data() + i * sizeof bits, sizeof bits);
      if ((bits & kExponent) != kExponent) continue;
      throw InputError("{}: damaged (tensor '{}': number {} of {} is not finite)", file.path().string(),
                       tensor.name, i, count);
    }
  }
}

SafetensorsFile ReadWhole(const fs::path& path) {
  SafetensorsFile file = SafetensorsFile::Read(path);
  CheckNumbers(file);
  return file;
}

// Reading costs less than a step or two, and a damaged file must not push out the last good one.
bool IsIntact(const fs::path& path) {
  try {
    ReadWhole(path);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// A second name for the present file, put in place by a rename: at no moment is there no good file.
void KeepAsPrevious(const fs::path& path) {
  if (!IsIntact(path)) return;
  const fs::path previous = PreviousCheckpoint(path);
  const fs::path link = previous.string() + ".link";
  std::error_code code;
  fs::remove(link, code);
  fs::create_hard_link(path, link, code);
  if (!code) {
    fs::rename(link, previous, code);
    // Renaming one name of a file onto another name of it does nothing and leaves both.
    std::error_code ignored;
    fs::remove(link, ignored);
  } else {
    fs::rename(path, previous, code);  // no hard links here (exFAT): LoadCheckpoint knows this gap
  }
  if (code) LogWarning("{}: could not keep the previous checkpoint: {}", path.string(), code.message());
}

}  // namespace

fs::path PreviousCheckpoint(const fs::path& path) {
  return path.string() + ".previous";
}

void SaveCheckpoint(const fs::path& path, const std::string& kind, std::span<const TensorView> tensors,
                    TensorMetadata metadata) {
  metadata[kKindKey] = kind;
  metadata[kFormatKey] = std::to_string(kCheckpointFormat);
  metadata[kVersionKey] = Version();
  KeepAsPrevious(path);
  WriteSafetensors(path, tensors, metadata);
}

Checkpoint LoadCheckpoint(const fs::path& path, const std::string& kind) {
  std::optional<SafetensorsFile> file;
  bool from_previous = false;
  try {
    file = ReadWhole(path);
  } catch (const Error& error) {
    std::error_code code;
    if (!fs::exists(PreviousCheckpoint(path), code)) {
      throw Error(error.kind(),
                  fmt::format("{}; put a whole copy of the file there, or make it anew with --restart",
                              error.what()));
    }
    try {
      file = ReadWhole(PreviousCheckpoint(path));
    } catch (const Error& previous_error) {
      throw Error(error.kind(), fmt::format("{}; and the one before: {}; train again", error.what(),
                                            previous_error.what()));
    }
    from_previous = true;
    LogWarning("{}; going on with the checkpoint before it", error.what());
  }
  CheckWhatItIs(*file, kind);
  return {std::move(*file), from_previous};
}

Json CheckpointState(const SafetensorsFile& file, std::initializer_list<const char*> numbers) {
  constexpr double kLargest = 1e15;
  const std::string where = file.path().string();
  const Json state = ParseJson(file.Metadata("state"), where + ": state");
  const auto check = [&](const char* key, bool whole, double largest) {
    const auto found = state.is_object() ? state.find(key) : state.end();
    if (found != state.end() && (whole ? found->is_number_integer() : found->is_number())) {
      const double value = found->get<double>();
      if (value >= 0 && value <= largest) return;
    }
    throw InputError("{}: state.{}: expected a {}number from 0 to {}; train again", where, key,
                     whole ? "whole " : "", largest);
  };
  check("step", true, std::numeric_limits<int>::max());
  for (const char* key : numbers) check(key, false, kLargest);
  return state;
}

bool CheckpointExists(const fs::path& path) {
  std::error_code code;
  return fs::exists(path, code) || fs::exists(PreviousCheckpoint(path), code);
}

void DropPreviousCheckpoint(const fs::path& path) {
  std::error_code code;
  if (!fs::exists(PreviousCheckpoint(path), code) || !IsIntact(path)) return;
  fs::remove(PreviousCheckpoint(path), code);
  if (code) LogWarning("{}: cannot remove: {}", PreviousCheckpoint(path).string(), code.message());
}

void RemoveCheckpoint(const fs::path& path) {
  for (const fs::path& name : {PreviousCheckpoint(path), path}) {
    std::error_code code;
    fs::remove(name, code);
    if (code) throw InputError("{}: cannot remove: {}", name.string(), code.message());
  }
}

}  // namespace semfield
