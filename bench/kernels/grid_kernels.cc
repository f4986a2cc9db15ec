#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/kernels/contest.h"
#include "bench/limits.h"
#include "bench/twin/twin.h"
#include "semfield/base/buffer.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/ops/hash_grid.h"
#include "semfield/ops/tile.h"

namespace semfield::bench {
namespace {

constexpr int64_t kTiles = 128;
constexpr int64_t kPoints = kTiles * ops::kTileColumns;
constexpr int64_t kSamplesPerRay = 32;

// Points anywhere, or along rays anywhere, as far apart as marching with 1024 steps across the cube puts
// them.
struct Points {
  Buffer<float> x, y, z, weight;
  std::vector<int32_t> ray_begin;

  explicit Points(bool along_rays) : x(kPoints), y(kPoints), z(kPoints), weight(kPoints) {
    Random random(7);
    float origin[3] = {}, direction[3] = {};
    for (int64_t i = 0; i < kPoints; ++i) {
      if (i % kSamplesPerRay == 0) {
        ray_begin.push_back(static_cast<int32_t>(i));
        float norm = 0;
        for (int k = 0; k < 3; ++k) {
          origin[k] = random.Uniform(0.1f, 0.9f);
          direction[k] = random.Uniform(-1, 1);
          norm += direction[k] * direction[k];
        }
        for (float& d : direction) d *= std::sqrt(3.0f / norm) / 1024;
      }
      const float t = static_cast<float>(i % kSamplesPerRay) + random.Uniform();
      float p[3];
      for (int k = 0; k < 3; ++k) p[k] = along_rays ? origin[k] + t * direction[k] : random.Uniform();
      x[i] = p[0], y[i] = p[1], z[i] = p[2];
      weight[i] = random.Uniform();
    }
    ray_begin.push_back(static_cast<int32_t>(kPoints));
  }
  ops::GridPoints All() const { return {x.data(), y.data(), z.data(), kPoints}; }
  ops::GridPoints Tile(int64_t t) const {
    const int64_t i = t * ops::kTileColumns;
    return {x.data() + i, y.data() + i, z.data() + i, ops::kTileColumns};
  }
};

at::Tensor Wrap(const Buffer<float>& values) {
  return at::from_blob(const_cast<float*>(values.data()), {static_cast<int64_t>(values.size())}, at::kFloat);
}

// Cache lines of one level that a point reads and the point before it did not, summed over the points.
// number_bytes: 2 for the table, 4 for its gradient.
double CountLines(const ops::HashGridLayout& layout, int level, const Points& points, int number_bytes) {
  const ops::HashGridLevel& l = layout.levels[level];
  const uint32_t entry_bytes = static_cast<uint32_t>(layout.config.features_per_level * number_bytes);
  const uint32_t r = l.resolution;
  std::vector<uint32_t> before, now;
  double lines = 0;
  for (int64_t i = 0; i < kPoints; ++i) {
    now.clear();
    const float p[3] = {points.x[i], points.y[i], points.z[i]};
    uint32_t cell[3];
    for (int k = 0; k < 3; ++k) cell[k] = static_cast<uint32_t>(p[k] * l.scale + 0.5f);
    for (uint32_t c = 0; c < 8; ++c) {
      const uint32_t x = cell[0] + (c & 1), y = cell[1] + (c >> 1 & 1), z = cell[2] + (c >> 2);
      const uint32_t entry =
          l.dense ? x + r * (y + r * z) : (x ^ y * 2654435761u ^ z * 805459861u) & (l.num_entries - 1);
      now.push_back(entry * entry_bytes / 64);
    }
    std::sort(now.begin(), now.end());
    now.erase(std::unique(now.begin(), now.end()), now.end());
    for (const uint32_t line : now) lines += !std::binary_search(before.begin(), before.end(), line);
    std::swap(before, now);
  }
  return lines;
}

struct Limits {
  double forward = 0, backward = 0;  // seconds
};

Limits LineLimits(const ops::HashGridLayout& layout, const Points& points) {
  Limits limits;
  for (int l = 0; l < layout.config.num_levels; ++l) {
    const size_t numbers = size_t{layout.levels[l].num_entries} * layout.config.features_per_level;
    limits.forward += CountLines(layout, l, points, 2) * LineReadSeconds(numbers * 2);
    limits.backward += CountLines(layout, l, points, 4) * LineUpdateSeconds(numbers * 4);
  }
  return limits;
}

struct Grid {
  ops::HashGridLayout layout;
  Buffer<float> parameters, gradient;
  Buffer<Half> half;

