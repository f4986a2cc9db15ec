#pragma once

#include <filesystem>

namespace semfield {

// From now on this process writes nothing below `folder` through a link that leads out of it, nor into a pipe
// or a device there: a run or a capture from elsewhere may hold both. Where it would: InputError naming the
// link. Of paths that begin with the folder as it was named here, or its absolute path. The writers of
// base/atomic_file.h see to it.
void KeepWritesInside(const std::filesystem::path& folder);
// The check itself, for what other programs are to write.
void CheckWriteStaysInside(const std::filesystem::path& path);

}  // namespace semfield
