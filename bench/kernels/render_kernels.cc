#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/kernels/contest.h"
#include "bench/limits.h"
#include "bench/twin/twin.h"
#include "semfield/base/buffer.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/ops/compositing.h"
#include "semfield/ops/ray_marching.h"
#include "semfield/ops/spherical_harmonics.h"
#include "semfield/ops/tile.h"

namespace semfield::bench {
namespace {

constexpr int64_t kTiles = 128;
constexpr int64_t kColumns = ops::kTileColumns;
constexpr int64_t kStride = ops::kTileStride;
constexpr int64_t kSamples = 32;
constexpr int64_t kRaysATile = kColumns / kSamples;
constexpr int64_t kRays = kTiles * kRaysATile;

double RelativeDifference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>() / std::max(1e-12, b.abs().max().item<double>());
}

// 2^17 samples on rays of 32, a surface two thirds of the way along each; values: rows to composite.
struct Scene {
  int rows;
  std::vector<int32_t> begin;
  Buffer<float> raw, dt, weight, transmittance, final_transmittance, d_weight, d_raw;  // [tile][kTileStride]
  Buffer<float> values, d_values, out, d_out;  // [tile][rows][kTileStride]; out: [tile][rows][rays]
  Buffer<int32_t> kept;

  explicit Scene(int num_rows) : rows(num_rows) {
    Random random(1);
    for (int64_t r = 0; r <= kRaysATile; ++r) begin.push_back(static_cast<int32_t>(r * kSamples));
    for (Buffer<float>* b : {&raw, &dt, &weight, &transmittance, &d_weight, &d_raw})
      b->Resize(kTiles * kStride);
    for (Buffer<float>* b : {&values, &d_values}) b->Resize(kTiles * rows * kStride);
    for (Buffer<float>* b : {&out, &d_out}) b->Resize(kTiles * rows * kRaysATile);
    final_transmittance.Resize(kRays);
    kept.Resize(kRays);
    for (size_t i = 0; i < raw.size(); ++i) {
      raw[i] = random.Uniform(-4, 1) + (i % kSamples > 2 * kSamples / 3 ? 4.0f : 0.0f);
      dt[i] = random.Uniform(0.004f, 0.006f);
    }
    for (float& v : values) v = random.Uniform(-1, 1);
    for (float& v : d_out) v = random.Uniform(-1, 1);
  }
  ops::CompositeTile Tile(int64_t tile) const {
    return {static_cast<int>(kRaysATile), begin.data(), raw.data() + tile * kStride,
            dt.data() + tile * kStride};
  }
  ops::CompositeOutput Output(int64_t tile) {
    const int64_t i = tile * kStride, r = tile * kRaysATile;
    return {weight.data() + i, kept.data() + r, transmittance.data() + i, final_transmittance.data() + r};
  }
  ops::CompositeRows Rows(int64_t tile) const {
    return {rows, values.data() + tile * rows * kStride, kStride};
  }
  void Forward(int64_t tile) {
    ops::CompositeForward(Tile(tile), 0, Output(tile));
    ops::CompositeValues(Tile(tile), Output(tile), Rows(tile), out.data() + tile * kRaysATile * rows,
                         kRaysATile);
  }
  void Backward(int64_t tile) {
    const int64_t i = tile * kStride;
    std::fill_n(d_weight.data() + i, kColumns, 0.0f);
    ops::CompositeValuesBackward(Tile(tile), Output(tile), Rows(tile),
                                 {d_out.data() + tile * kRaysATile * rows, kRaysATile,
                                  d_values.data() + tile * rows * kStride, d_weight.data() + i});
    ops::CompositeBackward(Tile(tile), Output(tile), {d_weight.data() + i, nullptr, d_raw.data() + i});
  }
  // [rays, samples] and [rays, samples, rows] from tiles.
  at::Tensor FromRow(const Buffer<float>& tiles) const {
    return at::from_blob(const_cast<float*>(tiles.data()), {kTiles, kStride}, at::kFloat)
        .slice(1, 0, kColumns)
        .reshape({kRays, kSamples})
        .contiguous();
  }
  at::Tensor FromRows(const Buffer<float>& tiles) const {
    return at::from_blob(const_cast<float*>(tiles.data()), {kTiles, rows, kStride}, at::kFloat)
        .slice(2, 0, kColumns)
        .permute({0, 2, 1})
        .reshape({kRays, kSamples, rows})
        .contiguous();
  }
  at::Tensor FromRays(const Buffer<float>& tiles) const {
    return at::from_blob(const_cast<float*>(tiles.data()), {kTiles, rows, kRaysATile}, at::kFloat)
        .permute({0, 2, 1})
        .reshape({kRays, rows})
        .contiguous();
  }
};

void RunCompositing(Table& table, int rows, const char* what) {
  Scene scene(rows);
  const at::Tensor raw = scene.FromRow(scene.raw), dt = scene.FromRow(scene.dt);
  const at::Tensor values = scene.FromRows(scene.values), d_out = scene.FromRays(scene.d_out);
  at::Tensor out, d_raw, d_values = at::zeros_like(values);
  Contest forward{[&] { ParallelFor(kTiles, [&](int64_t tile, int) { scene.Forward(tile); }); }};
  Contest both{[&] {
    ParallelFor(kTiles, [&](int64_t tile, int) {
      scene.Forward(tile);
      scene.Backward(tile);
    });
  }};
  for (const bool as_product : {true, false}) {
    forward.twins.push_back([&, as_product] {
      out = twin::CompositeValues(twin::CompositeForward(raw, dt).weight, values, as_product);
    });
    both.twins.push_back([&, as_product] {
      const twin::Composite c = twin::CompositeForward(raw, dt);
      out = twin::CompositeValues(c.weight, values, as_product);
      d_raw = twin::CompositeBackward(c, dt, values, d_out, as_product, d_values);
    });
  }
  const double value_bytes = 4.0 * static_cast<double>(rows * kTiles * kColumns);
  const double row_bytes = 4.0 * static_cast<double>(kTiles * kColumns);
  const auto footprint = static_cast<size_t>(value_bytes);
  const std::string name = fmt::format("{}, {}x{}", what, kRays, kSamples);
  const Times f = Race(forward, table.seconds());
  table.Add({"compositing forward", name, f.ours, f.twin, 4.0, "bandwidth",
             (value_bytes + 4 * row_bytes) / ReadRate(footprint), 1.5,
             RelativeDifference(scene.FromRays(scene.out), out)},
            1e-4);
  const Times b = Race(both, table.seconds());
  const double difference = std::max(RelativeDifference(scene.FromRow(scene.d_raw), d_raw),
                                     RelativeDifference(scene.FromRows(scene.d_values), d_values));
  table.Add({"compositing forw.+b.", name, b.ours, b.twin, 4.0, "bandwidth",
             (2 * value_bytes + 8 * row_bytes) / UpdateRate(2 * footprint), 1.5, difference},
            1e-4);
}

// An occupied shell around the centre.
ops::OccupancyGrid ShellGrid(int resolution, int thickness) {
  ops::OccupancyGrid grid(resolution);
  for (size_t cell = 0; cell < grid.num_cells(); ++cell) {
    const size_t r = resolution;
    double squared = 0;
    for (const size_t v : {cell % r, cell / r % r, cell / r / r}) {
      squared += std::pow(static_cast<double>(v) + 0.5 - resolution / 2, 2);
    }
    const double radius = std::sqrt(squared);
    if (radius > 0.35 * resolution && radius < 0.35 * resolution + thickness) grid.density()[cell] = 20;
  }
  grid.Rebuild(1);
  return grid;
}

// Rays from around the middle of the cube in all directions, also as columns of [3, count].
std::vector<Ray> RaysFromTheMiddle(int count, at::Tensor& origins, at::Tensor& directions) {
  std::vector<Ray> rays(count);
  Random random(1);
  for (int r = 0; r < count; ++r) {
    float norm = 0;
    for (int k = 0; k < 3; ++k) {
      rays[r].origin[k] = random.Uniform(-0.3f, 0.3f);
      rays[r].direction[k] = random.Uniform(-1, 1);
      norm += rays[r].direction[k] * rays[r].direction[k];
    }
    for (int k = 0; k < 3; ++k) {
      rays[r].direction[k] /= std::sqrt(norm);
      origins.data_ptr<float>()[k * count + r] = rays[r].origin[k];
      directions.data_ptr<float>()[k * count + r] = rays[r].direction[k];
    }
  }
  return rays;
}

void RunMarching(Table& table, int thickness) {
  constexpr int kMarchedRays = 1 << 13;
  constexpr int kMost = 1024;
  constexpr int64_t kRaysATask = 256;
  const ops::OccupancyGrid grid = ShellGrid(128, thickness);
  const SceneMap map{false, {0, 0, 0}, 1};
  ops::MarchOptions options;
  options.step = 2 * std::sqrt(3.0f) / kMost;
  at::Tensor origins = at::empty({3, kMarchedRays}, at::kFloat), directions = at::empty_like(origins);
  const std::vector<Ray> rays = RaysFromTheMiddle(kMarchedRays, origins, directions);
  at::Tensor occupied = at::empty({static_cast<int64_t>(grid.num_cells())}, at::kBool);
  for (uint32_t cell = 0; cell < grid.num_cells(); ++cell)
    occupied.data_ptr<bool>()[cell] = grid.Occupied(cell);

  constexpr int64_t kTasks = kMarchedRays / kRaysATask;
  std::vector<std::vector<float>> t(kTasks, std::vector<float>(kRaysATask * kMost)), dt = t;
  std::vector<int64_t> counts(kTasks);
  Contest contest{[&] {
    ParallelFor(kTasks, [&](int64_t task, int) {
      int64_t used = 0;
      for (int64_t r = task * kRaysATask; r < (task + 1) * kRaysATask; ++r) {
        used +=
            ops::MarchRay(map, grid, options, rays[r], 0.5f, {t[task].data() + used, dt[task].data() + used});
      }
      counts[task] = used;
    });
  }};
  twin::Samples samples;
  for (const int64_t chunk : {8, 32, 128}) {
    contest.twins.push_back([&, chunk] {
      samples = twin::March(origins, directions, occupied,
                            {.resolution = grid.resolution(),
                             .near_distance = options.near_distance,
                             .step = options.step,
                             .steps = kMost,
                             .chunk = chunk});
    });
  }
  const Times times = Race(contest, table.seconds());
  double count = 0, sum = 0;
  for (int64_t task = 0; task < kTasks; ++task) {
    count += static_cast<double>(counts[task]);
    for (int64_t i = 0; i < counts[task]; ++i) sum += t[task][i];
  }
  const double twin_count = static_cast<double>(samples.distance.size(0));
  const double twin_sum = samples.distance.sum(at::kDouble).item<double>();
  const double difference = std::max(std::abs(count / twin_count - 1), std::abs(sum / twin_sum - 1));
  // What must be moved: the samples written, a line of the grid for each.
  const double limit = 8 * count / UpdateRate(static_cast<size_t>(8 * count)) +
                       count * LineReadSeconds(grid.num_cells() / 8) * 0;
  table.Add(
      {"occupancy marching", fmt::format("{} rays, {:.0f} samples each", kMarchedRays, count / kMarchedRays),
       times.ours, times.twin, 4.0, "bandwidth", limit, 1.5, difference},
      1e-3);
}

}  // namespace

