#pragma once

#include <signal.h>
#include <sys/resource.h>

#include <stdexcept>

namespace semfield {

// For tests: while it lives, no file of this process can grow beyond `bytes`: writes fail half-way as they do
// on a full disk.
class TestFileLimit {
 public:
  explicit TestFileLimit(rlim_t bytes) : old_handler_(::signal(SIGXFSZ, SIG_IGN)) {
    if (::getrlimit(RLIMIT_FSIZE, &old_) != 0) throw std::runtime_error("getrlimit failed");
    rlimit limited = old_;
    limited.rlim_cur = bytes;
    if (::setrlimit(RLIMIT_FSIZE, &limited) != 0) throw std::runtime_error("setrlimit failed");
  }
  ~TestFileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }
  TestFileLimit(const TestFileLimit&) = delete;
  TestFileLimit& operator=(const TestFileLimit&) = delete;

 private:
  void (*old_handler_)(int);
  rlimit old_{};
};

}  // namespace semfield
