#include "semfield/training/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/version.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVersionKey = "semfield_version";

bool IsPlainName(const std::string& name) {
  return !name.empty() && name.size() <= 100 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

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

RunFolder RunFolder::Create(const fs::path& path) {
  if (path.empty()) throw InputError("the run folder has no name; give one with --out");
  std::error_code code;
  if (fs::exists(path, code) && !fs::is_directory(path, code)) {
    throw InputError("{}: a run needs a folder, this is a file; give another name", path.string());
  }
  const RunFolder run(path);
  if (fs::exists(run.config(), code)) return Open(path);
  fs::create_directories(path, code);
  if (code) throw InputError("{}: cannot make the run folder: {}", path.string(), code.message());
  // Two that start at once must not write over each other's first config.json.
  const RunLock lock(run);
  if (fs::exists(run.config(), code)) return Open(path);
  run.WriteConfig(Json::object());
  return run;
}

RunFolder RunFolder::Open(const fs::path& path) {
  const RunFolder run(path);
  std::error_code code;
  if (!fs::exists(path, code)) {
    throw InputError("{}: no such run folder; run \"semfield train CAPTURE --out {}\" first", path.string(),
                     path.string());
  }
  if (!fs::exists(run.config(), code)) {
    throw InputError(
        "{}: not a run folder (no config.json); run \"semfield train CAPTURE --out RUN\" first and "
        "name that RUN here",
        path.string());
  }
  run.ReadConfig();
  return run;
}

fs::path RunFolder::features_checkpoint(const std::string& teacher) const {
  if (!IsPlainName(teacher)) {
    throw InputError("teacher name '{}': expected letters, digits, '.', '_' and '-'", teacher);
  }
  return path_ / ("features-" + teacher + ".safetensors");
}

Json RunFolder::ReadConfig() const {
  Json config = ReadJsonFile(this->config());
  if (!config.is_object() || !config.contains(kVersionKey)) {
    throw InputError("{}: not the config.json of a semfield run (no \"{}\"); give another folder",
                     this->config().string(), kVersionKey);
  }
  return config;
}

void RunFolder::WriteConfig(const Json& config) const {
  Json whole = Json::object();
  whole[kVersionKey] = Version();
  whole.update(config);
  WriteJsonFile(this->config(), whole);
}

Json RunFolder::ReadConfigSection(const std::string& name) const {
  const Json config = ReadConfig();
  return config.contains(name) ? config[name] : Json();
}

void RunFolder::WriteConfigSection(const std::string& name, const Json& section) const {
  Json config = ReadConfig();
  config[name] = section;
  WriteConfig(config);
}

RunLock::RunLock(const RunFolder& run) {
  const fs::path path = run.path() / ".lock";
  const auto fail = [&](int code) {
    return InputError("{}: cannot lock the run folder: {}", path.string(),
                      std::generic_category().message(code));
  };
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) throw fail(errno);
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    if (code == EINTR) continue;
    if (code == ENOLCK || code == ENOTSUP) {
      LogWarning("{}: this file system has no locks; let only one semfield write here", run.path().string());
      break;
    }
    const std::string holder = HolderOf(fd_);
    ::close(fd_);
    if (code != EWOULDBLOCK) throw fail(code);
    throw InputError("{}: in use by process {}; wait until it is done, or stop it", run.path().string(),
                     holder);
  }
  const std::string holder = fmt::format("{} on {}\n", ::getpid(), HostName());
  // Only words for the second writer's error: the lock holds without them.
  if (::ftruncate(fd_, 0) != 0 || ::pwrite(fd_, holder.data(), holder.size(), 0) < 0) errno = 0;
  RemoveStaleTemporaries(run.path());
}

// The file stays: removing it would let two writers lock two files of one name.
RunLock::~RunLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace semfield
