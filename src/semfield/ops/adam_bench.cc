#include "semfield/ops/adam.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>

#include "bench/limits.h"
#include "semfield/base/buffer.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/ops/adam_reference.h"

// One thread. "share" is the time that memory needs for the bytes of a step, as a share of the step's own
// time.

namespace semfield::ops {
namespace {

constexpr size_t kBlock = 16;

struct State {
  Buffer<float> parameters, first, second, gradient;
  Buffer<Half> half;

  explicit State(size_t count)
      : parameters(count), first(count), second(count), gradient(count), half(count) {
    Random random(2);
    for (float& p : parameters) p = random.Uniform(-1, 1);
  }
  AdamArrays Arrays() {
    return {parameters.data(), first.data(), second.data(), gradient.data(), half.data()};
  }
};

// range(0): binary logarithm of the parameters; range(1): per cent of the blocks of 16 that have a gradient.
void BM_Adam(benchmark::State& state) {
  SetNumThreads(1);
  const size_t count = size_t{1} << state.range(0);
  Random random(1);
  Buffer<float> gradient(count);
  double active = 0;
  for (size_t block = 0; block < count; block += kBlock) {
    if (random.Uniform() * 100 >= static_cast<float>(state.range(1))) continue;
    active += kBlock;
    for (size_t i = block; i < block + kBlock; ++i) gradient[i] = random.Uniform(-1, 1);
  }
  const AdamOptions options{.step = 3, .sparse = true};
  State fast(count), truth(count);
  std::copy_n(gradient.data(), count, fast.gradient.data());
  std::copy_n(gradient.data(), count, truth.gradient.data());
  AdamStep(options, count, fast.Arrays());
  reference::AdamStep(options, count, truth.Arrays());
  for (size_t i = 0; i < count; ++i) {
    if (!(std::abs(fast.parameters[i] - truth.parameters[i]) < 1e-5f)) {
      return state.SkipWithError("differs from the reference");
    }
  }
  const double updated = active * (8 * sizeof(float) + sizeof(Half));
  const double read = (static_cast<double>(count) - active) * sizeof(float);
  const double limit = updated / bench::UpdateRate(count * 16) + read / bench::ReadRate(count * 4);
  for (auto _ : state) {
    state.PauseTiming();
    std::copy_n(gradient.data(), count, fast.gradient.data());
    state.ResumeTiming();
    AdamStep(options, count, fast.Arrays());
  }
  state.counters["per_parameter"] =
      benchmark::Counter(static_cast<double>(count),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["share"] = benchmark::Counter(limit, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_Adam)
    ->ArgsProduct({{14, 18, 22}, {100, 10, 1}})
    ->ArgNames({"log2", "percent"})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace semfield::ops
