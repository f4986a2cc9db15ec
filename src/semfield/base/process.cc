#include "semfield/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "semfield/base/error.h"

extern char** environ;

namespace semfield {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kPollMilliseconds = 50;
constexpr auto kGrace = std::chrono::seconds(5);  // between "end" and the kill
constexpr size_t kLongestLine = 64 << 10;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { Close(); }
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&&) = delete;
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

struct Pipe {
  Descriptor read, write;
};

Pipe MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw ResourceError("no pipe to be had: {}", std::strerror(errno));
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// The child; killed and waited for unless it ended by itself.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    const Clock::time_point deadline = Clock::now() + kGrace;
    int status;
    while (!TryWait(&status)) {
      if (Clock::now() > deadline) ::kill(pid_, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool TryWait(int* status) {
    const pid_t got = ::waitpid(pid_, status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR)) return false;
    if (got < 0) *status = 0;  // someone else took the status: the child is gone all the same
    pid_ = -1;
    return true;
  }

 private:
  pid_t pid_;
};

std::vector<std::string> EnvironmentWith(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (changes.count(std::string(text.substr(0, text.find('=')))) == 0) all.emplace_back(text);
  }
  for (const auto& [name, value] : changes) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// 0 or what errno would say.
int Spawn(const ProcessOptions& options, const Pipe& out, const Pipe& err, pid_t* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), STDERR_FILENO);
  if (!options.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
  // A child that writes to a reader that died must die too, whatever this process does with the signal.
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const std::vector<std::string> environment = EnvironmentWith(options.environment);
  const int code = ::posix_spawnp(pid, options.words[0].c_str(), &actions, &attributes,
                                  Pointers(options.words).data(), Pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

// One read of what is there; closes the stream at its end.
void Drain(Descriptor* stream, const OutputCallback& callback) {
  std::array<char, 65536> bytes;
  const ssize_t got = ::read(stream->get(), bytes.data(), bytes.size());
  if (got > 0) {
    if (callback) callback({bytes.data(), static_cast<size_t>(got)});
  } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
    stream->Close();
  }
}

}  // namespace

fs::path FindProgram(const std::string& name) {
  const char* variable = std::getenv("PATH");
  const std::string path = variable == nullptr ? "/usr/local/bin:/usr/bin:/bin" : variable;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const fs::path candidate = fs::path(end > begin ? path.substr(begin, end - begin) : ".") / name;
    std::error_code error;
    if (fs::is_regular_file(candidate, error) && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return {};
}

std::string ProcessResult::Describe() const {
  if (!started) return reason;
  if (signal != 0) return fmt::format("was killed by signal {} ({})", signal, ::strsignal(signal));
  return fmt::format("ended with code {}", exit_code);
}

ProcessResult RunProcess(const ProcessOptions& options) {
  Pipe out = MakePipe(), err = MakePipe();
  ProcessResult result;
  pid_t pid = -1;
  if (const int code = Spawn(options, out, err, &pid); code != 0) {
    if (code == EAGAIN || code == ENOMEM) {
      throw ResourceError("{}: cannot be started: {}", options.words[0], std::strerror(code));
    }
    result.reason = std::strerror(code);
    return result;
  }
  result.started = true;
  Child child(pid);
  out.write.Close();
  err.write.Close();
  const auto check_stop = [&] {
    if (options.stop != nullptr) options.stop->ThrowIfStopped();
  };
  while (out.read.get() >= 0 || err.read.get() >= 0) {
    check_stop();
    std::array<pollfd, 2> polled = {pollfd{out.read.get(), POLLIN, 0}, pollfd{err.read.get(), POLLIN, 0}};
    if (::poll(polled.data(), polled.size(), kPollMilliseconds) <= 0) continue;
    if (polled[0].revents != 0) Drain(&out.read, options.on_output);
    if (polled[1].revents != 0) Drain(&err.read, options.on_error);
  }
  int status = 0;
  while (!child.TryWait(&status)) {
    check_stop();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  check_stop();  // a child that Ctrl-C ended has not failed
  return result;
}

void LineSplitter::Add(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n' || c == '\r' || line_.size() == kLongestLine) Finish();
    if (c != '\n' && c != '\r') line_ += c;
  }
}

void LineSplitter::Finish() {
  if (!line_.empty()) on_line_(line_);
  line_.clear();
}

}  // namespace semfield
