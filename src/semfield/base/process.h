#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "semfield/base/job_control.h"

namespace semfield {

// Where PATH finds a program that may be run, or an empty path.
std::filesystem::path FindProgram(const std::string& name);

// Bytes of a stream, in pieces as they come.
using OutputCallback = std::function<void(std::string_view)>;

struct ProcessOptions {
  std::vector<std::string> words;  // the program, looked for in PATH, and its arguments: no shell reads them
  std::map<std::string, std::string> environment = {};  // put into the child's, over what is there
  std::filesystem::path directory = {};                 // to run in; empty: this process's
  OutputCallback on_output = {};                        // standard output; empty: thrown away
  OutputCallback on_error = {};                         // standard error; empty: thrown away
  const StopToken* stop = nullptr;
};

struct ProcessResult {
  bool started = false;  // false: the program is not there or may not be run; `reason` says which
  int exit_code = -1;    // -1 when it did not start or died of a signal
  int signal = 0;
  std::string reason;
  bool Succeeded() const { return started && exit_code == 0; }
  // "ended with code 2", "was killed by signal 9 (Killed)", "No such file or directory"
  std::string Describe() const;
};

// Runs a program to its end. Its standard input is empty; callbacks are called on this thread. When a stop is
// asked for or a callback throws, the program is told to end, killed after five seconds, and waited for; then
// InterruptedError() or the callback's exception leaves. The program shares this process's group, so that
// Ctrl-C on a terminal reaches both. No pipe or process to be had: ResourceError.
ProcessResult RunProcess(const ProcessOptions& options);

// Cuts a stream into lines: '\n' and '\r' (which programs use to rewrite a progress line) both end one; empty
// lines are left out and endless ones cut.
class LineSplitter {
 public:
  explicit LineSplitter(OutputCallback on_line) : on_line_(std::move(on_line)) {}
  void Add(std::string_view bytes);
  void Finish();  // the last line, if no line break ended it

 private:
  OutputCallback on_line_;
  std::string line_;
};

}  // namespace semfield
