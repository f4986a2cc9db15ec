#include "bench/end_to_end/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "semfield/base/atomic_file.h"
#include "semfield/base/parallel.h"
#include "semfield/base/version.h"
#include "semfield/ops/simd_target.h"

namespace semfield::bench {

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return n == 0 ? 0 : 0.5 * (values[n / 2] + values[(n - 1) / 2]);
}

Results::Results(std::string program) {
  json_ = {{"program", program},       {"semfield_version", Version()},
           {"threads", NumThreads()},  {"instructions", ops::ActiveTarget()},
           {"results", Json::array()}, {"notes", Json::object()}};
  fmt::print("{}: {} threads, {}\n", program, NumThreads(), ops::ActiveTarget());
}

void Results::Add(const std::string& name, double ours_ms, const std::string& reference,
                  double reference_ms) {
  fmt::print("{:<34} {:>10.2f} ms   {:<10} {:>10.2f} ms   {:>7.2f} x\n", name, ours_ms, reference,
             reference_ms, reference_ms / ours_ms);
  std::fflush(stdout);
  Keep(name, ours_ms, reference, reference_ms);
}

void Results::Keep(const std::string& name, double ours_ms, const std::string& reference,
                   double reference_ms) {
  json_["results"].push_back({{"name", name},
                              {"ours_ms", ours_ms},
                              {"reference", reference},
                              {"reference_ms", reference_ms},
                              {"ratio", reference_ms / ours_ms}});
}

void Results::Note(const std::string& name, double value, const std::string& unit) {
  fmt::print("{:<34} {:>10.4g} {}\n", name, value, unit);
  std::fflush(stdout);
  json_["notes"][name] = {{"value", value}, {"unit", unit}};
}

void Results::Write(const std::string& path) const {
  if (!path.empty()) WriteJsonFile(path, json_);
}

}  // namespace semfield::bench
