// The kernels beside a LibTorch twin and beside the machine's own limits, in one process:
//   bench_kernels [--seconds S] [--threads N] [OP]
// S seconds a line (default 1.5), OP: only ops whose name contains it. Every line first compares the results;
// exit code 1 if any differ.
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "bench/kernels/contest.h"
#include "bench/limits.h"
#include "bench/twin/configure.h"
#include "semfield/base/parallel.h"
#include "semfield/ops/simd_target.h"

int main(int argc, char** argv) {
  using namespace semfield;
  twin::ChooseOpenBlasKernels(argv);
  double seconds = 1.5;
  int threads = 2;
  std::string filter;
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--seconds") == 0 && has_value) {
      seconds = std::atof(argv[++i]);
    } else if (std::strcmp(argv[i], "--threads") == 0 && has_value) {
      threads = std::atoi(argv[++i]);
    } else if (argv[i][0] != '-') {
      filter = argv[i];
    } else {
      fmt::print(stderr, "{}: unknown option; known: --seconds S, --threads N, OP\n", argv[i]);
      return 2;
    }
  }
  SetNumThreads(threads);
  const std::string twin = twin::Configure(threads);
  fmt::print("kernels: {}, {} threads; twin: {}\n", ops::ActiveTarget(), NumThreads(), twin);
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
  return table.failures() == 0 ? 0 : 1;
}
