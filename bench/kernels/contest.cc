#include "bench/kernels/contest.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

#include "semfield/base/stopwatch.h"

namespace semfield::bench {
namespace {

// libgomp's threads spin for some milliseconds after their last work.
void LetPoolsRest() {
  std::this_thread::sleep_for(std::chrono::milliseconds(25));
}

double Once(const std::function<void()>& work, const std::function<void()>& before) {
  if (before) before();
  const Stopwatch stopwatch;
  work();
  return stopwatch.Seconds();
}

double Best(const std::function<void()>& work, const std::function<void()>& before, double seconds) {
  double best = 1e9;
  const Stopwatch stopwatch;
  do {
    best = std::min(best, Once(work, before));
  } while (stopwatch.Seconds() < seconds);
  return best;
}

}  // namespace

Times Race(const Contest& contest, double seconds) {
  constexpr int kRounds = 6;
  Times times{1e9, contest.twins.empty() ? 0 : 1e9, 0};
  for (size_t k = 0; k < contest.twins.size(); ++k) {
    Once(contest.twins[k], contest.before_twin);
    const double time = Best(contest.twins[k], contest.before_twin, seconds / 10);
    if (time < times.twin) times.twin = time, times.which = static_cast<int>(k);
  }
  Once(contest.ours, contest.before_ours);
  for (int round = 0; round < kRounds; ++round) {
    LetPoolsRest();
    times.ours = std::min(times.ours, Best(contest.ours, contest.before_ours, seconds / (2 * kRounds)));
    if (contest.twins.empty()) continue;
    LetPoolsRest();
    times.twin =
        std::min(times.twin, Best(contest.twins[times.which], contest.before_twin, seconds / (2 * kRounds)));
  }
  LetPoolsRest();
  return times;
}

void Table::PrintHead() {
  fmt::print("{:<22}{:<34}{:>9}{:>9}{:>7}{:>7}  {:<16}{:>9}{:>7}{:>7}{:>10}\n", "op", "work", "ours/ms",
             "twin/ms", "ratio", "asked", "limit", "limit/ms", "x", "asked", "differs");
  std::fflush(stdout);
}

void Table::Add(const Line& line, double tolerance) {
  lines_.push_back(line);
  const auto number = [](double value, const char* format) {
    return value > 0 ? fmt::format(fmt::runtime(format), value) : std::string("-");
  };
  fmt::print("{:<22}{:<34}{:>9.3f}{:>9}{:>7}{:>7}  {:<16}{:>9}{:>7}{:>7}{:>10.1e}\n", line.op, line.work,
             1e3 * line.ours, number(1e3 * line.twin, "{:.2f}"), number(line.twin / line.ours, "{:.1f}"),
             number(line.ask_ratio, "{:.1f}"), line.limit_name, number(1e3 * line.limit, "{:.3f}"),
             number(line.limit > 0 ? line.ours / line.limit : 0, "{:.2f}"), number(line.ask_limit, "{:.2f}"),
             line.difference);
  if (!(line.difference < tolerance)) {
    fmt::print("  FAILED: the results differ by {:.2e}, allowed {:.0e}\n", line.difference, tolerance);
    ++failures_;
  }
  std::fflush(stdout);
}

}  // namespace semfield::bench
