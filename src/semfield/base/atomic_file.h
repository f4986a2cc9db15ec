#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace semfield {

// Writes to a temporary name in the same folder, fsyncs, renames over `path` and fsyncs the folder: readers
// see the old file or the whole new one, and a failure (disk full: ErrorKind::kResource) leaves the old one
// untouched and no temporary behind. Parent folders are made.
void WriteFileAtomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void WriteFileAtomically(const std::filesystem::path& path, std::string_view text);

// Several pieces written one after another to the same atomic file.
void WriteFileAtomically(const std::filesystem::path& path,
                         const std::vector<std::span<const std::byte>>& pieces);

// Whole file. Missing, unreadable or larger than max_bytes: Error naming it.
std::vector<std::byte> ReadFile(const std::filesystem::path& path, size_t max_bytes = size_t{4} << 30);
std::string ReadTextFile(const std::filesystem::path& path, size_t max_bytes = size_t{1} << 30);

// Appends one line and flushes it to the kernel (metrics logs).
void AppendLine(const std::filesystem::path& path, std::string_view line);

// Removes the temporaries that killed writers left directly inside `folder`; those of living processes stay.
void RemoveStaleTemporaries(const std::filesystem::path& folder);

}  // namespace semfield
