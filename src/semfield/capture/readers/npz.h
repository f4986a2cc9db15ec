#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "semfield/capture/readers/npy.h"

namespace semfield {

// Reads an npz file: a zip of npy files, stored or deflated, by name without ".npy". Encrypted, split or
// damaged, of more than 256 entries or over 256 MiB: Error naming the file.
std::map<std::string, NpyMatrix> ReadNpz(const std::filesystem::path& path);

}  // namespace semfield
