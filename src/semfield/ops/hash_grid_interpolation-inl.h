// Compiled once for every instruction set, by hash_grid.cc and hash_grid_position.cc: cells and weights of 16
// points, and their interpolation.
#if defined(SEMFIELD_OPS_HASH_GRID_INTERPOLATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SEMFIELD_OPS_HASH_GRID_INTERPOLATION_INL_H_
#undef SEMFIELD_OPS_HASH_GRID_INTERPOLATION_INL_H_
#else
#define SEMFIELD_OPS_HASH_GRID_INTERPOLATION_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "semfield/ops/hash_grid_common.h"

HWY_BEFORE_NAMESPACE();
namespace semfield::ops::hash_grid::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using IntTag = hn::Rebind<int32_t, FloatTag>;
using IndexTag = hn::Rebind<uint32_t, FloatTag>;
using FloatVector = hn::Vec<FloatTag>;
using IndexVector = hn::Vec<IndexTag>;

// ---- Corners
// ----------------------------------------------------------------------------------------------------

struct Axis {
  IndexVector cell;
  FloatVector low;   // weight of vertex `cell`
  FloatVector high;  // weight of vertex `cell` + 1
};

HWY_INLINE Axis Locate(const float* coordinate, float scale) {
  const FloatTag d;
  const IntTag di;
  const IndexTag du;
  const auto raw = hn::LoadU(d, coordinate);
  // Written so that NaN becomes 0: a comparison with it is false.
  const auto clamped = hn::Min(hn::IfThenElseZero(hn::Gt(raw, hn::Zero(d)), raw), hn::Set(d, 1.0f));
  const auto position = hn::MulAdd(clamped, hn::Set(d, scale), hn::Set(d, 0.5f));
  const auto cell = hn::ConvertTo(di, position);  // positive: truncation is floor
  const auto fraction = hn::Sub(position, hn::ConvertTo(d, cell));
  return {hn::BitCast(du, cell), hn::Sub(hn::Set(d, 1.0f), fraction), fraction};
}

template <int kFeatures>
HWY_INLINE IndexVector ToOffset(IndexVector entry) {
  constexpr int kShift = kFeatures == 2 ? 1 : kFeatures == 4 ? 2 : 3;
  return hn::ShiftLeft<kShift>(entry);
}

template <int kFeatures, bool kDense>
HWY_INLINE void StoreOffsets(const Level& level, const Axis& x, const Axis& y, const Axis& z, int lane,
                             Corners& corners) {
  const IndexTag du;
  const auto one = hn::Set(du, 1u);
  const auto step_y = hn::Set(du, kDense ? level.resolution : kHashPrimeY);
  const auto step_z = hn::Set(du, kDense ? level.resolution * level.resolution : kHashPrimeZ);
  const auto mask = hn::Set(du, level.mask);
  const auto y_low = hn::Mul(y.cell, step_y);
  const auto z_low = hn::Mul(z.cell, step_z);
  const IndexVector y_part[2] = {y_low, hn::Add(y_low, step_y)};
  const IndexVector z_part[2] = {z_low, hn::Add(z_low, step_z)};
  const auto x_high = hn::Add(x.cell, one);
  for (int c = 0; c < kCorners; c += 2) {
    const auto& yc = y_part[(c >> 1) & 1];
    const auto& zc = z_part[c >> 2];
    if constexpr (kDense) {
      const auto low = ToOffset<kFeatures>(hn::Add(hn::Add(yc, zc), x.cell));
      hn::Store(low, du, corners.offset[c] + lane);
      hn::Store(hn::Add(low, hn::Set(du, kFeatures)), du, corners.offset[c + 1] + lane);
    } else {
      const auto yz = hn::Xor(yc, zc);
      const auto low = hn::And(hn::Xor(yz, x.cell), mask);
      const auto high = hn::And(hn::Xor(yz, x_high), mask);
      hn::Store(ToOffset<kFeatures>(low), du, corners.offset[c] + lane);
      hn::Store(ToOffset<kFeatures>(high), du, corners.offset[c + 1] + lane);
    }
  }
}

