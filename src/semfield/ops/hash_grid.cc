#include "semfield/ops/hash_grid.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/ops/hash_grid_common.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "semfield/ops/hash_grid.cc"
#include <hwy/foreach_target.h>  // compiles this file once for every target

#include <hwy/highway.h>

#include "semfield/ops/hash_grid_interpolation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semfield::ops::hash_grid::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ---- Forward
// ----------------------------------------------------------------------------------------------------

template <int kFeatures, bool kDense>
void Forward(const ForwardJob& job) {
  const int64_t count = job.points.count;
  ForEachBlock<kFeatures, kDense>(job, 0, count, nullptr, [&](int64_t i, const Corners& corners) HWY_ATTR {
    if (i + kBlock <= count) {
      Interpolate<kFeatures, kDense, false>(job.table, corners, job.out + i, job.stride);
      return;
    }
    alignas(64) float rows[kFeatures][kBlock];
    Interpolate<kFeatures, kDense, false>(job.table, corners, rows[0], kBlock);
    for (int f = 0; f < kFeatures; ++f) std::copy_n(rows[f], count - i, job.out + f * job.stride + i);
  });
}

template <int kFeatures, bool kDense>
void RaysForward(const ForwardJob& job, const GridRays& rays) {
  const hn::CappedTag<float, kFeatures> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int64_t ray = 0;
  alignas(64) float sum[kFeatures] = {};
  const auto finish_rays = [&](int64_t point) {  // all that end at or before `point`
    while (ray < rays.count && rays.begin[ray + 1] <= point) {
      for (int f = 0; f < kFeatures; ++f) {
        job.out[f * job.stride + ray] = sum[f];
        sum[f] = 0;
      }
      ++ray;
    }
  };
  const int64_t begin = rays.begin[0];
  const int64_t end = rays.begin[rays.count];
  finish_rays(begin);
  ForEachBlock<kFeatures, kDense>(
      job, begin, end, rays.weights, [&](int64_t i, const Corners& corners) HWY_ATTR {
        alignas(64) float values[kBlock * kFeatures];
        Interpolate<kFeatures, kDense, true>(job.table, corners, values, 0);
        const int64_t block_end = std::min<int64_t>(i + kBlock, end);
        for (int64_t p = i; p < block_end;) {
          const int64_t stop = std::min<int64_t>(rays.begin[ray + 1], block_end);
          for (int f = 0; f < kFeatures; f += lanes) {
            auto total = hn::Load(d, sum + f);
            for (int64_t q = p; q < stop; ++q)
              total = hn::Add(total, hn::Load(d, values + (q - i) * kFeatures + f));
            hn::Store(total, d, sum + f);
          }
          p = stop;
          finish_rays(p);
        }
      });
}

// ---- Backward
// ---------------------------------------------------------------------------------------------------

// A block whose gradients wait to be added.
template <int kFeatures>
struct alignas(64) Pending {
  Corners corners;
  float d_out[kBlock][kFeatures];
  uint32_t active = 0;  // bit per point with something to add
  uint32_t first = 0;   // bit per active point that does not follow one in the same cell
};

// Adds point by point.
template <int kFeatures>
HWY_NOINLINE void AddPoints(const Pending<kFeatures>& pending, float* gradient) {
  const hn::CappedTag<float, kFeatures> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (uint32_t left = pending.active; left != 0; left &= left - 1) {
    const int lane = std::countr_zero(left);
    for (int f = 0; f < kFeatures; f += lanes) {
      const auto d_out = hn::Load(d, pending.d_out[lane] + f);
      for (int c = 0; c < kCorners; ++c) {
        float* target = gradient + pending.corners.offset[c][lane] + f;
        const auto weight = hn::Set(d, pending.corners.weight[c][lane]);
        hn::StoreU(hn::MulAdd(weight, d_out, hn::LoadU(d, target)), d, target);
      }
    }
  }
}

