#pragma once

#include <string>
#include <vector>

#include "semfield/base/json.h"
#include "semfield/base/stopwatch.h"

namespace semfield::bench {

// What a benchmark program found out: times of ours beside times of something else that ran in the same
// process. Only their ratio is worth keeping: bench_compare reads it.
class Results {
 public:
  explicit Results(std::string program);

  // Prints one line. reference: what the time is compared with (libtorch, ops, encoder, decoder).
  void Add(const std::string& name, double ours_ms, const std::string& reference, double reference_ms);
  // The same without printing.
  void Keep(const std::string& name, double ours_ms, const std::string& reference, double reference_ms);
  // A number that is no time against another: printed and kept.
  void Note(const std::string& name, double value, const std::string& unit);
  // Writes everything as JSON; does nothing for an empty path.
  void Write(const std::string& path) const;

 private:
  Json json_;
};

// Calls body(task) `repeats` times and returns the median time in milliseconds; one call before is not
// counted.
template <class Body>
double MedianMilliseconds(int repeats, const Body& body);

double Median(std::vector<double> values);

template <class Body>
double MedianMilliseconds(int repeats, const Body& body) {
  body();
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const Stopwatch stopwatch;
    body();
    times.push_back(stopwatch.Milliseconds());
  }
  return Median(std::move(times));
}

}  // namespace semfield::bench
