#include "semfield/base/atomic_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <system_error>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/write_guard.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  // Network file systems report a full disk only here.
  bool Close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

bool IsResourceShortage(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EIO:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return true;
    default:
      return false;
  }
}

Error FileError(const char* verb, const fs::path& path, int code) {
  const std::string reason = std::generic_category().message(code);
  if (code == ENOSPC || code == EDQUOT || code == EFBIG) {
    return ResourceError("{}: cannot {}: {}; free some space or choose another folder", path.string(), verb,
                         reason);
  }
  if (IsResourceShortage(code)) return ResourceError("{}: cannot {}: {}", path.string(), verb, reason);
  return InputError("{}: cannot {}: {}", path.string(), verb, reason);
}

void WriteAll(int fd, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const size_t chunk = std::min(bytes.size(), size_t{1} << 30);
    const ssize_t written = ::write(fd, bytes.data(), chunk);
    if (written < 0) {
      if (errno == EINTR) continue;
      throw FileError("write", path, errno);
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

// Folders whose inside is written to through no link that leaves them.
struct Guarded {
  std::mutex mutex;
  std::vector<fs::path> folders;  // absolute
};

Guarded& TheGuarded() {
  static Guarded* guarded = new Guarded;
  return *guarded;
}

fs::path AbsolutePath(const fs::path& path) {
  std::error_code code;
  fs::path absolute = fs::absolute(path, code).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();
  return absolute;
}

bool LiesUnder(const fs::path& folder, const fs::path& path) {
  const fs::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

// A guarded folder that holds the path by its name; empty: none.
fs::path GuardedFolderOf(const fs::path& absolute) {
  Guarded& guarded = TheGuarded();
  const std::lock_guard<std::mutex> lock(guarded.mutex);
  for (const fs::path& folder : guarded.folders) {
    if (LiesUnder(folder, absolute) && absolute != folder) return folder;
  }
  return {};
}

// Pipes that the shell opened for this process: "--options <(...)", "--json /dev/stdout".
bool IsOwnDescriptor(const fs::path& path) {
  const std::string text = path.string();
  return text.rfind("/dev/fd/", 0) == 0 || text.rfind("/proc/self/fd/", 0) == 0 || text == "/dev/stdin";
}

using Pieces = std::span<const std::span<const std::byte>>;

// A temporary that vanishes unless it was renamed to its final name.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : target_(target), fd_(Open()) {}
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void Write(Pieces pieces) {
    for (const auto& piece : pieces) WriteAll(fd_.get(), piece, target_);
  }

  void Commit() {
    struct stat old;  // an overwritten file keeps its permissions; failing to is no reason to lose the data
    if (::stat(target_.c_str(), &old) == 0 && ::fchmod(fd_.get(), old.st_mode & 07777) != 0) errno = 0;
    if (::fsync(fd_.get()) != 0) throw FileError("write", target_, errno);
    if (!fd_.Close()) throw FileError("write", target_, errno);
    if (::rename(path_.c_str(), target_.c_str()) != 0) throw FileError("write", target_, errno);
    path_.clear();
  }

 private:
  int Open() {
    static std::atomic<unsigned> counter{0};
    const fs::path folder = target_.parent_path();
    for (int attempt = 0; attempt < 100; ++attempt) {
      path_ = folder / fmt::format(".semfield-{}-{}.tmp", ::getpid(), counter.fetch_add(1));
      const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd >= 0) return fd;
      if (errno != EEXIST) break;
    }
    const int code = errno;
    path_.clear();
    throw FileError("write", target_, code);
  }

  fs::path target_;
  fs::path path_;
  FileDescriptor fd_;
};

void SyncFolder(const fs::path& folder) {
  const FileDescriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a folder (EINVAL); the file itself is already safe.
  if (fd.ok() && ::fsync(fd.get()) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS) {
    throw FileError("write", folder, errno);
  }
}

void WritePieces(const fs::path& path, Pieces pieces) {
  std::error_code code;
  CheckWriteStaysInside(path);
  const fs::file_status status = fs::status(path, code);
  if (fs::is_directory(status)) throw InputError("{}: cannot write: it is a folder", path.string());
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    // A pipe or a device cannot be replaced by a rename: write into it.
    const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.ok()) throw FileError("write", path, errno);
    for (const auto& piece : pieces) WriteAll(fd.get(), piece, path);
    return;
  }
  // A symbolic link stays one: what it points to is replaced.
  fs::path target = path;
  if (fs::is_symlink(fs::symlink_status(path, code))) {
    target = fs::weakly_canonical(path, code);
    if (code) throw FileError("write", path, code.value());
  }
  if (target.filename().empty()) throw InputError("'{}': cannot write: not a file name", path.string());
  const fs::path folder = target.parent_path();
  if (!folder.empty()) {
    fs::create_directories(folder, code);
    if (code) throw FileError("make the folder", folder, code.value());
  }
  TemporaryFile temporary(target);
  temporary.Write(pieces);
  temporary.Commit();
  SyncFolder(folder);
}