// `factors`: 16 numbers that multiply the weights, or null.
template <int kFeatures, bool kDense>
HWY_NOINLINE void FindCorners(const Level& level, const float* x, const float* y, const float* z,
                              const float* factors, Corners& corners) {
  const FloatTag d;
  for (int lane = 0; lane < kBlock; lane += static_cast<int>(hn::Lanes(d))) {
    const Axis ax = Locate(x + lane, level.scale);
    const Axis ay = Locate(y + lane, level.scale);
    Axis az = Locate(z + lane, level.scale);
    StoreOffsets<kFeatures, kDense>(level, ax, ay, az, lane, corners);
    hn::Store(ax.cell, IndexTag(), corners.cell[0] + kBlock + lane);
    hn::Store(ay.cell, IndexTag(), corners.cell[1] + kBlock + lane);
    hn::Store(az.cell, IndexTag(), corners.cell[2] + kBlock + lane);
    if (factors != nullptr) {
      const auto factor = hn::LoadU(d, factors + lane);
      az.low = hn::Mul(az.low, factor);
      az.high = hn::Mul(az.high, factor);
    }
    const FloatVector yz[4] = {hn::Mul(ay.low, az.low), hn::Mul(ay.high, az.low), hn::Mul(ay.low, az.high),
                               hn::Mul(ay.high, az.high)};
    for (int k = 0; k < 4; ++k) {
      hn::Store(hn::Mul(ax.low, yz[k]), d, corners.weight[2 * k] + lane);
      hn::Store(hn::Mul(ax.high, yz[k]), d, corners.weight[2 * k + 1] + lane);
    }
  }
}

// Finds the corners of points [begin, begin + 16); points from `end` on are replaced by the origin.
template <int kFeatures, bool kDense>
HWY_INLINE void FindCorners(const Level& level, const GridPoints& points, int64_t begin, int64_t end,
                            const float* factors, Corners& corners) {
  if (begin + kBlock <= end) {
    FindCorners<kFeatures, kDense>(level, points.x + begin, points.y + begin, points.z + begin,
                                   factors == nullptr ? nullptr : factors + begin, corners);
    return;
  }
  PointBlock block{};
  alignas(64) float block_factors[kBlock] = {};
  const auto rest = static_cast<size_t>(end - begin);
  std::copy_n(points.x + begin, rest, block.x);
  std::copy_n(points.y + begin, rest, block.y);
  std::copy_n(points.z + begin, rest, block.z);
  if (factors != nullptr) std::copy_n(factors + begin, rest, block_factors);
  FindCorners<kFeatures, kDense>(level, block.x, block.y, block.z,
                                 factors == nullptr ? nullptr : block_factors, corners);
}

// Bit per point that lies in another cell than the point before it; the first always does.
HWY_INLINE uint32_t CellChanges(const Corners& corners) {
  const IndexTag du;
  uint32_t changes = 0;
  for (int lane = 0; lane < kBlock; lane += static_cast<int>(hn::Lanes(du))) {
    auto difference = hn::Zero(du);
    for (int axis = 0; axis < 3; ++axis) {
      const uint32_t* cell = corners.cell[axis] + lane;
      const auto before = hn::LoadU(du, cell + kBlock - 1);
      difference = hn::Or(difference, hn::Xor(hn::Load(du, cell + kBlock), before));
    }
    uint8_t bits[8] = {};
    hn::StoreMaskBits(du, hn::Ne(difference, hn::Zero(du)), bits);
    changes |= (bits[0] | static_cast<uint32_t>(bits[1]) << 8) << lane;
  }
  return changes | 1u;
}

// The two ends of an edge along x are neighbours in a dense level, and mostly one cache line holds both. In a
// hashed one they differ in the lowest bits of the index, often in another line.
template <bool kDense, class T>
HWY_INLINE void PrefetchLane(const T* base, const Corners& corners, int lane) {
  for (int c = 0; c < kCorners; c += kDense ? 2 : 1) hwy::Prefetch(base + corners.offset[c][lane]);
}

template <bool kDense, class T>
HWY_INLINE void PrefetchBlock(const T* base, const Corners& corners) {
  for (int c = 0; c < kCorners; c += kDense ? 2 : 1) {
    for (int lane = 0; lane < kBlock; ++lane) hwy::Prefetch(base + corners.offset[c][lane]);
  }
}

