#include "semfield/base/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

std::string HostName() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? name : "unknown";
}

// "123 on host", as the holder wrote it; the file may hold anything.
std::string HolderOf(int fd) {
  char text[300] = {};
  const ssize_t got = ::pread(fd, text, sizeof(text) - 1, 0);
  std::string holder(text, got > 0 ? static_cast<size_t>(got) : 0);
  std::replace_if(
      holder.begin(), holder.end(), [](unsigned char c) { return std::isprint(c) == 0; }, ' ');
  while (!holder.empty() && holder.back() == ' ') holder.pop_back();
  return holder.empty() ? "of unknown number" : holder;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder) {
  const fs::path path = folder / ".lock";
  const auto fail = [&](int code) {
    return InputError("{}: cannot lock the folder: {}", path.string(), std::generic_category().message(code));
  };
  // Never through a link: what it leads to would be emptied.
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  struct stat status;
  if (fd_ < 0 && errno == ELOOP) throw InputError("{}: is a link; remove it", path.string());
  if (fd_ < 0) throw fail(errno);
  if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd_);
    throw InputError("{}: is no regular file; remove it", path.string());
  }
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    if (code == EINTR) continue;
    if (code == ENOLCK || code == ENOTSUP) {
      LogWarning("{}: this file system has no locks; let only one semfield write here", folder.string());
      break;
    }
    const std::string holder = HolderOf(fd_);
    ::close(fd_);
    if (code != EWOULDBLOCK) throw fail(code);
    throw InputError("{}: in use by process {}; wait until it is done, or stop it", folder.string(), holder);
  }
  const std::string holder = fmt::format("{} on {}\n", ::getpid(), HostName());
  // Only words for the second writer's error: the lock holds without them.
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, holder.data(), holder.size(), 0) < 0) errno = 0;
  RemoveStaleTemporaries(folder);
}

// The file stays: removing it would let two writers lock two files of one name.
FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace semfield
