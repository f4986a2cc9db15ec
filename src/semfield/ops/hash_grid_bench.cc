#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "semfield/ops/hash_grid.h"
#include "semfield/ops/hash_grid_reference.h"
#include "semfield/ops/tile.h"

// Times are of one thread. "per_point_level" is the number to look at: time per point and level. The gather
// and add benchmarks are the limit beside it: the same number of table entries at random places, known
// beforehand, with no arithmetic. The others compare their result with the reference first.

namespace semfield::ops {
namespace {

constexpr int64_t kPoints = 64 * kTileColumns;
constexpr int kSamplesPerRay = 32;
constexpr int64_t kRays = kPoints / kSamplesPerRay;

enum Order { kRandom, kAlongRays };

// Points at random, or along rays at random as far apart as marching with 1024 steps puts them.
struct Scene {
  std::vector<float> x, y, z, weights;
  std::vector<int32_t> ray_begin;
  GridPoints points() const { return {x.data(), y.data(), z.data(), static_cast<int64_t>(x.size())}; }
  GridRays rays() const {
    return {points(), weights.data(), ray_begin.data(), static_cast<int64_t>(ray_begin.size()) - 1};
  }
};

Scene MakeScene(Order order, int samples_per_ray) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(0, 1);
  Scene scene;
  const float step = std::sqrt(3.0f) / 1024;
  while (static_cast<int64_t>(scene.x.size()) < kPoints) {
    scene.ray_begin.push_back(static_cast<int32_t>(scene.x.size()));
    float origin[3], direction[3];
    float squared = 0;
    for (int axis = 0; axis < 3; ++axis) {
      origin[axis] = 0.1f + 0.8f * uniform(random);
      direction[axis] = uniform(random) - 0.5f;
      squared += direction[axis] * direction[axis];
    }
    const float scale = step / std::sqrt(squared);
    for (int s = 0; s < samples_per_ray && static_cast<int64_t>(scene.x.size()) < kPoints; ++s) {
      const float t = (static_cast<float>(s) + uniform(random)) * scale;
      const bool along = order == kAlongRays;
      scene.x.push_back(along ? origin[0] + t * direction[0] : uniform(random));
      scene.y.push_back(along ? origin[1] + t * direction[1] : uniform(random));
      scene.z.push_back(along ? origin[2] + t * direction[2] : uniform(random));
      scene.weights.push_back(uniform(random));
    }
  }
  scene.ray_begin.push_back(static_cast<int32_t>(scene.x.size()));
  return scene;
}

struct Tables {
  std::vector<Half> half;
  std::vector<double> exact;
};

Tables MakeTables(const HashGridLayout& layout) {
  Tables tables;
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (size_t i = 0; i < layout.num_parameters; ++i) {
    tables.half.push_back(FloatToHalf(uniform(random)));
    tables.exact.push_back(HalfToFloat(tables.half.back()));
  }
  return tables;
}

template <class A, class B>
double LargestDifference(const A& a, const B& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

struct Case {
  const char* name;
  HashGridConfig config;
};
const Case kCases[] = {{"8x4_2^17", {8, 4, 17, 16, 2048}},
                       {"8x4_2^18", {8, 4, 18, 16, 2048}},
                       {"4x8_2^17", {4, 8, 17, 16, 128}},
                       {"16x2_2^17", {16, 2, 17, 16, 2048}}};

void Report(benchmark::State& state, const HashGridLayout& layout) {
  state.counters["per_point_level"] =
      benchmark::Counter(static_cast<double>(kPoints) * layout.config.num_levels,
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void Forward(benchmark::State& state, const Case& which, Order order) {
  const HashGridLayout layout = MakeHashGridLayout(which.config);
  const Scene scene = MakeScene(order, kSamplesPerRay);
  const Tables tables = MakeTables(layout);
  const int features = layout.config.features_per_level;
  constexpr int64_t kTiles = kPoints / kTileColumns;
  const auto encode = [&](std::vector<float>& out) {  // tiles of [all features][kTileStride]
    for (int l = 0; l < layout.config.num_levels; ++l) {
      for (int64_t t = 0; t < kTiles; ++t) {
        const int64_t i = t * kTileColumns;
        const GridPoints tile{scene.x.data() + i, scene.y.data() + i, scene.z.data() + i, kTileColumns};
        HashGridForward(layout, l, tables.half.data(), tile,
                        out.data() + (t * layout.num_features() + l * features) * kTileStride, kTileStride);
      }
    }
  };
  std::vector<float> out(kTiles * layout.num_features() * kTileStride);
  encode(out);
  for (int l = 0; l < layout.config.num_levels; ++l) {
    std::vector<double> expected(features * kPoints);
    reference::HashGridForward(layout, l, tables.exact.data(), scene.points(), expected.data(), kPoints);
    std::vector<float> got(expected.size());
    for (int f = 0; f < features; ++f) {
      for (int64_t i = 0; i < kPoints; ++i) {
        const int64_t row = i / kTileColumns * layout.num_features() + l * features + f;
        got[f * kPoints + i] = out[row * kTileStride + i % kTileColumns];
      }
    }
    if (LargestDifference(got, expected) > 2e-3) return state.SkipWithError("differs from the reference");
  }
  for (auto _ : state) {
    encode(out);
    benchmark::ClobberMemory();
  }
  Report(state, layout);
}

void Backward(benchmark::State& state, const Case& which, Order order) {
  const HashGridLayout layout = MakeHashGridLayout(which.config);
  const Scene scene = MakeScene(order, kSamplesPerRay);
  const int features = layout.config.features_per_level;
  std::vector<float> d_out(features * kPoints);
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (float& value : d_out) value = normal(random);
  std::vector<float> gradient(layout.num_parameters);
  std::vector<double> expected(layout.num_parameters);
  const std::vector<double> exact(d_out.begin(), d_out.end());
  const auto scatter = [&] {
    for (int l = 0; l < layout.config.num_levels; ++l) {
      HashGridBackward(layout, l, scene.points(), d_out.data(), kPoints, gradient.data());
    }
  };
  scatter();
  for (int l = 0; l < layout.config.num_levels; ++l) {
    reference::HashGridBackward(layout, l, scene.points(), exact.data(), kPoints, expected.data());
  }
  if (LargestDifference(gradient, expected) > 2e-2) return state.SkipWithError("differs from the reference");
  for (auto _ : state) {
    scatter();
    benchmark::ClobberMemory();
  }
  Report(state, layout);
}

void RaysForward(benchmark::State& state, const Case& which) {
  const HashGridLayout layout = MakeHashGridLayout(which.config);
  const Scene scene = MakeScene(kAlongRays, 12);
  const Tables tables = MakeTables(layout);
  const int64_t rays = static_cast<int64_t>(scene.ray_begin.size()) - 1;
  const size_t size = static_cast<size_t>(layout.num_features() * rays);
  std::vector<float> out(size);
  std::vector<double> expected(size);
  const auto encode = [&] {
    for (int l = 0; l < layout.config.num_levels; ++l) {
      HashGridRaysForward(layout, l, tables.half.data(), scene.rays(),
                          out.data() + l * layout.config.features_per_level * rays, rays);
    }
  };
  encode();
  for (int l = 0; l < layout.config.num_levels; ++l) {
    reference::HashGridRaysForward(layout, l, tables.exact.data(), scene.rays(),
                                   expected.data() + l * layout.config.features_per_level * rays, rays);
  }
  if (LargestDifference(out, expected) > 1e-2) return state.SkipWithError("differs from the reference");
  for (auto _ : state) {
    encode();
    benchmark::ClobberMemory();
  }
  Report(state, layout);
}

void RaysBackward(benchmark::State& state, const Case& which) {
  const HashGridLayout layout = MakeHashGridLayout(which.config);
  const Scene scene = MakeScene(kAlongRays, 12);
  const int64_t rays = static_cast<int64_t>(scene.ray_begin.size()) - 1;
  std::vector<float> d_out(static_cast<size_t>(layout.config.features_per_level * rays));
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (float& value : d_out) value = normal(random);
  const std::vector<double> exact(d_out.begin(), d_out.end());
  std::vector<float> gradient(layout.num_parameters);
  std::vector<double> expected(layout.num_parameters);
  const auto scatter = [&] {
    for (int l = 0; l < layout.config.num_levels; ++l) {
      HashGridRaysBackward(layout, l, scene.rays(), d_out.data(), rays, gradient.data());
    }
  };
  scatter();
  for (int l = 0; l < layout.config.num_levels; ++l) {
    reference::HashGridRaysBackward(layout, l, scene.rays(), exact.data(), rays, expected.data());
  }
  if (LargestDifference(gradient, expected) > 2e-2) return state.SkipWithError("differs from the reference");
  for (auto _ : state) {
    scatter();
    benchmark::ClobberMemory();
  }
  Report(state, layout);
}

// The limit: eight entries a point and level, at random places in a table of the level's size.
template <class Entry, bool kAdd>
void RandomAccess(benchmark::State& state) {
  const auto entries = static_cast<uint32_t>(state.range(0));
  std::vector<Entry> table(entries, Entry{});
  std::vector<uint32_t> places(8 * kPoints);
  std::mt19937 random(11);
  for (uint32_t& place : places) place = static_cast<uint32_t>(random()) % entries;
  for (auto _ : state) {
    Entry sum{};
    for (const uint32_t place : places) {
      if constexpr (kAdd) {
        table[place] += 1;
      } else {
        sum += table[place];
      }
    }
    benchmark::DoNotOptimize(sum);
    benchmark::ClobberMemory();
  }
  state.counters["per_point_level"] =
      benchmark::Counter(static_cast<double>(kPoints),
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

typedef float Float4 __attribute__((vector_size(16)));
BENCHMARK_TEMPLATE(RandomAccess, uint64_t, false)
    ->Name("limit/gather_8_bytes")
    ->Arg(1 << 15)
    ->Arg(1 << 17)
    ->Arg(1 << 18);
BENCHMARK_TEMPLATE(RandomAccess, Float4, false)->Name("limit/gather_16_bytes")->Arg(1 << 15)->Arg(1 << 17);
BENCHMARK_TEMPLATE(RandomAccess, Float4, true)
    ->Name("limit/add_16_bytes")
    ->Arg(1 << 15)
    ->Arg(1 << 17)
    ->Arg(1 << 18);

const bool registered = [] {
  for (const Case& which : kCases) {
    const std::string name = which.name;
    for (const Order order : {kAlongRays, kRandom}) {
      const std::string suffix = name + (order == kRandom ? "/random" : "/along_rays");
      benchmark::RegisterBenchmark(("forward/" + suffix).c_str(), Forward, which, order);
      benchmark::RegisterBenchmark(("backward/" + suffix).c_str(), Backward, which, order);
    }
    benchmark::RegisterBenchmark(("rays_forward/" + name).c_str(), RaysForward, which);
    benchmark::RegisterBenchmark(("rays_backward/" + name).c_str(), RaysBackward, which);
  }
  return true;
}();

}  // namespace
}  // namespace semfield::ops
