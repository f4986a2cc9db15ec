#include <malloc.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "command_line.h"
#include "progress_bar.h"
#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/memory.h"
#include "semfield/base/parallel.h"
#include "semfield/base/text.h"
#include "terminal.h"

namespace {

using namespace semfield;
using namespace semfield::cli;

enum ExitCode { kDone = 0, kBelow = 1, kWrongInput = 2, kOutOfResource = 3, kBug = 70, kInterrupted = 130 };

StopToken stop_token;

void AskToStop(int) {
  stop_token.RequestStop();
}

// The first signal asks the job to stop where it can be resumed; the second one kills as usual.
void CatchSignals() {
  struct sigaction action {};
  action.sa_handler = AskToStop;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int ExitCodeOf(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInput:
      return kWrongInput;
    case ErrorKind::kResource:
      return kOutOfResource;
    case ErrorKind::kInterrupted:
      return kInterrupted;
  }
  return kBug;
}

// While it lives, log lines and the progress line share the terminal in order.
class LogAboveProgress {
 public:
  explicit LogAboveProgress(ProgressBar& bar) {
    SetLogSink(
        [&bar](LogLevel level, const std::string& message) { bar.WriteLine(LogPrefix(level) + message); });
  }
  ~LogAboveProgress() { SetLogSink({}); }
  LogAboveProgress(const LogAboveProgress&) = delete;
  LogAboveProgress& operator=(const LogAboveProgress&) = delete;
};

void PrintAnswer(const Answer& answer, const std::string& json_path) {
  if (json_path == "-") {
    std::cout << DumpJson(answer.json, 2) << '\n';
  } else {
    for (const std::string& line : answer.text) std::cout << TerminalText(line) << '\n';
    if (!json_path.empty()) WriteJsonFile(json_path, answer.json);
  }
  std::cout.flush();
  if (!std::cout) throw ResourceError("standard output: {}", std::strerror(errno));
}

int RunRequest(Request& request) {
  const CommonOptions& common = request.common;
  SetLogLevel(common.verbose ? LogLevel::kDebug : common.quiet ? LogLevel::kWarning : LogLevel::kInfo);
  if (common.threads > 0) SetNumThreads(common.threads);

  ProgressBar bar(stderr, IsTerminal(stderr));
  const LogAboveProgress log(bar);
  JobControl control;
  control.stop = &stop_token;
  if (!common.quiet) control.progress = [&bar](const Progress& progress) { bar.Report(progress); };
  CatchSignals();
  const Answer answer = request.invocation->Run(control);
  bar.Finish();
  LogDebug("peak memory {}", BytesText(static_cast<double>(PeakMemory())));
  PrintAnswer(answer, common.json);
  return answer.exit_code;
}

int Main(const std::vector<std::string>& arguments, std::string* verb_name) {
  Request request = ParseCommandLine(arguments, verb_name);
  if (request.verb == nullptr) {
    std::cout << request.text;
    return kDone;
  }
  return RunRequest(request);
}

}  // namespace

int main(int argc, char** argv) {
  // Photos come in one thread and go in another. With a heap for each thread, as malloc has it, the memory of
  // those that went cannot hold those that come, and a training's peak grows by a third.
  mallopt(M_ARENA_MAX, 1);
  std::string verb_name;
  const auto fail = [&verb_name](const std::string& message, int exit_code) {
    std::cout.flush();
    std::fprintf(stderr, "semfield%s%s: %s\n", verb_name.empty() ? "" : " ", verb_name.c_str(),
                 TerminalText(message).c_str());
    return exit_code;
  };
  try {
    return Main({argv + 1, argv + argc}, &verb_name);
  } catch (const Error& error) {
    return fail(error.what(), ExitCodeOf(error.kind()));
  } catch (const std::bad_alloc&) {
    return fail("out of memory; --threads 1 or smaller images need less", kOutOfResource);
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(error.what(), kOutOfResource);
  } catch (const std::exception& error) {
    return fail(std::string("this is a bug in semfield; please report it with the command: ") + error.what(),
                kBug);
  }
}
