#include "semfield/ops/compositing.h"

#include <benchmark/benchmark.h>

#include <vector>

#include "semfield/base/random.h"
#include "semfield/ops/tile.h"

namespace semfield::ops {
namespace {

// A tile of a training step: rays of range(0) samples, a surface about two thirds of the way along each.
struct TrainingTile {
  std::vector<int32_t> begin{0};
  std::vector<float> raw, dt, s, ds, color, weight, transmittance, final_transmittance, d_weight, d_color,
      d_raw;
  std::vector<float> rgb, d_rgb, loss;
  std::vector<int32_t> kept;

  explicit TrainingTile(int length) {
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
    color.assign(3 * kTileStride, 0.5f);
    for (auto* row : {&weight, &transmittance, &d_weight, &d_raw}) row->assign(kTileStride, 0.25f);
    d_color.assign(3 * kTileStride, 0.0f);
    for (auto* row : {&final_transmittance, &loss}) row->assign(rays(), 0.0f);
    for (auto* row : {&rgb, &d_rgb}) row->assign(3 * rays(), 0.1f);
    kept.assign(rays(), 0);
    Forward();
  }
  int rays() const { return static_cast<int>(begin.size()) - 1; }
  CompositeTile Tile() const { return {rays(), begin.data(), raw.data(), dt.data()}; }
  void Forward() {
    CompositeForward(Tile(), 1e-4f, weight.data(), transmittance.data(), kept.data(),
                     final_transmittance.data());
  }
  void Report(benchmark::State& state) const {
    state.counters["per_sample"] =
        benchmark::Counter(static_cast<double>(begin.back()) * static_cast<double>(state.iterations()),
                           benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  }
};

void BM_Forward(benchmark::State& state) {
  TrainingTile tile(static_cast<int>(state.range(0)));
  for (auto _ : state) tile.Forward();
  tile.Report(state);
}
void BM_Backward(benchmark::State& state) {
  TrainingTile tile(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    CompositeBackward(tile.Tile(), tile.kept.data(), tile.weight.data(), tile.transmittance.data(),
                      tile.final_transmittance.data(), tile.d_weight.data(), tile.final_transmittance.data(),
                      tile.d_raw.data());
  }
  tile.Report(state);
}
void BM_Color(benchmark::State& state) {
  TrainingTile tile(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    CompositeColor(tile.Tile(), tile.kept.data(), tile.weight.data(), tile.color.data(), kTileStride,
                   tile.rgb.data(), tile.rays());
  }
  tile.Report(state);
}
void BM_ColorBackward(benchmark::State& state) {
  TrainingTile tile(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    CompositeColorBackward(tile.Tile(), tile.kept.data(), tile.weight.data(), tile.color.data(), kTileStride,
                           tile.d_rgb.data(), tile.rays(), tile.d_color.data(), tile.d_weight.data());
  }
  tile.Report(state);
}
void BM_Distortion(benchmark::State& state) {
  TrainingTile tile(static_cast<int>(state.range(0)));
  for (auto _ : state) {
    DistortionLoss(tile.Tile(), tile.kept.data(), tile.weight.data(), tile.s.data(), tile.ds.data(), 1e-6f,
                   tile.loss.data(), tile.d_weight.data());
  }
  tile.Report(state);
}
BENCHMARK(BM_Forward)->Arg(8)->Arg(32)->Arg(256);
BENCHMARK(BM_Backward)->Arg(8)->Arg(32)->Arg(256);
BENCHMARK(BM_Color)->Arg(8)->Arg(32)->Arg(256);
BENCHMARK(BM_ColorBackward)->Arg(8)->Arg(32)->Arg(256);
BENCHMARK(BM_Distortion)->Arg(8)->Arg(32)->Arg(256);

}  // namespace
}  // namespace semfield::ops
