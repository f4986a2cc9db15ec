#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace semfield {

// Who can mend it decides the kind, and the kind decides the exit code of the command.
enum class ErrorKind {
  kInput,        // wrong use or wrong input: exit code 2
  kResource,     // out of memory, disk, or a library that is missing: exit code 3
  kInterrupted,  // Ctrl-C or a stop asked for by the caller: exit code 130
};

// The one exception for everything a user can mend. The message says what failed, where (file, frame, key),
// what was got versus expected, and what to do next. Bugs are not errors: see base/check.h.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// throw InputError("{}: frames[{}].transform_matrix: expected 4x4, got {}x{}", file, i, rows, cols);
template <class... Args>
Error InputError(fmt::format_string<Args...> format, Args&&... args) {
  return Error(ErrorKind::kInput, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
Error ResourceError(fmt::format_string<Args...> format, Args&&... args) {
  return Error(ErrorKind::kResource, fmt::format(format, std::forward<Args>(args)...));
}
inline Error InterruptedError() {
  return Error(ErrorKind::kInterrupted, "interrupted");
}

}  // namespace semfield
