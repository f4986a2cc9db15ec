#pragma once

#include <cstdio>
#include <mutex>
#include <string>

#include "semfield/base/job_control.h"
#include "semfield/base/log.h"
#include "semfield/base/stopwatch.h"

namespace semfield::cli {

// One line about a report, without a line break: "train  42 %  1:05 left  PSNR 27.1 dB".
std::string ProgressLine(const Progress& progress);

// The same with a bar before it where the columns hold both: the numbers stay longest.
std::string TerminalProgressLine(const Progress& progress, size_t columns);

// "4 s", "1:05", "2:03:04".
std::string ShortDuration(double seconds);

// Shows what a job reports: on a terminal one line that is rewritten, elsewhere a line about every 10 seconds
// and one whenever a stage begins. Report may be called from any thread.
class ProgressBar {
 public:
  // The file is not owned; `is_terminal` decides the way of showing.
  ProgressBar(std::FILE* out, bool is_terminal) : out_(out), is_terminal_(is_terminal) {}
  ~ProgressBar() { Finish(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void Report(const Progress& progress);
  // Writes one line above the progress line, which is drawn again below it.
  void WriteLine(const std::string& line);
  // Leaves the terminal on a line of its own.
  void Finish();

 private:
  std::mutex mutex_;
  std::FILE* out_;
  bool is_terminal_;
  bool line_open_ = false;
  bool reported_ = false;
  std::string stage_;
  std::string shown_;  // the progress line as it stands on the terminal
  Stopwatch since_shown_;
};

}  // namespace semfield::cli