// Copies entries of two halves, one by one: a processor's own gather takes longer, and a block later they lie
// in L1 as vectors.
inline HWY_NOINLINE void FetchPairs(const Half* table, Corners& corners) {
  for (int c = 0; c < kCorners; ++c) {
    HWY_UNROLL(16)
    for (int lane = 0; lane < kBlock; ++lane) {
      uint32_t pair;
      std::memcpy(&pair, table + corners.offset[c][lane], sizeof(pair));
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
      asm volatile("" : "+r"(pair));  // or the compiler makes a gather of it
#endif
      corners.pair[c][lane] = pair;
    }
  }
}

// ---- Interpolation of 16 points
// ---------------------------------------------------------------------------------

#if HWY_TARGET == HWY_SCALAR

template <int kFeatures, bool kDense, bool kByPoint>
HWY_NOINLINE void Interpolate(const Half* table, const Corners& corners, float* out, size_t stride) {
  for (int lane = 0; lane < kBlock; ++lane) {
    float sum[kFeatures] = {};
    for (int c = 0; c < kCorners; ++c) {
      const Half* entry = table + corners.offset[c][lane];
      for (int f = 0; f < kFeatures; ++f) sum[f] += corners.weight[c][lane] * HalfToFloat(entry[f]);
    }
    for (int f = 0; f < kFeatures; ++f) out[kByPoint ? lane * kFeatures + f : f * stride + lane] = sum[f];
  }
}

#else

// Vectors are seen as blocks of four floats. While gathering, block b of "quad" j holds four numbers of point
// 4 b + j, so that a weight is spread by an in-block broadcast, and an in-block 4x4 transposition yields rows
// of points.
constexpr int kLanes = static_cast<int>(hn::MaxLanes(FloatTag()));

template <class D>
HWY_INLINE hn::Vec<D> ToFloat(D d, hn::Vec<hn::Rebind<uint16_t, D> > halves) {
  return hn::PromoteTo(d, hn::BitCast(hn::Rebind<hwy::float16_t, D>(), halves));
}

// Four numbers from each of table[offset[0]], [4], [8], [12], as many as the vector has blocks.
template <class D>
HWY_INLINE hn::Vec<D> GatherQuad(D d, const Half* table, const uint32_t* offset) {
  const hn::FixedTag<uint16_t, 4> d4;
  if constexpr (hn::MaxLanes(d) == 4) {
    return ToFloat(d, hn::LoadU(d4, table + offset[0]));
  } else {
    const hn::FixedTag<uint16_t, 8> d8;
    const auto low = hn::Combine(d8, hn::LoadU(d4, table + offset[4]), hn::LoadU(d4, table + offset[0]));
    if constexpr (hn::MaxLanes(d) == 8) {
      return ToFloat(d, low);
    } else {
      const auto high = hn::Combine(d8, hn::LoadU(d4, table + offset[12]), hn::LoadU(d4, table + offset[8]));
      return ToFloat(d, hn::Combine(hn::Rebind<uint16_t, D>(), high, low));
    }
  }
}

// Eight numbers each: the first four to `first`, the others to `second`.
template <class D>
HWY_INLINE void GatherQuadPair(D d, const Half* table, const uint32_t* offset, hn::Vec<D>& first,
                               hn::Vec<D>& second) {
  if constexpr (hn::MaxLanes(d) == 4) {
    first = GatherQuad(d, table, offset);
    second = GatherQuad(d, table + 4, offset);
  } else {
    const hn::FixedTag<uint16_t, 8> d8;
    const hn::Rebind<uint16_t, D> dh;
    const hn::Repartition<uint64_t, decltype(dh)> d64;
    const auto even0 = hn::LoadU(d8, table + offset[0]);
    const auto odd0 = hn::LoadU(d8, table + offset[4]);
    const auto both = [&](auto even, auto odd) HWY_ATTR {
      const auto even64 = hn::BitCast(d64, even);
      const auto odd64 = hn::BitCast(d64, odd);
      first = ToFloat(d, hn::BitCast(dh, hn::InterleaveLower(d64, even64, odd64)));
      second = ToFloat(d, hn::BitCast(dh, hn::InterleaveUpper(d64, even64, odd64)));
    };
    if constexpr (hn::MaxLanes(d) == 8) {
      both(even0, odd0);
    } else {
      both(hn::Combine(dh, hn::LoadU(d8, table + offset[8]), even0),
           hn::Combine(dh, hn::LoadU(d8, table + offset[12]), odd0));
    }
  }
}

