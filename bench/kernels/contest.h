#pragma once

#include <functional>
#include <string>
#include <vector>

namespace semfield::bench {

// One line of the answer: what we need for a piece of work, what the twin needs, and what the machine needs
// at least.
struct Line {
  std::string op;
  std::string work;
  double ours = 0;       // seconds, the best of all rounds
  double twin = 0;       // 0: there is no twin
  double ask_ratio = 0;  // twin / ours that is asked for; 0: none
  std::string limit_name;
  double limit = 0;       // seconds; 0: none
  double ask_limit = 0;   // ours / limit that is asked for, at most
  double difference = 0;  // between the two results, or ours and the reference
};

struct Contest {
  std::function<void()> ours;
  std::vector<std::function<void()>> twins = {};  // ways to do the same; the fastest counts
  std::function<void()> before_ours = {};         // not timed
  std::function<void()> before_twin = {};
};
struct Times {
  double ours = 0, twin = 0;
  int which = 0;  // the twin that was fastest
};
// Ours and the fastest twin in turn for about `seconds`; the best of each. The pool of one rests while the
// other works.
Times Race(const Contest& contest, double seconds);

class Table {
 public:
  explicit Table(double seconds, std::string filter) : seconds_(seconds), filter_(std::move(filter)) {}
  double seconds() const { return seconds_; }
  bool Wants(const std::string& op) const { return op.find(filter_) != std::string::npos; }
  // Prints the line; a difference that is not below `tolerance` (or not a number) counts as a failure.
  void Add(const Line& line, double tolerance);
  static void PrintHead();
  int failures() const { return failures_; }
  const std::vector<Line>& lines() const { return lines_; }

 private:
  double seconds_;
  std::string filter_;
  std::vector<Line> lines_;
  int failures_ = 0;
};

void MlpKernels(Table& table);
void GridKernels(Table& table);
void FeatureGridKernels(Table& table);
void CompositingKernels(Table& table);
void MarchingKernels(Table& table);
void HarmonicsKernels(Table& table);
void AdamKernels(Table& table);

}  // namespace semfield::bench
