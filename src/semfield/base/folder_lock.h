#pragma once

#include <filesystem>

namespace semfield {

// The right to write into a folder, held while it lives and given back by the kernel when the process ends,
// however it ends: a lock on the file ".lock" in it. A second holder gets an Error naming the process that
// holds it. Readers need none. On taking it, temporaries that killed writers left are removed.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  FolderLock& operator=(FolderLock&&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace semfield