void CompositingKernels(Table& table) {
  if (!table.Wants("compositing")) return;
  RunCompositing(table, 4, "colour, depth");
  RunCompositing(table, 132, "colour, depth, 128");
}

void MarchingKernels(Table& table) {
  if (!table.Wants("marching")) return;
  for (const int thickness : {4, 16}) RunMarching(table, thickness);
}

void HarmonicsKernels(Table& table) {
  if (!table.Wants("harmonics")) return;
  constexpr int64_t kCount = 1 << 17;
  Random random(1);
  Buffer<float> direction[3], out(kCount / kColumns * 16 * kStride);
  for (Buffer<float>& d : direction) d.Resize(kCount);
  for (int64_t i = 0; i < kCount; ++i) {
    float v[3], norm = 0;
    for (float& c : v) c = random.Uniform(-1, 1), norm += c * c;
    for (int k = 0; k < 3; ++k) direction[k][i] = v[k] / std::sqrt(norm);
  }
  const auto wrap = [&](int k) { return at::from_blob(direction[k].data(), {kCount}, at::kFloat); };
  const at::Tensor x = wrap(0), y = wrap(1), z = wrap(2);
  at::Tensor twin_out = at::zeros({16, kCount}, at::kFloat);
  Contest contest{[&] {
    ParallelFor(kTiles, [&](int64_t tile, int) {
      const int64_t i = tile * kColumns;
      ops::SphericalHarmonics(direction[0].data() + i, direction[1].data() + i, direction[2].data() + i,
                              kColumns, out.data() + tile * 16 * kStride, kStride);
    });
  }};
  for (const int64_t chunk : {1 << 12, 1 << 14}) {
    contest.twins.push_back([&, chunk] { twin::SphericalHarmonics(x, y, z, twin_out, chunk); });
  }
  const Times times = Race(contest, table.seconds());
  const at::Tensor ours = at::from_blob(out.data(), {kTiles, 16, kStride}, at::kFloat)
                              .slice(2, 0, kColumns)
                              .permute({1, 0, 2})
                              .reshape({16, kCount});
  const double bytes = 4.0 * 19 * kCount;
  table.Add({"spherical harmonics", "2^17 directions", times.ours, times.twin, 0, "bandwidth",
             bytes / UpdateRate(static_cast<size_t>(bytes)), 1.5, RelativeDifference(ours, twin_out)},
            1e-5);
}

}  // namespace semfield::bench
