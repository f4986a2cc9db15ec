#pragma once

#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>

#include "semfield/base/json.h"
#include "semfield/training/safetensors.h"

namespace semfield {

// A checkpoint is a safetensors file whose metadata says what it is: "kind" (whose parameters: "radiance",
// "features"), "format" (kCheckpointFormat) and "semfield_version" (the program that wrote it).
constexpr int kCheckpointFormat = 1;

// Replaces `path` and keeps what was there as path + ".previous" (only if that was intact). Whenever the
// process or the machine stops, `path` or its previous is whole. A full disk leaves `path` as it was
// (ErrorKind::kResource).
void SaveCheckpoint(const std::filesystem::path& path, const std::string& kind,
                    std::span<const TensorView> tensors, TensorMetadata metadata);

struct Checkpoint {
  SafetensorsFile file;
  bool from_previous = false;  // `path` was missing or damaged, the one before was read
};

// Reads `path`, or with one warning its previous if `path` is missing, truncated or damaged. Of another kind
// or format, or neither readable: Error with what to do.
Checkpoint LoadCheckpoint(const std::filesystem::path& path, const std::string& kind);

// What training left in the checkpoint's metadata to go on with: an object with "step", a whole number, and
// the other `numbers`, all of them from 0 to 1e15. Anything else: Error naming file and key.
Json CheckpointState(const SafetensorsFile& file, std::initializer_list<const char*> numbers = {});

// Whether LoadCheckpoint would find a file to try.
bool CheckpointExists(const std::filesystem::path& path);

// Forgets the one before, if `path` itself reads back whole: for a training that is finished.
void DropPreviousCheckpoint(const std::filesystem::path& path);

// Forgets the checkpoint and its previous (training anew).
void RemoveCheckpoint(const std::filesystem::path& path);

std::filesystem::path PreviousCheckpoint(const std::filesystem::path& path);

}  // namespace semfield