// In every block of four: rows to columns.
HWY_INLINE void TransposeQuads(FloatVector& a, FloatVector& b, FloatVector& c, FloatVector& e) {
  const FloatTag d;
  const hn::Repartition<uint64_t, FloatTag> d64;
  const auto ab_low = hn::BitCast(d64, hn::InterleaveLower(d, a, b));
  const auto ab_high = hn::BitCast(d64, hn::InterleaveUpper(d, a, b));
  const auto ce_low = hn::BitCast(d64, hn::InterleaveLower(d, c, e));
  const auto ce_high = hn::BitCast(d64, hn::InterleaveUpper(d, c, e));
  a = hn::BitCast(d, hn::InterleaveLower(d64, ab_low, ce_low));
  b = hn::BitCast(d, hn::InterleaveUpper(d64, ab_low, ce_low));
  c = hn::BitCast(d, hn::InterleaveLower(d64, ab_high, ce_high));
  e = hn::BitCast(d, hn::InterleaveUpper(d64, ab_high, ce_high));
}

// The sums of four quads as rows of points, or point by point.
struct Quads {
  FloatVector a, b, c, e;
};
template <int kFeatures, bool kByPoint>
HWY_INLINE void StoreQuads(Quads sums, int lane, int feature, float* out, size_t stride) {
  const FloatTag d;
  auto& [a, b, c, e] = sums;
  if constexpr (kByPoint) {
    alignas(64) float quads[4][kLanes];
    hn::Store(a, d, quads[0]);
    hn::Store(b, d, quads[1]);
    hn::Store(c, d, quads[2]);
    hn::Store(e, d, quads[3]);
    const hn::FixedTag<float, 4> d4;
    for (int p = 0; p < kLanes; ++p) {
      hn::StoreU(hn::Load(d4, quads[p & 3] + (p & ~3)), d4, out + (lane + p) * kFeatures + feature);
    }
  } else {
    TransposeQuads(a, b, c, e);
    float* row = out + feature * stride + lane;
    hn::StoreU(a, d, row);
    hn::StoreU(b, d, row + stride);
    hn::StoreU(c, d, row + 2 * stride);
    hn::StoreU(e, d, row + 3 * stride);
  }
}

template <int kQuad>
HWY_INLINE void AddQuad(const Half* table, const Corners& corners, int c, int lane, FloatVector& sum) {
  const auto weight = hn::Load(FloatTag(), corners.weight[c] + lane);
  sum = hn::MulAdd(hn::Broadcast<kQuad>(weight),
                   GatherQuad(FloatTag(), table, corners.offset[c] + lane + kQuad), sum);
}

// Adds the edge from corner c to corner c + 1 of a dense level.
template <int kQuad>
HWY_INLINE void AddEdge(const Half* table, const Corners& corners, int c, int lane, FloatVector& sum) {
  const FloatTag d;
  FloatVector low, high;
  GatherQuadPair(FloatTag(), table, corners.offset[c] + lane + kQuad, low, high);
  sum = hn::MulAdd(hn::Broadcast<kQuad>(hn::Load(d, corners.weight[c] + lane)), low, sum);
  sum = hn::MulAdd(hn::Broadcast<kQuad>(hn::Load(d, corners.weight[c + 1] + lane)), high, sum);
}

template <int kQuad>
HWY_INLINE void AddQuadPair(const Half* table, const Corners& corners, int c, int lane, FloatVector& first,
                            FloatVector& second) {
  FloatVector low, high;
  GatherQuadPair(FloatTag(), table, corners.offset[c] + lane + kQuad, low, high);
  const auto weight = hn::Broadcast<kQuad>(hn::Load(FloatTag(), corners.weight[c] + lane));
  first = hn::MulAdd(weight, low, first);
  second = hn::MulAdd(weight, high, second);
}

template <bool kDense, bool kByPoint>
HWY_NOINLINE void Interpolate4(const Half* table, const Corners& corners, float* out, size_t stride) {
  const FloatTag d;
  for (int lane = 0; lane < kBlock; lane += kLanes) {
    FloatVector s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    for (int c = 0; c < kCorners; c += kDense ? 2 : 1) {
      if constexpr (kDense) {
        AddEdge<0>(table, corners, c, lane, s0);
        AddEdge<1>(table, corners, c, lane, s1);
        AddEdge<2>(table, corners, c, lane, s2);
        AddEdge<3>(table, corners, c, lane, s3);
      } else {
        AddQuad<0>(table, corners, c, lane, s0);
        AddQuad<1>(table, corners, c, lane, s1);
        AddQuad<2>(table, corners, c, lane, s2);
        AddQuad<3>(table, corners, c, lane, s3);
      }
    }
    StoreQuads<4, kByPoint>({s0, s1, s2, s3}, lane, 0, out, stride);
  }
}