  explicit Grid(const ops::HashGridConfig& config) : layout(ops::MakeHashGridLayout(config)) {
    Random random(3);
    parameters.Resize(layout.num_parameters);
    gradient.Resize(layout.num_parameters);
    half.Resize(layout.num_parameters);
    for (size_t i = 0; i < parameters.size(); ++i) {
      half[i] = FloatToHalf(random.Uniform(-1, 1));
      parameters[i] = HalfToFloat(half[i]);
    }
  }
  int features() const { return layout.config.features_per_level; }
  std::string Name() const {
    return fmt::format("{}x{}/2^{}", layout.config.num_levels, features(), layout.config.log2_table_size);
  }
  double GradientDifference(const twin::HashGrid& twin) const {
    double largest = 0, scale = 0;
    for (size_t l = 0; l < layout.levels.size(); ++l) {
      const float* other = twin.gradients[l].data_ptr<float>();
      for (int64_t i = 0; i < twin.gradients[l].numel(); ++i) {
        const double difference = std::abs(double{other[i]} - gradient[layout.levels[l].offset + i]);
        if (!(difference <= largest)) largest = difference;
        scale = std::max(scale, std::abs(double{other[i]}));
      }
    }
    return largest / scale;
  }
};

// Encodings and their gradients in tiles of [features of all levels][kTileStride].
struct Encoding {
  Buffer<float> rows;
  int num_features;

