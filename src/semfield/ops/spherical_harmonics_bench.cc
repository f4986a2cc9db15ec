#include "semfield/ops/spherical_harmonics.h"

#include <benchmark/benchmark.h>

#include <cmath>

#include "bench/limits.h"
#include "semfield/base/buffer.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/ops/spherical_harmonics_reference.h"
#include "semfield/ops/tile.h"

// One thread. "share" is the time that memory needs for reading directions and writing values, as a share of
// the time.

namespace semfield::ops {
namespace {

void BM_SphericalHarmonics(benchmark::State& state) {
  SetNumThreads(1);
  const int tiles = static_cast<int>(state.range(0));
  constexpr int kOutputs = kNumSphericalHarmonics * kTileStride;
  Random random(1);
  Buffer<float> directions(static_cast<size_t>(3) * tiles * kTileColumns),
      out(static_cast<size_t>(tiles) * kOutputs), expected(kOutputs);
  float* const x = directions.data();
  float* const y = x + tiles * kTileColumns;
  float* const z = y + tiles * kTileColumns;
  for (int i = 0; i < tiles * kTileColumns; ++i) {
    x[i] = random.Uniform(-1, 1), y[i] = random.Uniform(-1, 1), z[i] = random.Uniform(-1, 1);
    const float norm = std::sqrt(x[i] * x[i] + y[i] * y[i] + z[i] * z[i]);
    x[i] /= norm, y[i] /= norm, z[i] /= norm;
  }
  const auto run = [&] {
    for (int t = 0; t < tiles; ++t) {
      const int i = t * kTileColumns;
      SphericalHarmonics(x + i, y + i, z + i, kTileColumns, out.data() + t * kOutputs, kTileStride);
    }
  };
  run();
  reference::SphericalHarmonics(x, y, z, kTileColumns, expected.data(), kTileStride);
  for (int i = 0; i < kOutputs; ++i) {
    if (!(std::abs(out[i] - expected[i]) < 1e-5f)) return state.SkipWithError("differs from the reference");
  }
  const double bytes = 4.0 * (3 + kNumSphericalHarmonics) * tiles * kTileColumns;
  const double limit = bytes / bench::UpdateRate(static_cast<size_t>(bytes));
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  state.counters["per_direction"] =
      benchmark::Counter(static_cast<double>(tiles) * kTileColumns,
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["share"] = benchmark::Counter(limit, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_SphericalHarmonics)->Arg(1)->Arg(128)->ArgNames({"tiles"});

}  // namespace
}  // namespace semfield::ops
