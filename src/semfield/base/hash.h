#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace semfield {

// Lower-case hex SHA-256, for identity across machines (model files, captures).
std::string Sha256(std::span<const std::byte> bytes);
std::string Sha256File(const std::filesystem::path& path);  // missing or unreadable: Error naming it

// XXH3 64 bit, for checksums against damage (checkpoints) and cache keys.
uint64_t FastHash(std::span<const std::byte> bytes, uint64_t seed = 0);
uint64_t FastHash(std::string_view text, uint64_t seed = 0);

}  // namespace semfield
