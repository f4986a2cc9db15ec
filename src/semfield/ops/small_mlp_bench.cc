// Speed of the small MLP, as GFLOP/s and as a share of the multiply-add peak of one core, measured next to
// it. Every case is compared with the reference before it is timed. Times are CPU times: other work on the
// machine does not count, though it may cost cache and clock rate.

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "bench/limits.h"
#include "semfield/base/buffer.h"
#include "semfield/base/parallel.h"
#include "semfield/ops/simd_target.h"
#include "semfield/ops/small_mlp.h"
#include "semfield/ops/small_mlp_reference.h"

namespace semfield::ops {
namespace {

double Seconds(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// One core's multiply-add rate for the active target, in flop/s.
double MeasurePeak() {
  return bench::MultiplyAddRate() / NumThreads();
}

constexpr int64_t kNumTiles = 128;  // of kTileColumns: 2^17 rows

struct Case {
  std::string name;
  MlpShape shape;
};

// One tile's arrays; every worker has its own, every tile its own input.
struct Workspace {
  MlpTape tape;
  Buffer<float> output, d_output, d_parameters, d_input;
};

struct Network {
  explicit Network(const MlpShape& s) : shape(s) {
    Random random(1);
    parameters.Resize(MlpNumParameters(shape));
    MlpInitialize(shape, random, parameters.data());
    inputs.Resize(static_cast<size_t>(kNumTiles) * shape.input * kTileStride);
    for (float& value : inputs) value = random.Uniform(-1, 1);
    workspaces.resize(NumThreads());
    for (Workspace& w : workspaces) {
      w.output.Resize(static_cast<size_t>(shape.output) * kTileStride);
      w.d_output.Resize(w.output.size());
      for (float& value : w.d_output) value = random.Uniform(-1, 1);
      w.d_parameters.Resize(parameters.size());
      w.d_input.Resize(static_cast<size_t>(shape.input) * kTileStride);
    }
  }
  void Forward(int64_t tile, int worker, bool keep_tape) {
    Workspace& w = workspaces[worker];
    MlpForward(shape, parameters.data(), Input(tile), w.output.data(), keep_tape ? &w.tape : nullptr);
  }
  void Backward(int64_t tile, int worker) {
    Workspace& w = workspaces[worker];
    MlpBackward(shape, parameters.data(), Input(tile), w.tape,
                {w.d_output.data(), w.d_parameters.data(), w.d_input.data()});
  }
  MlpInput Input(int64_t tile) const {
    return {inputs.data() + tile * shape.input * kTileStride, kTileStride, kTileColumns};
  }
  double FlopsPerColumn() const {
    double flops = 0;
    for (int l = 0; l <= shape.num_hidden; ++l) {
      flops +=
          2.0 * (l == 0 ? shape.input : shape.hidden) * (l == shape.num_hidden ? shape.output : shape.hidden);
    }
    return flops;
  }

  MlpShape shape;
  Buffer<float> parameters, inputs;
  std::vector<Workspace> workspaces;
};

double LargestDifference(const Buffer<float>& a, const Buffer<float>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - b[i]);
    if (!(difference <= largest)) largest = difference;  // also when it is not a number
  }
  return largest;
}

// One tile forward and backward against the reference; empty if they agree.
std::string Verify(Network& network) {
  Workspace& w = network.workspaces[0];
  Network truth(network.shape);
  Workspace& t = truth.workspaces[0];
  w.d_parameters.Fill(0);
  network.Forward(0, 0, true);
  network.Backward(0, 0);
  Buffer<float> activations(static_cast<size_t>(MlpTapeRows(network.shape)) * kTileStride);
  reference::MlpForward(truth.shape, truth.parameters.data(), truth.Input(0), t.output.data(),
                        activations.data());
  for (int r = 0; r < w.tape.num_rows(); ++r)
    std::copy_n(w.tape.Row<float>(r), kTileColumns, activations.data() + r * kTileStride);
  reference::MlpBackward(truth.shape, truth.parameters.data(), truth.Input(0), activations.data(),
                         {t.d_output.data(), t.d_parameters.data(), t.d_input.data()});
  const double output = LargestDifference(w.output, t.output);
  const double d_input = LargestDifference(w.d_input, t.d_input);
  const double d_parameters = LargestDifference(w.d_parameters, t.d_parameters);
  if (output < 1e-4 && d_input < 1e-4 && d_parameters < 1e-2) return "";
  return fmt::format("differs from the reference: output {}, d_input {}, d_parameters {}", output, d_input,
                     d_parameters);
}

enum class What { kInfer, kForward, kForwardBackward };

void Run(benchmark::State& state, const std::string& target, const Case& c, What what, bool parallel) {
  ForceTarget(target);
  Network network(c.shape);
  if (const std::string difference = Verify(network); !difference.empty()) {
    state.SkipWithError(difference.c_str());
    return;
  }
  double peak = MeasurePeak();
  const auto tile_body = [&](int64_t tile, int worker) {
    network.Forward(tile, worker, what != What::kInfer);
    if (what == What::kForwardBackward) network.Backward(tile, worker);
  };
  double best_core = 0;
  double best_wall = 0;
  const double flops =
      network.FlopsPerColumn() * kNumTiles * kTileColumns * (what == What::kForwardBackward ? 3 : 1);
  for (auto _ : state) {
    const double cpu = Seconds(CLOCK_PROCESS_CPUTIME_ID);
    const double wall = Seconds(CLOCK_MONOTONIC);
    if (parallel) {
      ParallelFor(kNumTiles, tile_body);
    } else {
      for (int64_t tile = 0; tile < kNumTiles; ++tile) tile_body(tile, 0);
    }
    best_core = std::max(best_core, flops / (Seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu));
    best_wall = std::max(best_wall, flops / (Seconds(CLOCK_MONOTONIC) - wall));
  }
  peak = std::max(peak, MeasurePeak());
  state.counters["GF_core"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["GF_core_best"] = best_core * 1e-9;
  state.counters["GF_wall_best"] = best_wall * 1e-9;
  // The compiler vectorises the plain kernels but not the chains of the peak: no share there.
  if (target != "scalar") {
    state.counters["GF_peak"] = peak * 1e-9;
    state.counters["share_best"] = best_core / peak;
  }
  ForceTarget("");
}

bool RegisterAll() {
  const std::vector<Case> cases = {
      {"32-64-64-16", {32, 64, 2, 16, false, 0}},     {"32-64-16", {32, 64, 1, 16, false, 0}},
      {"32-64-64-3", {32, 64, 2, 3, false, 0}},       {"32-16-16-16", {32, 16, 2, 16, false, 0}},
      {"32-32-32-16", {32, 32, 2, 16, false, 0}},     {"163-128-256", {163, 128, 1, 256, true, 0.01f}},
      {"32-256-256", {32, 256, 1, 256, true, 0.01f}}, {"163-256-256-256", {163, 256, 2, 256, true, 0.01f}},
      {"32-100-100-50", {32, 100, 2, 50, true, 0}},
  };
  const std::pair<const char*, What> whats[] = {
      {"infer", What::kInfer}, {"forward", What::kForward}, {"forward_backward", What::kForwardBackward}};
  for (const std::string& target : SupportedTargets()) {
    for (const Case& c : cases) {
      if (target == "scalar" && &c != &cases[0]) continue;
      for (const auto& [what_name, what] : whats) {
        for (const bool parallel : {false, true}) {
          if (parallel && &c != &cases[0]) continue;
          const std::string name = fmt::format("mlp/{}/{}/{}/{}", target, c.name, what_name,
                                               parallel ? "all_threads" : "1_thread");
          benchmark::RegisterBenchmark(name.c_str(),
                                       [target, c, what = what, parallel](benchmark::State& state) {
                                         Run(state, target, c, what, parallel);
                                       })
              ->Unit(benchmark::kMillisecond)
              ->MeasureProcessCPUTime();
        }
      }
    }
  }
  return true;
}
const bool g_registered = RegisterAll();

}  // namespace
}  // namespace semfield::ops
