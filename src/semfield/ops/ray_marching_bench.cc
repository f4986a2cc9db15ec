#include "semfield/ops/ray_marching.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "bench/limits.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/ops/ray_marching_reference.h"

// One thread. "share" is the time that memory needs to take the samples' two numbers, as a share of the time.

namespace semfield::ops {
namespace {

// A room: an occupied shell of `thickness` cells at 0.35 of the cube around the centre (for a contracted map:
// the wall of the inner cube, more or less), and its density (fog: 20, a trained wall: 500).
OccupancyGrid ShellGrid(int thickness, float density) {
  constexpr int kResolution = 128;
  OccupancyGrid grid(kResolution);
  for (size_t cell = 0; cell < grid.num_cells(); ++cell) {
    const size_t x = cell % kResolution, y = cell / kResolution % kResolution,
                 z = cell / kResolution / kResolution;
    double radius = 0;
    for (const size_t v : {x, y, z}) radius += std::pow(static_cast<double>(v) + 0.5 - kResolution / 2, 2);
    radius = std::sqrt(radius);
    if (radius > 0.35 * kResolution && radius < 0.35 * kResolution + thickness) {
      grid.density()[cell] = density;
      grid.mean_density()[cell] = density;
    }
  }
  grid.Rebuild(1);
  return grid;
}

std::vector<Ray> RandomRays(int count) {
  Random random(1);
  std::vector<Ray> rays(count);
  for (Ray& ray : rays) {
    float norm = 0;
    for (int k = 0; k < 3; ++k) {
      ray.origin[k] = random.Uniform(-0.3f, 0.3f);
      ray.direction[k] = random.Uniform(-1, 1);
      norm += ray.direction[k] * ray.direction[k];
    }
    for (float& d : ray.direction) d /= std::sqrt(norm);
    ray.z_scale = 1;
  }
  return rays;
}

// Without the early stop, which the reference does not have. A sample on a cell's face may fall to either
// side.
bool EqualsReference(const SceneMap& map, const OccupancyGrid& grid, MarchOptions options,
                     const std::vector<Ray>& rays) {
  options.stop_optical_depth = 0;
  std::vector<float> t(options.max_samples), dt(options.max_samples);
  int64_t count = 0, expected = 0;
  double sum = 0, expected_sum = 0;
  for (size_t r = 0; r < rays.size(); r += 64) {
    const int marched = MarchRay(map, grid, options, rays[r], 0.5f, {t.data(), dt.data()});
    std::vector<MarchedSample> samples = MarchRayReference(map, grid, options, rays[r], 0.5f);
    if (samples.size() > static_cast<size_t>(options.max_samples)) samples.resize(options.max_samples);
    count += marched;
    expected += static_cast<int64_t>(samples.size());
    for (int i = 0; i < marched; ++i) sum += t[i];
    for (const MarchedSample& sample : samples) expected_sum += sample.t;
  }
  return std::abs(count - expected) <= 1 + expected / 1000 &&
         std::abs(sum - expected_sum) <= 1 + 1e-3 * expected_sum;
}

// range(0): contracted; range(1): cells of the shell, 0 for an empty grid, -1 for a full one.
void BM_MarchRay(benchmark::State& state) {
  const SceneMap map{state.range(0) != 0, {0, 0, 0}, 1};
  OccupancyGrid grid = ShellGrid(static_cast<int>(state.range(1)), static_cast<float>(state.range(2)));
  if (state.range(1) < 0) grid.Fill();
  MarchOptions options;
  options.step = 0.005f;
  options.cone_angle = map.contracted ? 1.0f / 256 : 0.0f;
  options.stop_optical_depth = 10;
  const std::vector<Ray> rays = RandomRays(4096);
  if (!EqualsReference(map, grid, options, rays)) return state.SkipWithError("differs from the reference");
  SetNumThreads(1);
  std::vector<float> t(options.max_samples), dt(options.max_samples);
  const double bytes_a_second = bench::UpdateRate(2 * options.max_samples * sizeof(float));
  double samples = 0;
  size_t next = 0;
  for (auto _ : state) {
    samples += MarchRay(map, grid, options, rays[next], 0.5f, {t.data(), dt.data()});
    next = (next + 1) % rays.size();
  }
  const double rays_marched = static_cast<double>(state.iterations());
  state.counters["samples_per_ray"] = samples / rays_marched;
  state.counters["per_sample"] =
      benchmark::Counter(samples, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["share"] =
      benchmark::Counter(samples * 2 * sizeof(float) / bytes_a_second, benchmark::Counter::kIsRate);
}
BENCHMARK(BM_MarchRay)
    ->ArgsProduct({{0, 1}, {-1, 0, 4, 16}, {20, 500}})
    ->ArgNames({"contracted", "shell", "density"});

void BM_Rebuild(benchmark::State& state) {
  OccupancyGrid grid = ShellGrid(4, 20);
  for (auto _ : state) grid.Rebuild(1);
}
BENCHMARK(BM_Rebuild);

void BM_Blend(benchmark::State& state) {
  OccupancyGrid grid = ShellGrid(4, 20);
  std::vector<uint32_t> cells;
  for (uint32_t cell = 0; cell < grid.num_cells(); cell += 12) cells.push_back(cell);
  const std::vector<float> fresh(cells.size(), 1.0f);
  for (auto _ : state) grid.Blend(cells.data(), static_cast<int64_t>(cells.size()), fresh.data(), 0.95f);
}
BENCHMARK(BM_Blend);

}  // namespace
}  // namespace semfield::ops