// Adds points that follow each other in one cell together. `first`: bit per point that enters another cell.
template <int kFeatures>
HWY_NOINLINE void AddRuns(const Pending<kFeatures>& pending, uint32_t first, float* gradient) {
  const hn::CappedTag<float, kFeatures> d;
  using Vector = hn::Vec<decltype(d)>;
  const int lanes = static_cast<int>(hn::Lanes(d));
  for (uint32_t left = first; left != 0; left &= left - 1) {
    const int begin = std::countr_zero(left);
    const uint32_t after = left & (left - 1);
    const int end = after == 0 ? kBlock : std::countr_zero(after);
    for (int f = 0; f < kFeatures; f += lanes) {
      Vector sums[kCorners];
      for (Vector& sum : sums) sum = hn::Zero(d);
      for (int lane = begin; lane < end; ++lane) {
        const auto d_out = hn::Load(d, pending.d_out[lane] + f);
        for (int c = 0; c < kCorners; ++c) {
          sums[c] = hn::MulAdd(hn::Set(d, pending.corners.weight[c][lane]), d_out, sums[c]);
        }
      }
      for (int c = 0; c < kCorners; ++c) {
        float* target = gradient + pending.corners.offset[c][begin] + f;
        hn::StoreU(hn::Add(sums[c], hn::LoadU(d, target)), d, target);
      }
    }
  }
}

// Runs pay when the block has few: a short one costs a mispredicted branch, and the sum over a long one in
// memory waits for every store before the next load.
template <int kFeatures>
HWY_INLINE void AddBlock(const Pending<kFeatures>& pending, float* gradient) {
  if (pending.active == kAllPoints && std::popcount(pending.first) <= kMostRuns) {
    AddRuns(pending, pending.first, gradient);
  } else {
    AddPoints(pending, gradient);
  }
}

template <int kFeatures, bool kDense>
HWY_INLINE void PrefetchPending(const Pending<kFeatures>& pending, const float* gradient) {
  if (std::popcount(pending.first) > kBlock / 2) return PrefetchBlock<kDense>(gradient, pending.corners);
  for (uint32_t left = pending.first; left != 0; left &= left - 1) {
    PrefetchLane<kDense>(gradient, pending.corners, std::countr_zero(left));
  }
}

// fill(first point, pending) sets d_out and active of up to 16 points.
template <int kFeatures, bool kDense, class Fill>
HWY_INLINE void ScatterBlocks(const BackwardJob& job, int64_t begin, int64_t end, const float* factors,
                              Fill fill) {
  Pending<kFeatures> blocks[2];
  int current = 0;
  for (int64_t i = begin; i < end; i += kBlock) {
    Pending<kFeatures>& next = blocks[current ^ 1];
    fill(i, next);
    if (next.active == 0) continue;
    FindCorners<kFeatures, kDense>(job.level, job.points, i, end, factors, next.corners);
    next.first = next.active & (CellChanges(next.corners) | ~(next.active << 1));
    if (job.level.prefetch_gradient) PrefetchPending<kFeatures, kDense>(next, job.gradient);
    AddBlock(blocks[current], job.gradient);
    blocks[current].active = 0;
    current ^= 1;
  }
  AddBlock(blocks[current], job.gradient);
}

// Turns 16 columns of d_out to points.
template <int kFeatures>
HWY_NOINLINE void FillPending(const float* d_out, size_t stride, Pending<kFeatures>& pending) {
  const FloatTag d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  pending.active = 0;
  for (int lane = 0; lane < kBlock; lane += lanes) {
    auto any = hn::Zero(d);
    for (int f = 0; f < kFeatures; ++f) any = hn::Or(any, hn::Abs(hn::LoadU(d, d_out + f * stride + lane)));
    uint8_t bits[8] = {};
    hn::StoreMaskBits(IndexTag(), hn::Ne(hn::BitCast(IndexTag(), any), hn::Zero(IndexTag())), bits);
    pending.active |= (bits[0] | static_cast<uint32_t>(bits[1]) << 8) << lane;
    const auto row = [&](int f) HWY_ATTR { return hn::LoadU(d, d_out + f * stride + lane); };
#if HWY_TARGET == HWY_SCALAR
    for (int f = 0; f < kFeatures; ++f) hn::Store(row(f), d, pending.d_out[lane] + f);
#else
    if constexpr (kFeatures == 2) {
      hn::StoreInterleaved2(row(0), row(1), d, pending.d_out[lane]);
    } else {
      for (int f = 0; f < kFeatures; f += 4) {
        FloatVector a = row(f), b = row(f + 1), c = row(f + 2), e = row(f + 3);
        TransposeQuads(a, b, c, e);
        StoreQuads<kFeatures, true>({a, b, c, e}, lane, f, pending.d_out[0], 0);
      }
    }
#endif
  }
}

