#pragma once

#include <string>
#include <vector>

#include "semfield/base/json.h"

namespace semfield::bench {

enum class Verdict { kSame, kBetter, kWorse, kMissing, kNew };

// One benchmark in two results of a program (results.h). ratio: time of the reference over ours, both of one
// run.
struct ComparedLine {
  std::string name;
  double before = 0, after = 0;  // ratios; 0: not there
  Verdict verdict = Verdict::kSame;
};

struct Comparison {
  std::vector<ComparedLine> lines;  // in the order of the names
  bool Regressed() const;           // something is worse, or is missing now
};

// noise in [0, 1): a ratio that falls by more than this share is worse. Absolute times count for nothing:
// another machine, or a busy one, changes both sides. Results of different programs, threads or instruction
// sets, and files that are no results: InputError naming the file and the key.
Comparison Compare(const Json& before, const std::string& before_file, const Json& after,
                   const std::string& after_file, double noise);

}  // namespace semfield::bench
