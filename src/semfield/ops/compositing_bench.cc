#include "semfield/ops/compositing.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/limits.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/ops/compositing_reference.h"
#include "semfield/ops/tile.h"

// One thread, one tile whose rows lie in the caches, as in a training step. "share" is the time that the same
// bytes need at the rate of a plain loop over as much memory, as a share of the time.

namespace semfield::ops {
namespace {

constexpr float kMinTransmittance = 1e-4f;

// A tile of a training step: rays of range(0) samples, a surface about two thirds of the way along each.
struct TrainingTile {
  std::vector<int32_t> begin{0};
  std::vector<float> raw, dt, s, ds, values, weight, transmittance, final_transmittance, d_weight, d_values,
      d_raw;
  std::vector<float> out, d_out, loss;
  std::vector<int32_t> kept;
  int num_rows;

  explicit TrainingTile(int length, int rows = 3) : num_rows(rows) {
    SetNumThreads(1);
    Random random(1);
    while (begin.back() + length <= kTileColumns) {
      for (int i = 0; i < length; ++i) {
        raw.push_back(random.Uniform(-4, 1) + (3 * i > 2 * length ? 6 : 0));
        dt.push_back(random.Uniform(0.004f, 0.006f));
        s.push_back(0.005f * static_cast<float>(i));
        ds.push_back(0.005f);
      }
      begin.push_back(begin.back() + length);
    }
    values.resize(num_rows * kTileStride);
    for (float& value : values) value = random.Uniform(-1, 1);
    d_values.resize(values.size());
    for (auto* row : {&weight, &transmittance, &d_weight, &d_raw}) row->assign(kTileStride, 0.25f);
    for (auto* row : {&final_transmittance, &loss}) row->assign(rays(), 0.0f);
    for (auto* row : {&out, &d_out}) row->assign(num_rows * rays(), 0.1f);
    kept.assign(rays(), 0);
    Forward();
  }
  int rays() const { return static_cast<int>(begin.size()) - 1; }
  CompositeTile Tile() const { return {rays(), begin.data(), raw.data(), dt.data()}; }
  CompositeOutput Output() {
    return {weight.data(), kept.data(), transmittance.data(), final_transmittance.data()};
  }
  CompositeRows Rows() const { return {num_rows, values.data(), kTileStride}; }
  void Forward() { CompositeForward(Tile(), kMinTransmittance, Output()); }
  void Backward() {
    CompositeBackward(Tile(), Output(), {d_weight.data(), final_transmittance.data(), d_raw.data()});
  }
  void Values() { CompositeValues(Tile(), Output(), Rows(), out.data(), rays()); }
  void ValuesBackward() {
    CompositeValuesBackward(Tile(), Output(), Rows(),
                            {d_out.data(), rays(), d_values.data(), d_weight.data()});
  }
  void Distortion(float scale) {
    DistortionLoss(Tile(), Output(), {s.data(), ds.data()}, scale, loss.data(), d_weight.data());
  }
  std::vector<double> Of(const std::vector<float>& row, int ray, int64_t offset = 0) const {
    return {row.begin() + offset + begin[ray], row.begin() + offset + begin[ray + 1]};
  }
  bool EqualsReference();
  void Report(benchmark::State& state, double bytes_a_sample) const {
    const double bytes = bytes_a_sample * begin.back();
    state.counters["per_sample"] =
        benchmark::Counter(static_cast<double>(begin.back()),
                           benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    state.counters["share"] = benchmark::Counter(bytes / bench::UpdateRate(static_cast<size_t>(bytes)),
                                                 benchmark::Counter::kIsIterationInvariantRate);
  }
};

bool IsNear(double a, double b) {
  return std::abs(a - b) <= 1e-6 + 1e-4 * std::abs(b);
}

bool TrainingTile::EqualsReference() {
  std::fill(d_weight.begin(), d_weight.end(), 0.0f);
  Values();
  ValuesBackward();
  Backward();
  bool equal = true;
  for (int ray = 0; ray < rays(); ++ray) {
    const CompositedRay truth = CompositeReference(Of(raw, ray), Of(dt, ray), kMinTransmittance);
    const std::vector<double> d_raw_truth = CompositeBackwardReference(
        Of(raw, ray), Of(dt, ray), truth, Of(d_weight, ray), truth.final_transmittance);
    for (int row = 0; row < num_rows; ++row) {
      equal &= IsNear(out[row * rays() + ray],
                      CompositeChannelReference(truth.weight, Of(values, ray, row * kTileStride)));
    }
    for (int i = begin[ray]; i < begin[ray + 1]; ++i) {
      equal &=
          IsNear(weight[i], truth.weight[i - begin[ray]]) && IsNear(d_raw[i], d_raw_truth[i - begin[ray]]);
    }
    Distortion(0);
    equal &= IsNear(loss[ray], DistortionReference(truth.weight, Of(s, ray), Of(ds, ray)));
  }
  return equal;
}

// body(tile) is timed.
template <class Body>
void Run(benchmark::State& state, int rows, double bytes_a_sample, const Body& body) {
  TrainingTile tile(static_cast<int>(state.range(0)), rows);
  if (!tile.EqualsReference()) return state.SkipWithError("differs from the reference");
  for (auto _ : state) {
    body(tile);
    benchmark::ClobberMemory();
  }
  tile.Report(state, bytes_a_sample);
}

void BM_Forward(benchmark::State& state) {
  Run(state, 3, 16, [](TrainingTile& tile) { tile.Forward(); });
}
void BM_Backward(benchmark::State& state) {
  Run(state, 3, 24, [](TrainingTile& tile) { tile.Backward(); });
}
// range(1): rows, 3 of colour or more.
void BM_Values(benchmark::State& state) {
  const int rows = static_cast<int>(state.range(1));
  Run(state, rows, 4.0 * (rows + 1), [](TrainingTile& tile) { tile.Values(); });
}
void BM_ValuesBackward(benchmark::State& state) {
  const int rows = static_cast<int>(state.range(1));
  Run(state, rows, 4.0 * (2 * rows + 3), [](TrainingTile& tile) { tile.ValuesBackward(); });
}
void BM_Distortion(benchmark::State& state) {
  Run(state, 3, 20, [](TrainingTile& tile) { tile.Distortion(1e-6f); });
}
BENCHMARK(BM_Forward)->Arg(8)->Arg(32)->Arg(256);
BENCHMARK(BM_Backward)->Arg(8)->Arg(32)->Arg(256);
BENCHMARK(BM_Values)->ArgsProduct({{8, 32, 256}, {3, 4, 132}});
BENCHMARK(BM_ValuesBackward)->ArgsProduct({{8, 32, 256}, {3, 4, 132}});
BENCHMARK(BM_Distortion)->Arg(8)->Arg(32)->Arg(256);

}  // namespace
}  // namespace semfield::ops