template <int kFeatures, bool kDense>
void Backward(const BackwardJob& job) {
  const int64_t count = job.points.count;
  const auto fill = [&](int64_t i, Pending<kFeatures>& pending) HWY_ATTR {
    if (i + kBlock <= count) return FillPending(job.d_out + i, job.stride, pending);
    alignas(64) float rows[kFeatures][kBlock] = {};
    for (int f = 0; f < kFeatures; ++f) std::copy_n(job.d_out + f * job.stride + i, count - i, rows[f]);
    FillPending(rows[0], kBlock, pending);
  };
  ScatterBlocks<kFeatures, kDense>(job, 0, count, nullptr, fill);
}

template <int kFeatures, bool kDense>
void RaysBackward(const BackwardJob& job, const GridRays& rays) {
  const hn::CappedTag<float, kFeatures> d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const int64_t begin = rays.begin[0];
  const int64_t end = rays.begin[rays.count];
  int64_t ray = -1;
  alignas(64) float d_ray[kFeatures] = {};
  bool any = false;
  const auto fill = [&](int64_t i, Pending<kFeatures>& pending) HWY_ATTR {
    pending.active = 0;
    const int64_t block_end = std::min<int64_t>(i + kBlock, end);
    for (int64_t p = i; p < block_end;) {
      while (ray < 0 || rays.begin[ray + 1] <= p) {
        ++ray;
        any = false;
        for (int f = 0; f < kFeatures; ++f) {
          d_ray[f] = job.d_out[f * job.stride + ray];
          any |= d_ray[f] != 0;
        }
      }
      const int64_t stop = std::min<int64_t>(rays.begin[ray + 1], block_end);
      for (int f = 0; f < kFeatures; f += lanes) {
        const auto value = hn::Load(d, d_ray + f);
        for (int64_t q = p; q < stop; ++q) hn::Store(value, d, pending.d_out[q - i] + f);
      }
      if (any) pending.active |= ((1u << (stop - p)) - 1) << (p - i);
      p = stop;
    }
  };
  ScatterBlocks<kFeatures, kDense>(job, begin, end, rays.weights, fill);
}

// ---- One entry per operation and target
// -------------------------------------------------------------------------

template <template <int, bool> class Kernel, class... Arguments>
void Select(int features, bool dense, const Arguments&... arguments) {
  if (features == 2) return dense ? Kernel<2, true>::Run(arguments...) : Kernel<2, false>::Run(arguments...);
  if (features == 4) return dense ? Kernel<4, true>::Run(arguments...) : Kernel<4, false>::Run(arguments...);
  return dense ? Kernel<8, true>::Run(arguments...) : Kernel<8, false>::Run(arguments...);
}

template <int kFeatures, bool kDense>
struct ForwardKernel {
  static void Run(const ForwardJob& job) { Forward<kFeatures, kDense>(job); }
  static void Run(const ForwardJob& job, const GridRays& rays) { RaysForward<kFeatures, kDense>(job, rays); }
};

template <int kFeatures, bool kDense>
struct BackwardKernel {
  static void Run(const BackwardJob& job) { Backward<kFeatures, kDense>(job); }
  static void Run(const BackwardJob& job, const GridRays& rays) {
    RaysBackward<kFeatures, kDense>(job, rays);
  }
};

void ForwardPoints(int features, const ForwardJob& job) {
  Select<ForwardKernel>(features, job.level.dense, job);
}
void ForwardRays(int features, const ForwardJob& job, const GridRays& rays) {
  Select<ForwardKernel>(features, job.level.dense, job, rays);
}
void BackwardPoints(int features, const BackwardJob& job) {
  Select<BackwardKernel>(features, job.level.dense, job);
}
void BackwardRays(int features, const BackwardJob& job, const GridRays& rays) {
  Select<BackwardKernel>(features, job.level.dense, job, rays);
}

}  // namespace semfield::ops::hash_grid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semfield::ops {
namespace hash_grid {
namespace {
HWY_EXPORT(ForwardPoints);
HWY_EXPORT(ForwardRays);
HWY_EXPORT(BackwardPoints);
HWY_EXPORT(BackwardRays);

// Within the kernels' namespace, so that a build for a single instruction set finds them too.
void RunForward(int features, const ForwardJob& job) {
  HWY_DYNAMIC_DISPATCH(ForwardPoints)(features, job);
}
void RunForward(int features, const ForwardJob& job, const GridRays& rays) {
  HWY_DYNAMIC_DISPATCH(ForwardRays)(features, job, rays);
}
void RunBackward(int features, const BackwardJob& job) {
  HWY_DYNAMIC_DISPATCH(BackwardPoints)(features, job);
}
void RunBackward(int features, const BackwardJob& job, const GridRays& rays) {
  HWY_DYNAMIC_DISPATCH(BackwardRays)(features, job, rays);
}
}  // namespace
}  // namespace hash_grid