template <bool kByPoint>
HWY_NOINLINE void Interpolate8(const Half* table, const Corners& corners, float* out, size_t stride) {
  const FloatTag d;
  for (int lane = 0; lane < kBlock; lane += kLanes) {
    FloatVector s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
    FloatVector t0 = s0, t1 = s0, t2 = s0, t3 = s0;
    for (int c = 0; c < kCorners; ++c) {
      AddQuadPair<0>(table, corners, c, lane, s0, t0);
      AddQuadPair<1>(table, corners, c, lane, s1, t1);
      AddQuadPair<2>(table, corners, c, lane, s2, t2);
      AddQuadPair<3>(table, corners, c, lane, s3, t3);
    }
    StoreQuads<8, kByPoint>({s0, s1, s2, s3}, lane, 0, out, stride);
    StoreQuads<8, kByPoint>({t0, t1, t2, t3}, lane, 4, out, stride);
  }
}

template <bool kByPoint>
HWY_NOINLINE void Interpolate2(const Corners& corners, float* out, size_t stride) {
  const FloatTag d;
  const hn::Rebind<uint16_t, FloatTag> dh;
  const IndexTag du;
  for (int lane = 0; lane < kBlock; lane += kLanes) {
    FloatVector sum0 = hn::Zero(d), sum1 = sum0;
    for (int c = 0; c < kCorners; ++c) {
      const auto pair = hn::Load(du, corners.pair[c] + lane);
      const auto weight = hn::Load(d, corners.weight[c] + lane);
      sum0 = hn::MulAdd(weight, ToFloat(d, hn::TruncateTo(dh, pair)), sum0);
      sum1 = hn::MulAdd(weight, ToFloat(d, hn::TruncateTo(dh, hn::ShiftRight<16>(pair))), sum1);
    }
    if constexpr (kByPoint) {
      hn::StoreInterleaved2(sum0, sum1, d, out + lane * 2);
    } else {
      hn::StoreU(sum0, d, out + lane);
      hn::StoreU(sum1, d, out + stride + lane);
    }
  }
}

template <int kFeatures, bool kDense, bool kByPoint>
HWY_INLINE void Interpolate(const Half* table, const Corners& corners, float* out, size_t stride) {
  if constexpr (kFeatures == 2) Interpolate2<kByPoint>(corners, out, stride);
  if constexpr (kFeatures == 4) Interpolate4<kDense, kByPoint>(table, corners, out, stride);
  if constexpr (kFeatures == 8) Interpolate8<kByPoint>(table, corners, out, stride);
}

#endif

// ---- Walk over the points
// ----------------------------------------------------------------------------------------------------

// Walks over the points in blocks: finds the corners of the next block and prefetches them while `use` works
// on the current one. use(first point, corners).
template <int kFeatures, bool kDense, class Use>
HWY_INLINE void ForEachBlock(const ForwardJob& job, int64_t begin, int64_t end, const float* factors,
                             Use use) {
  if (begin >= end) return;
  Corners corners[2];
  int current = 0;
  FindCorners<kFeatures, kDense>(job.level, job.points, begin, end, factors, corners[0]);
  constexpr bool kFetch = kFeatures == 2 && HWY_TARGET != HWY_SCALAR;
  if constexpr (kFetch) FetchPairs(job.table, corners[0]);
  for (int64_t i = begin; i < end; i += kBlock) {
    if (i + kBlock < end) {
      Corners& next = corners[current ^ 1];
      FindCorners<kFeatures, kDense>(job.level, job.points, i + kBlock, end, factors, next);
      if constexpr (kFetch) {
        FetchPairs(job.table, next);
      } else {
        if (job.level.prefetch_values) PrefetchBlock<kDense>(job.table, next);
      }
    }
    use(i, corners[current]);
    current ^= 1;
  }
}

}  // namespace semfield::ops::hash_grid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
