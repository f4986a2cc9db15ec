#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "bench/twin/twin.h"

namespace semfield::twin {
namespace {

constexpr int32_t kPrimeY = static_cast<int32_t>(2654435761u);
constexpr int32_t kPrimeZ = 805459861;

struct Axis {
  at::Tensor low, high;                // index parts of the two vertices, int32
  at::Tensor low_weight, high_weight;  // float
};

Axis LocateAxis(const at::Tensor& coordinate, float scale, int32_t factor) {
  const at::Tensor position = coordinate.mul(scale).add_(0.5);
  const at::Tensor cell = position.to(at::kInt);
  Axis axis;
  axis.high_weight = position.sub_(cell);
  axis.low_weight = at::rsub(axis.high_weight, 1.0);
  axis.low = factor == 1 ? cell : cell.mul(factor);
  axis.high = axis.low.add(factor);
  return axis;
}

// Indices and weights of a level's corners, corner = 4 z + 2 y + x; out tensors hold eight columns or rows.
struct Corners {
  at::Tensor index[8], weight[8];
};

template <class At>
void FindCorners(const ops::HashGridLevel& level, const at::Tensor& x, const at::Tensor& y,
                 const at::Tensor& z, const At& at_corner) {
  const int32_t resolution = static_cast<int32_t>(level.resolution);
  const Axis ax = LocateAxis(x, level.scale, 1);
  const Axis ay = LocateAxis(y, level.scale, level.dense ? resolution : kPrimeY);
  const Axis az = LocateAxis(z, level.scale, level.dense ? resolution * resolution : kPrimeZ);
  for (int k = 0; k < 4; ++k) {
    const at::Tensor& y_part = k & 1 ? ay.high : ay.low;
    const at::Tensor& z_part = k & 2 ? az.high : az.low;
    const at::Tensor yz = level.dense ? y_part.add(z_part) : y_part.bitwise_xor(z_part);
    const at::Tensor weight =
        (k & 1 ? ay.high_weight : ay.low_weight) * (k & 2 ? az.high_weight : az.low_weight);
    for (int side = 0; side < 2; ++side) {
      auto [index_out, weight_out] = at_corner(2 * k + side);
      const at::Tensor& x_part = side ? ax.high : ax.low;
      if (level.dense) {
        at::add_out(index_out, yz, x_part);
      } else {
        at::bitwise_xor_out(index_out, yz, x_part);
        index_out.bitwise_and_(static_cast<int32_t>(level.num_entries - 1));
      }
      at::mul_out(weight_out, weight, side ? ax.high_weight : ax.low_weight);
    }
  }
}

struct Points {
  at::Tensor x, y, z;
};

// One level of points [begin, end) to out's columns.
void ForwardLevel(const HashGrid& grid, size_t l, Gather gather, const Points& points, at::Tensor out) {
  const auto& [x, y, z] = points;
  const ops::HashGridLevel& level = grid.layout.levels[l];
  const int64_t count = x.size(0);
  if (gather == Gather::kEmbeddingBag) {
    at::Tensor index = at::empty({count, 8}, at::kInt), weight = at::empty({count, 8}, at::kFloat);
    FindCorners(level, x, y, z, [&](int c) { return std::pair(index.select(1, c), weight.select(1, c)); });
    const at::Tensor offsets = at::arange(0, count * 8, 8, at::kInt);
    out.copy_(std::get<0>(at::_embedding_bag_forward_only(grid.tables[l], index.view(-1), offsets, false, 0,
                                                          false, weight.view(-1))));
    return;
  }
  at::Tensor index = at::empty({8, count}, at::kInt), weight = at::empty({8, count}, at::kFloat);
  FindCorners(level, x, y, z, [&](int c) { return std::pair(index[c], weight[c]); });
  const int64_t features = grid.layout.config.features_per_level;
  at::Tensor rows = at::index_select(grid.tables[l], 0, index.view(-1)).view({8, count, features});
  rows.mul_(weight.unsqueeze(2));
  at::sum_out(out, rows, 0);
}

// body(begin, end) for pieces of [0, count), on the threads; chunk 0: one piece, whose operations use the
// threads.
template <class Body>
void ForChunks(int64_t count, int64_t chunk, const Body& body) {
  if (chunk <= 0) return body(int64_t{0}, count);
  const int64_t pieces = (count + chunk - 1) / chunk;
  at::parallel_for(0, pieces, 1, [&](int64_t first, int64_t last) {
    const c10::InferenceMode no_autograd;
    for (int64_t piece = first; piece < last; ++piece)
      body(piece * chunk, std::min(count, (piece + 1) * chunk));
  });
}

}  // namespace

HashGrid MakeHashGrid(const ops::HashGridLayout& layout, const float* parameters) {
  HashGrid grid;
  grid.layout = layout;
  for (const ops::HashGridLevel& level : layout.levels) {
    const int64_t entries = level.num_entries, features = layout.config.features_per_level;
    at::Tensor table = at::empty({entries, features}, at::kFloat);
    std::copy_n(parameters + level.offset, table.numel(), table.data_ptr<float>());
    grid.tables.push_back(table);
    grid.gradients.push_back(at::zeros({entries, features}, at::kFloat));
  }
  return grid;
}

void HashGridForward(const HashGrid& grid, const GridPlan& plan, const at::Tensor& x, const at::Tensor& y,
                     const at::Tensor& z, at::Tensor& out) {
  const c10::InferenceMode no_autograd;
  const int64_t features = grid.layout.config.features_per_level;
  for (size_t l = 0; l < grid.tables.size(); ++l) {
    ForChunks(x.size(0), plan.chunk, [&](int64_t begin, int64_t end) {
      ForwardLevel(grid, l, plan.gather,
                   {x.slice(0, begin, end), y.slice(0, begin, end), z.slice(0, begin, end)},
                   out.slice(0, begin, end).slice(1, l * features, (l + 1) * features));
    });
  }
}

void HashGridBackward(HashGrid& grid, const at::Tensor& x, const at::Tensor& y, const at::Tensor& z,
                      const at::Tensor& d_out) {
  const int64_t features = grid.layout.config.features_per_level;
  const int64_t num_levels = static_cast<int64_t>(grid.tables.size());
  constexpr int64_t kChunk = 1 << 14;  // intermediate tensors stay in the second-level cache
  at::parallel_for(0, num_levels, 1, [&](int64_t first, int64_t last) {
    const c10::InferenceMode no_autograd;
    for (int64_t l = first; l < last; ++l) {
      for (int64_t begin = 0; begin < x.size(0); begin += kChunk) {
        const int64_t end = std::min(x.size(0), begin + kChunk), count = end - begin;
        at::Tensor index = at::empty({8, count}, at::kInt), weight = at::empty({8, count}, at::kFloat);
        FindCorners(grid.layout.levels[l], x.slice(0, begin, end), y.slice(0, begin, end),
                    z.slice(0, begin, end), [&](int c) { return std::pair(index[c], weight[c]); });
        const at::Tensor d =
            d_out.slice(0, begin, end).slice(1, l * features, (l + 1) * features).t().contiguous();
        const at::Tensor products = d.unsqueeze(1) * weight.unsqueeze(0);  // [features, 8, count]
        const at::Tensor wide = index.view(-1).to(at::kLong).expand({features, 8 * count});
        grid.gradients[l].t().scatter_add_(1, wide, products.view({features, 8 * count}));
      }
    }
  });
}

void HashGridRaysForward(const HashGrid& grid, const GridPlan& plan, const RaySamples& samples,
                         at::Tensor& out) {
  const at::Tensor &x = samples.x, &y = samples.y, &z = samples.z, &weight = samples.weight;
  const int64_t samples_per_ray = samples.samples_per_ray;
  const c10::InferenceMode no_autograd;
  const int64_t features = grid.layout.config.features_per_level;
  const int64_t rays = x.size(0) / samples_per_ray;
  const int64_t ray_chunk = plan.chunk / samples_per_ray;
  for (size_t l = 0; l < grid.tables.size(); ++l) {
    ForChunks(rays, ray_chunk, [&](int64_t ray_begin, int64_t ray_end) {
      const int64_t begin = ray_begin * samples_per_ray, end = ray_end * samples_per_ray, count = end - begin;
      at::Tensor out_part = out.slice(0, ray_begin, ray_end).slice(1, l * features, (l + 1) * features);
      const at::Tensor px = x.slice(0, begin, end), py = y.slice(0, begin, end), pz = z.slice(0, begin, end);
      if (plan.gather == Gather::kEmbeddingBag) {  // one bag a ray
        at::Tensor index = at::empty({count, 8}, at::kInt), corner = at::empty({count, 8}, at::kFloat);
        FindCorners(grid.layout.levels[l], px, py, pz,
                    [&](int c) { return std::pair(index.select(1, c), corner.select(1, c)); });
        corner.mul_(weight.slice(0, begin, end).unsqueeze(1));
        const at::Tensor offsets = at::arange(0, count * 8, 8 * samples_per_ray, at::kInt);
        out_part.copy_(std::get<0>(at::_embedding_bag_forward_only(grid.tables[l], index.view(-1), offsets,
                                                                   false, 0, false, corner.view(-1))));
        return;
      }
      at::Tensor encoded = at::empty({count, features}, at::kFloat);
      ForwardLevel(grid, l, plan.gather, {px, py, pz}, encoded);
      encoded.mul_(weight.slice(0, begin, end).unsqueeze(1));
      at::sum_out(out_part, encoded.view({ray_end - ray_begin, samples_per_ray, features}), 1);
    });
  }
}

}  // namespace semfield::twin