HashGridLayout MakeHashGridLayout(const HashGridConfig& config) {
  SF_CHECK(config.num_levels >= 1 && config.num_levels <= 32);
  const int features = config.features_per_level;
  SF_CHECK(features == 2 || features == 4 || features == 8);
  SF_CHECK(config.log2_table_size >= 4 && config.log2_table_size <= 24);
  SF_CHECK_GE(config.base_resolution, 2);
  SF_CHECK_GE(config.finest_resolution, config.base_resolution);
  SF_CHECK_LE(config.finest_resolution, 1 << 16);  // single precision has no digits left for cells of more

  HashGridLayout layout;
  layout.config = config;
  const uint64_t table_size = uint64_t{1} << config.log2_table_size;
  // b of Instant NGP Eq. 3.
  const double growth = config.num_levels == 1
                            ? 1.0
                            : std::pow(static_cast<double>(config.finest_resolution) / config.base_resolution,
                                       1.0 / (config.num_levels - 1));
  for (int l = 0; l < config.num_levels; ++l) {
    HashGridLevel level;
    // Instant NGP Eq. 2 without rounding down.
    level.scale = static_cast<float>(config.base_resolution * std::pow(growth, l) - 1.0);
    // The last point lies in cell floor(scale + 0.5), which needs one vertex more.
    level.resolution = static_cast<uint32_t>(level.scale + 0.5f) + 2;
    const uint64_t vertices = uint64_t{level.resolution} * level.resolution * level.resolution;
    level.dense = vertices <= table_size;
    level.num_entries = static_cast<uint32_t>(level.dense ? (vertices + 15) / 16 * 16 : table_size);
    level.offset = layout.num_parameters;
    layout.num_parameters += size_t{level.num_entries} * features;
    layout.levels.push_back(level);
  }
  return layout;
}

void HashGridForward(const HashGridLayout& layout, int level, const Half* table, const GridPoints& points,
                     float* out, size_t out_stride) {
  const hash_grid::ForwardJob job{hash_grid::MakeLevel(layout, level), table + layout.levels[level].offset,
                                  points, out, out_stride};
  hash_grid::RunForward(layout.config.features_per_level, job);
}

void HashGridBackward(const HashGridLayout& layout, int level, const GridPoints& points, const float* d_out,
                      size_t d_out_stride, float* gradient) {
  const hash_grid::BackwardJob job{hash_grid::MakeLevel(layout, level), points, d_out, d_out_stride,
                                   gradient + layout.levels[level].offset};
  hash_grid::RunBackward(layout.config.features_per_level, job);
}

void HashGridRaysForward(const HashGridLayout& layout, int level, const Half* table, const GridRays& rays,
                         float* out, size_t out_stride) {
  if (rays.count <= 0) return;
  SF_CHECK_LE(rays.begin[rays.count], rays.points.count);
  const hash_grid::ForwardJob job{hash_grid::MakeLevel(layout, level), table + layout.levels[level].offset,
                                  rays.points, out, out_stride};
  hash_grid::RunForward(layout.config.features_per_level, job, rays);
}

void HashGridRaysBackward(const HashGridLayout& layout, int level, const GridRays& rays, const float* d_out,
                          size_t d_out_stride, float* gradient) {
  if (rays.count <= 0) return;
  SF_CHECK_LE(rays.begin[rays.count], rays.points.count);
  const hash_grid::BackwardJob job{hash_grid::MakeLevel(layout, level), rays.points, d_out, d_out_stride,
                                   gradient + layout.levels[level].offset};
  hash_grid::RunBackward(layout.config.features_per_level, job, rays);
}

}  // namespace semfield::ops
#endif  // HWY_ONCE
