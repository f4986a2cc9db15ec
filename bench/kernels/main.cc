// The kernels beside a LibTorch twin and beside the machine's own limits, in one process:
//   bench_kernels [--seconds S] [--threads N] [--json FILE] [OP]
// S seconds a line (default 1.5), OP: only ops whose name contains it. Every line first compares the results;
// exit code 1 if any differ. FILE is for bench_compare: each line beside its twin and beside its limit.
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "bench/end_to_end/results.h"
#include "bench/kernels/contest.h"
#include "bench/limits.h"
#include "bench/twin/configure.h"
#include "semfield/base/parallel.h"

int main(int argc, char** argv) {
  using namespace semfield;
  twin::ChooseOpenBlasKernels(argv);
  double seconds = 1.5;
  int threads = 2;
  std::string filter, json;
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--seconds") == 0 && has_value) {
      seconds = std::atof(argv[++i]);
    } else if (std::strcmp(argv[i], "--threads") == 0 && has_value) {
      threads = std::atoi(argv[++i]);
    } else if (std::strcmp(argv[i], "--json") == 0 && has_value) {
      json = argv[++i];
    } else if (argv[i][0] != '-') {
      filter = argv[i];
    } else {
      fmt::print(stderr, "{}: unknown option; known: --seconds S, --threads N, --json FILE, OP\n", argv[i]);
      return 2;
    }
  }
  SetNumThreads(threads);
  const std::string twin = twin::Configure(threads);
  bench::Results results("kernels");
  fmt::print("twin: {}\n", twin);
  fmt::print("multiply-add peak {:.0f} GFLOP/s, memory {:.1f} GB/s read, {:.1f} GB/s updated\n",
             1e-9 * bench::MultiplyAddRate(), 1e-9 * bench::ReadRate(256 << 20),
             1e-9 * bench::UpdateRate(256 << 20));
  bench::Table table(seconds, filter);
  bench::Table::PrintHead();
  bench::MlpKernels(table);
  bench::GridKernels(table);
  bench::FeatureGridKernels(table);
  bench::CompositingKernels(table);
  bench::MarchingKernels(table);
  bench::HarmonicsKernels(table);
  bench::AdamKernels(table);
  for (const bench::Line& line : table.lines()) {
    const std::string name = line.op + ", " + line.work;
    if (line.twin > 0) results.Keep(name, 1e3 * line.ours, "libtorch", 1e3 * line.twin);
    if (line.limit > 0) results.Keep(name, 1e3 * line.ours, line.limit_name, 1e3 * line.limit);
  }
  results.Write(json);
  return table.failures() == 0 ? 0 : 1;
}
