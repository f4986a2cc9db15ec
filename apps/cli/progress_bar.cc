#include "progress_bar.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "semfield/base/text.h"
#include "terminal.h"

namespace semfield::cli {
namespace {

constexpr double kTerminalSeconds = 0.1;
constexpr double kLogSeconds = 10;
constexpr int kBarCells = 24;

std::string Bar(double fraction) {
  const int full = static_cast<int>(std::lround(fraction * kBarCells));
  std::string bar(kBarCells, '.');
  std::fill_n(bar.begin(), full, '#');
  return fmt::format("[{}]", bar);
}

double Fraction(const Progress& progress) {
  if (!(progress.total > 0)) return 0;
  return std::clamp(progress.done / progress.total, 0.0, 1.0);
}

// At most so many characters of UTF-8, and no half ones.
std::string FirstCharacters(const std::string& text, size_t count) {
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end) {
    if ((static_cast<unsigned char>(text[end]) & 0xc0) != 0x80 && ++seen > count) break;
  }
  return text.substr(0, end);
}

size_t NumCharacters(const std::string& text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string ShortDuration(double seconds) {
  const auto total = static_cast<int64_t>(std::lround(std::max(seconds, 0.0)));
  if (total < 60) return fmt::format("{} s", total);
  if (total < 3600) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60);
}

std::string ProgressLine(const Progress& progress) {
  std::string line = progress.stage;
  if (progress.total > 0) line += fmt::format("  {:3.0f} %", 100 * Fraction(progress));
  if (progress.seconds_left >= 0) line += "  " + ShortDuration(progress.seconds_left) + " left";
  if (!progress.detail.empty()) line += "  " + progress.detail;
  return TerminalText(line);
}

std::string TerminalProgressLine(const Progress& progress, size_t columns) {
  const size_t room = std::max<size_t>(columns, 2) - 1;  // in the last column some terminals break the line
  const std::string line = ProgressLine(progress);
  if (progress.total > 0) {
    const std::string with_bar = fmt::format("{} {}", Bar(Fraction(progress)), line);
    if (NumCharacters(with_bar) <= room) return with_bar;
  }
  return FirstCharacters(line, room);
}

void ProgressBar::Report(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  const bool new_stage = !reported_ || progress.stage != stage_;
  const bool complete = progress.total > 0 && progress.done >= progress.total;
  if (!new_stage && !(complete && is_terminal_) &&
      since_shown_.Seconds() < (is_terminal_ ? kTerminalSeconds : kLogSeconds)) {
    return;
  }
  if (new_stage && line_open_) std::fputc('\n', out_);
  reported_ = true;
  stage_ = progress.stage;
  since_shown_ = Stopwatch();
  if (!is_terminal_) {
    std::fprintf(out_, "%s\n", ProgressLine(progress).c_str());
  } else {
    std::string line = TerminalProgressLine(progress, TerminalColumns(out_, 80));
    std::fprintf(out_, "\r\033[K%s", line.c_str());
    shown_ = std::move(line);
    line_open_ = true;
  }
  std::fflush(out_);
}

void ProgressBar::WriteLine(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (line_open_) std::fputs("\r\033[K", out_);
  std::fprintf(out_, "%s\n", line.c_str());
  if (line_open_) std::fputs(shown_.c_str(), out_);
  std::fflush(out_);
}

void ProgressBar::Finish() {
  const std::lock_guard lock(mutex_);
  if (line_open_) std::fputc('\n', out_);
  line_open_ = false;
  std::fflush(out_);
}

}  // namespace semfield::cli