template <class Container>
Container ReadWhole(const fs::path& path, size_t max_bytes) {
  // Without O_NONBLOCK a pipe that nobody writes into would be waited for, here, for ever.
  const bool own = IsOwnDescriptor(path);
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | (own ? 0 : O_NONBLOCK)));
  if (!fd.ok()) throw FileError("read", path, errno);
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) throw FileError("read", path, errno);
  if (S_ISDIR(status.st_mode)) throw InputError("{}: expected a file, got a folder", path.string());
  if (!S_ISREG(status.st_mode) && !own)
    throw InputError("{}: expected a file, got a pipe or a device", path.string());
  const auto too_large = [&] {
    return InputError("{}: larger than the {} bytes allowed here; is it the right file?", path.string(),
                      max_bytes);
  };
  const size_t stated = S_ISREG(status.st_mode) ? static_cast<size_t>(status.st_size) : 0;
  if (stated > max_bytes) throw too_large();
  Container content;
  try {
    content.resize(stated);
    size_t filled = 0;
    for (;;) {
      // One byte beyond what was stated finds the end, or that the file grew (or is a pipe).
      typename Container::value_type probe[4096];
      const bool full = filled == content.size();
      const ssize_t got = full ? ::read(fd.get(), probe, sizeof(probe))
                               : ::read(fd.get(), content.data() + filled,
                                        std::min(content.size() - filled, size_t{1} << 30));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw FileError("read", path, errno);
      if (got == 0) break;
      if (full) content.insert(content.end(), probe, probe + got);
      filled += static_cast<size_t>(got);
      if (filled > max_bytes) throw too_large();
    }
    content.resize(filled);
  } catch (const std::bad_alloc&) {
    throw ResourceError("{}: not enough memory to read its {} MiB", path.string(), stated >> 20);
  }
  return content;
}

std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

void WriteFileAtomically(const fs::path& path, std::span<const std::byte> bytes) {
  WritePieces(path, {&bytes, 1});
}

void WriteFileAtomically(const fs::path& path, std::string_view text) {
  WriteFileAtomically(path, BytesOf(text));
}

void WriteFileAtomically(const fs::path& path, const std::vector<std::span<const std::byte>>& pieces) {
  WritePieces(path, pieces);
}

std::vector<std::byte> ReadFile(const fs::path& path, size_t max_bytes) {
  return ReadWhole<std::vector<std::byte>>(path, max_bytes);
}

std::string ReadTextFile(const fs::path& path, size_t max_bytes) {
  return ReadWhole<std::string>(path, max_bytes);
}

void KeepWritesInside(const fs::path& folder) {
  Guarded& guarded = TheGuarded();
  const fs::path absolute = AbsolutePath(folder);
  const std::lock_guard<std::mutex> lock(guarded.mutex);
  if (std::find(guarded.folders.begin(), guarded.folders.end(), absolute) == guarded.folders.end())
    guarded.folders.push_back(absolute);
}

void CheckWriteStaysInside(const fs::path& path) {
  const fs::path absolute = AbsolutePath(path), folder = GuardedFolderOf(absolute);
  if (folder.empty()) return;
  std::error_code code;
  const fs::path real_folder = fs::weakly_canonical(folder, code);
  const fs::path real = code ? fs::path() : fs::weakly_canonical(absolute, code);
  // A link to nothing is one that writing would follow all the same: "weakly" stops at it.
  const bool dangles = !code && fs::is_symlink(fs::symlink_status(real, code)) && !code;
  if (real.empty() || dangles || !LiesUnder(real_folder, real)) {
    throw InputError("{}: leads out of {} by a link; nothing is written there. Remove the link",
                     path.string(), folder.string());
  }
  const fs::file_status status = fs::status(real, code);
  if (fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status))
    throw InputError("{}: is a pipe or a device; nothing is written there. Remove it", path.string());
}

void AppendLine(const fs::path& path, std::string_view line) {
  std::error_code code;
  CheckWriteStaysInside(path);
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), code);
  if (code) throw FileError("make the folder", path.parent_path(), code.value());
  FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (!fd.ok()) throw FileError("append", path, errno);
  std::string text(line);
  text += '\n';  // one write call, so that lines of two writers do not mix
  WriteAll(fd.get(), BytesOf(text), path);
  if (!fd.Close()) throw FileError("append", path, errno);
}

void RemoveStaleTemporaries(const fs::path& folder) {
  std::error_code code;
  std::vector<fs::path> stale;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    int pid = 0;
    unsigned number = 0;
    int length = 0;
    const std::string name = entry->path().filename().string();
    if (std::sscanf(name.c_str(), ".semfield-%d-%u.tmp%n", &pid, &number, &length) != 2) continue;
    if (length != static_cast<int>(name.size()) || pid <= 0) continue;
    if (::kill(pid, 0) != 0 && errno == ESRCH) stale.push_back(entry->path());
  }
  for (const fs::path& path : stale) fs::remove(path, code);
}

}  // namespace semfield