  explicit Encoding(int features) : rows(kTiles * features * ops::kTileStride), num_features(features) {}
  float* At(int64_t tile, int row) { return rows.data() + (tile * num_features + row) * ops::kTileStride; }
  at::Tensor AsTensor() const {
    at::Tensor tensor = at::empty({kPoints, num_features}, at::kFloat);
    float* to = tensor.data_ptr<float>();
    for (int64_t i = 0; i < kPoints; ++i) {
      for (int f = 0; f < num_features; ++f) {
        to[i * num_features + f] =
            rows[(i / ops::kTileColumns * num_features + f) * ops::kTileStride + i % ops::kTileColumns];
      }
    }
    return tensor;
  }
};

double LargestDifference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

std::vector<twin::GridPlan> Plans() {
  std::vector<twin::GridPlan> plans;
  for (const twin::Gather gather : {twin::Gather::kEmbeddingBag, twin::Gather::kIndexSelect}) {
    for (const int64_t chunk : {1 << 12, 1 << 14, 1 << 16}) plans.push_back({gather, chunk});
  }
  return plans;
}

void RunGrid(Table& table, const ops::HashGridConfig& config, bool along_rays, bool asked) {
  Grid grid(config);
  const Points points(along_rays);
  Encoding encoded(grid.layout.num_features()), d_encoded(grid.layout.num_features());
  Random random(5);
  for (float& v : d_encoded.rows) v = random.Uniform(-1, 1);
  twin::HashGrid twin = twin::MakeHashGrid(grid.layout, grid.parameters.data());
  const at::Tensor x = Wrap(points.x), y = Wrap(points.y), z = Wrap(points.z), d_out = d_encoded.AsTensor();
  at::Tensor out = at::zeros({kPoints, grid.layout.num_features()}, at::kFloat);

  const auto forward = [&] {
    for (int l = 0; l < grid.layout.config.num_levels; ++l) {
      ParallelFor(kTiles, [&](int64_t tile, int) {
        ops::HashGridForward(grid.layout, l, grid.half.data(), points.Tile(tile),
                             encoded.At(tile, l * grid.features()), ops::kTileStride);
      });
    }
  };
  const auto backward = [&] {
    ParallelFor(grid.layout.config.num_levels, [&](int64_t task, int) {
      const int l = grid.layout.config.num_levels - 1 - static_cast<int>(task);  // the largest tables first
      for (int64_t tile = 0; tile < kTiles; ++tile) {
        ops::HashGridBackward(grid.layout, l, points.Tile(tile), d_encoded.At(tile, l * grid.features()),
                              ops::kTileStride, grid.gradient.data());
      }
    });
  };
  Contest one{forward}, both{[&] {
    forward();
    backward();
  }};
  for (const twin::GridPlan& plan : Plans()) {
    one.twins.push_back([&, plan] { twin::HashGridForward(twin, plan, x, y, z, out); });
    both.twins.push_back([&, plan] {
      twin::HashGridForward(twin, plan, x, y, z, out);
      twin::HashGridBackward(twin, x, y, z, d_out);
    });
  }
  backward();
  twin::HashGridBackward(twin, x, y, z, d_out);
  const double gradient_difference = grid.GradientDifference(twin);

  const Limits limits = LineLimits(grid.layout, points);
  const std::string name = grid.Name() + (along_rays ? ", 2^17 along rays" : ", 2^17 anywhere");
  const Times f = Race(one, table.seconds());
  table.Add({"grid forward", name, f.ours, f.twin, asked ? 7.0 : 0.0, "lines", limits.forward,
             asked ? 1.5 : 0.0, LargestDifference(encoded.AsTensor(), out)},
            1e-3);
  const Times b = Race(both, table.seconds());
  table.Add({"grid forward+backward", name, b.ours, b.twin, asked ? 11.0 : 0.0, "lines",
             limits.forward + limits.backward, asked ? 1.5 : 0.0, gradient_difference},
            1e-3);
}

}  // namespace

void GridKernels(Table& table) {
  if (!table.Wants("grid")) return;
  for (const bool along_rays : {true, false}) {
    RunGrid(table, {8, 4, 17, 16, 2048}, along_rays, true);
    RunGrid(table, {16, 2, 19, 16, 2048}, along_rays, true);
  }
  for (const int size : {14, 15, 16, 18, 19, 20, 22}) RunGrid(table, {8, 4, size, 16, 2048}, true, false);
}

void FeatureGridKernels(Table& table) {
  if (!table.Wants("feature grid")) return;
  Grid grid({4, 8, 17, 16, 128});
  const Points points(true);
  const int64_t rays = kPoints / kSamplesPerRay;
  const int num_features = grid.layout.num_features();
  Buffer<float> out(static_cast<size_t>(rays * num_features));
  const twin::HashGrid twin = twin::MakeHashGrid(grid.layout, grid.parameters.data());
  const at::Tensor x = Wrap(points.x), y = Wrap(points.y), z = Wrap(points.z), weight = Wrap(points.weight);
  at::Tensor twin_out = at::zeros({rays, num_features}, at::kFloat);

  Contest contest{[&] {
    constexpr int64_t kRaysATask = 256;
    for (int l = 0; l < grid.layout.config.num_levels; ++l) {
      ParallelChunks(rays, kRaysATask, [&](int64_t begin, int64_t end, int) {
        ops::HashGridRaysForward(
            grid.layout, l, grid.half.data(),
            {points.All(), points.weight.data(), points.ray_begin.data() + begin, end - begin},
            out.data() + l * grid.features() * rays + begin, rays);
      });
    }
  }};
  for (const twin::GridPlan& plan : Plans()) {
    contest.twins.push_back([&, plan] {
      twin::HashGridRaysForward(twin, plan, {x, y, z, weight, kSamplesPerRay}, twin_out);
    });
  }
  const Times times = Race(contest, table.seconds());
  const double limit = LineLimits(grid.layout, points).forward;
  const at::Tensor ours = at::from_blob(out.data(), {num_features, rays}, at::kFloat).t();
  table.Add({"feature grid forward", grid.Name() + ", 2^17 along rays", times.ours, times.twin, 4.0, "lines",
             limit, 1.5, LargestDifference(ours, twin_out)},
            5e-3);
}

}  // namespace semfield::bench
