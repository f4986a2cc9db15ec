#include "semfield/ops/compositing.h"

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/ops/tile.h"

// This file is compiled once for each instruction set; what the sets share is declared the first time.
#ifndef SEMFIELD_OPS_COMPOSITING_SHARED
#define SEMFIELD_OPS_COMPOSITING_SHARED
namespace semfield::ops {
namespace {

struct ValueInputs {
  const float* weight;
  const int32_t* kept;
  CompositeRows rows;
  int64_t ray_stride;  // of out and d_out
};

}  // namespace
}  // namespace semfield::ops
#endif  // SEMFIELD_OPS_COMPOSITING_SHARED

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "semfield/ops/compositing.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// highway.h must come first.
#include "semfield/ops/exponential-inl.h"
#include "semfield/ops/lane_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semfield::ops {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr float kLargestExponent = 15.0f;
// Values and gradients of a tile that together take more do not stay in a second-level cache until somebody
// reads them.
constexpr int64_t kStreamBytes = 1 << 20;

// body(offset into the columns, pointers to a whole vector of each input) for all of [0, count). The last
// vector is padded with zeros in a copy: callers' arrays end where their columns end.
template <class Body>
HWY_ATTR HWY_INLINE void ForEachVector(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, int count,
                                       const Body& body) {
  const D d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int i = 0;
  for (; i + lanes <= count; i += lanes) body(i, hn::LoadU(d, a + i), hn::LoadU(d, b + i));
  if (i >= count) return;
  HWY_ALIGN float padded_a[kColumnBlock] = {};
  HWY_ALIGN float padded_b[kColumnBlock] = {};
  for (int k = 0; k < count - i; ++k) {
    padded_a[k] = a[i + k];
    padded_b[k] = b[i + k];
  }
  body(i, hn::Load(d, padded_a), hn::Load(d, padded_b));
}

// alpha = 1 - exp(-tau) and what is let through, exp(-tau), both to full relative precision: the difference
// would lose the digits of thin samples.
HWY_ATTR HWY_INLINE void AlphaOfDepth(V tau, V* alpha, V* through) {
  const D d;
  const Exponential e = Exp(hn::Neg(tau));
  *through = e.value;
  *alpha =
      hn::IfThenElse(hn::Eq(e.power, hn::Zero(d)), hn::Neg(e.minus_one), hn::Sub(hn::Set(d, 1.0f), e.value));
}

// Lanes move up by `distance`; what comes in from below is `fill`.
template <int kDistance>
HWY_ATTR HWY_INLINE V ShiftUp(V v, V fill) {
  const D d;
  const hn::RebindToSigned<D> di;
  const auto from = hn::Sub(hn::Iota(di, 0), hn::Set(di, kDistance));
  const auto index = hn::Max(from, hn::Zero(di));
  const V moved = hn::TableLookupLanes(v, hn::IndicesFromVec(d, index));
  return hn::IfThenElse(hn::RebindMask(d, hn::Lt(from, hn::Zero(di))), fill, moved);
}

// Running products and sums over the lanes, in log2(lanes) steps: one lane after the other would wait for
// every product.
template <int kDistance = 1>
HWY_ATTR HWY_INLINE V RunningProduct(V v) {
  if constexpr (kDistance < static_cast<int>(hn::MaxLanes(D()))) {
    return RunningProduct<2 * kDistance>(hn::Mul(v, ShiftUp<kDistance>(v, hn::Set(D(), 1.0f))));
  } else {
    return v;
  }
}
template <int kDistance = 1>
HWY_ATTR HWY_INLINE V RunningSum(V v) {
  if constexpr (kDistance < static_cast<int>(hn::MaxLanes(D()))) {
    return RunningSum<2 * kDistance>(hn::Add(v, ShiftUp<kDistance>(v, hn::Zero(D()))));
  } else {
    return v;
  }
}

// Every lane becomes lane k.
HWY_ATTR HWY_INLINE V BroadcastLane(V v, int k) {
  const D d;
  return hn::TableLookupLanes(v, hn::IndicesFromVec(d, hn::Set(hn::RebindToSigned<D>(), k)));
}

// Of the columns from `base` on.
struct Opacities {
  const float* alpha;
  const float* through;
  int base;
};

// One ray: weights until the transmittance falls under the least one.
HWY_ATTR HWY_INLINE void TraceRay(const CompositeTile& tile, const Opacities& in, float min_transmittance,
                                  const CompositeOutput& out, int ray) {
  const D d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const V least = hn::Set(d, min_transmittance);
  const V one = hn::Set(d, 1.0f);
  const int first = tile.begin[ray], end = tile.begin[ray + 1];
  V remaining = one;
  int i = first;
  bool cut = false;
  while (i < end && !cut) {
    const int count = std::min(lanes, end - i);
    const auto valid = hn::FirstN(d, count);
    const V product = RunningProduct(hn::IfThenElse(valid, hn::LoadU(d, in.through + (i - in.base)), one));
    const V before = hn::Mul(remaining, ShiftUp<1>(product, one));
    const V after = hn::Mul(remaining, product);
    // Written so that a transmittance that is not a number ends the ray.
    const intptr_t dark = hn::FindFirstTrue(d, hn::AndNot(hn::Ge(before, least), valid));
    cut = dark >= 0;
    const int kept = cut ? static_cast<int>(dark) : count;
    const auto store = hn::FirstN(d, kept);
    hn::BlendedStore(hn::Mul(before, hn::LoadU(d, in.alpha + (i - in.base))), store, d, out.weight + i);
    hn::BlendedStore(after, store, d, out.transmittance + i);
    if (kept > 0) remaining = BroadcastLane(after, kept - 1);
    i += kept;
  }
  out.kept[ray] = i - first;
  out.final_transmittance[ray] = hn::GetLane(remaining);
  std::fill(out.weight + i, out.weight + end, 0.0f);
  std::fill(out.transmittance + i, out.transmittance + end, hn::GetLane(remaining));
}

HWY_ATTR void Forward(const CompositeTile& tile, float min_transmittance, const CompositeOutput& out) {
  static_assert(kTileStride >= kTileColumns + kColumnBlock, "whole vectors are read past the last column");
  HWY_ALIGN float alpha[kTileStride];
  HWY_ALIGN float through[kTileStride];
  const D d;
  const int base = tile.begin[0];
  ForEachVector(tile.raw_density + base, tile.dt + base, tile.begin[tile.num_rays] - base,
                [&](int i, V raw, V dt) HWY_ATTR {
                  const V density = Exp(hn::Min(raw, hn::Set(d, kLargestExponent))).value;
                  V a, t;
                  AlphaOfDepth(hn::Mul(density, dt), &a, &t);
                  hn::StoreU(a, d, alpha + i);
                  hn::StoreU(t, d, through + i);
                });
  for (int ray = 0; ray < tile.num_rays; ++ray) {
    TraceRay(tile, {alpha, through, base}, min_transmittance, out, ray);
  }
}

// One ray, columns [first, cut): d_tau_i = T_{i+1} g_i - at_end - sum_{j>i} w_j g_j.
// d_tau begins at column `first`.
HWY_ATTR HWY_INLINE void TraceRayBack(const CompositeWeights& in, const float* HWY_RESTRICT d_weights,
                                      int first, int cut, float at_end, float* HWY_RESTRICT d_tau) {
  const D d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  V behind = hn::Set(d, at_end);
  // From the last vector to the first: within one, running sums over reversed lanes.
  const int num_vectors = (cut - first + lanes - 1) / lanes;
  for (int k = num_vectors - 1; k >= 0; --k) {
    const int i = first + k * lanes;
    const auto valid = hn::FirstN(d, cut - i);
    const V d_weight = hn::MaskedLoad(valid, d, d_weights + i);
    const V product = hn::Mul(hn::MaskedLoad(valid, d, in.weight + i), d_weight);
    const V sum = RunningSum(hn::Reverse(d, product));
    const V later = hn::Reverse(d, ShiftUp<1>(sum, hn::Zero(d)));
    const V transmittance = hn::MaskedLoad(valid, d, in.transmittance + i);
    const V result = hn::Sub(hn::Mul(transmittance, d_weight), hn::Add(behind, later));
    hn::BlendedStore(result, valid, d, d_tau + (i - first));
    behind = hn::Add(behind, BroadcastLane(sum, lanes - 1));
  }
}

HWY_ATTR void Backward(const CompositeTile& tile, const CompositeWeights& in,
                       const CompositeGradients& gradients) {
  HWY_ALIGN float d_tau[kTileStride];
  const int base = tile.begin[0];
  const int count = tile.begin[tile.num_rays] - base;
  for (int ray = 0; ray < tile.num_rays; ++ray) {
    const int first = tile.begin[ray];
    const int cut = first + in.kept[ray];
    for (int i = cut; i < tile.begin[ray + 1]; ++i) d_tau[i - base] = 0;
    const float at_end = gradients.d_final_transmittance == nullptr
                             ? 0.0f
                             : in.final_transmittance[ray] * gradients.d_final_transmittance[ray];
    TraceRayBack(in, gradients.d_weight, first, cut, at_end, d_tau + (first - base));
  }
  const D d;
  float* HWY_RESTRICT out = gradients.d_raw_density + base;
  ForEachVector(tile.raw_density + base, tile.dt + base, count, [&](int i, V raw, V dt) HWY_ATTR {
    const V clamped = hn::Clamp(raw, hn::Set(d, -kLargestExponent), hn::Set(d, kLargestExponent));
    const V tau = hn::LoadU(d, d_tau + i);
    // A cut sample has a zero here whatever its raw density is, infinities and NaN included.
    const V gradient = hn::Mul(hn::Mul(tau, dt), Exp(clamped).value);
    const V result = hn::IfThenElseZero(hn::Ne(tau, hn::Zero(d)), gradient);
    const int lanes = static_cast<int>(hn::Lanes(d));
    if (i + lanes <= count) {
      hn::StoreU(result, d, out + i);
    } else {
      HWY_ALIGN float padded[kColumnBlock];
      hn::Store(result, d, padded);
      for (int k = 0; k < count - i; ++k) out[i + k] = padded[k];
    }
  });
}

// Passes the caches by where `to` begins a whole vector of the cache line.
HWY_ATTR HWY_INLINE void StreamIfAligned(V value, float* to) {
  const D d;
  if (reinterpret_cast<uintptr_t>(to) % (hn::Lanes(d) * sizeof(float)) == 0) {
    hn::Stream(value, d, to);
  } else {
    hn::StoreU(value, d, to);
  }
}

// body(first column, vector load for it, store for it, streaming store for it) over [first, end), the last
// one with a mask: nothing beside the columns is touched.
template <class Body>
HWY_ATTR HWY_INLINE void ForEachColumn(int first, int end, const Body& body) {
  const D d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int i = first;
  for (; i + lanes <= end; i += lanes) {
    body(
        i, [&](const float* from) HWY_ATTR { return hn::LoadU(d, from); },
        [&](V value, float* to) HWY_ATTR { hn::StoreU(value, d, to); },
        [&](V value, float* to) HWY_ATTR { StreamIfAligned(value, to); });
  }
  if (i >= end) return;
  const auto mask = hn::FirstN(d, end - i);
  const auto store = [&](V value, float* to) HWY_ATTR { hn::BlendedStore(value, mask, d, to); };
  body(
      i, [&](const float* from) HWY_ATTR { return hn::MaskedLoad(mask, d, from); }, store, store);
}

// kRows rows from `row` on, 4 at most, ray after ray: a row is read from its begin to its end, so few streams
// run.
template <int kRows>
HWY_ATTR void ValueRows(const CompositeTile& tile, const ValueInputs& in, int row, float* HWY_RESTRICT out) {
  const D d;
  const int64_t stride = in.rows.stride;
  const float* HWY_RESTRICT values = in.rows.values + row * stride;
  const float* HWY_RESTRICT weight = in.weight;
  for (int ray = 0; ray < tile.num_rays; ++ray) {
    V sum[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    const int first = tile.begin[ray];
    ForEachColumn(first, first + in.kept[ray],
                  [&](int i, const auto& load, const auto&, const auto&) HWY_ATTR {
                    const V w = load(weight + i);
                    for (int k = 0; k < kRows; ++k) {
                      // Rows are too short for the processor to see a stream.
                      hwy::Prefetch(values + (k + kRows) * stride + i);
                      sum[k] = hn::MulAdd(w, load(values + k * stride + i), sum[k]);
                    }
                  });
    HWY_ALIGN float sums[4] = {};
    AddSums4(sum[0], sum[1], sum[2], sum[3], sums);
    for (int k = 0; k < kRows; ++k) out[(row + k) * in.ray_stride + ray] = sums[k];
  }
}

// kStream: gradients pass the caches by. A plain store first reads the line that it writes, which is half of
// the traffic when the line comes from memory.
template <int kRows, bool kStream>
HWY_ATTR void ValueRowsBackward(const CompositeTile& tile, const ValueInputs& in, int row,
                                const CompositeRowGradients& gradients) {
  const D d;
  const int64_t stride = in.rows.stride;
  const float* HWY_RESTRICT values = in.rows.values + row * stride;
  const float* HWY_RESTRICT weight = in.weight;
  const float* HWY_RESTRICT d_out = gradients.d_out;
  float* HWY_RESTRICT d_weight = gradients.d_weight;
  float* HWY_RESTRICT to = gradients.d_values + row * stride;
  for (int ray = 0; ray < tile.num_rays; ++ray) {
    const int first = tile.begin[ray];
    const int cut = first + in.kept[ray];
    V d_ray[kRows];
    for (int k = 0; k < kRows; ++k) d_ray[k] = hn::Set(d, d_out[(row + k) * in.ray_stride + ray]);
    ForEachColumn(first, cut, [&](int i, const auto& load, const auto& store, const auto& stream) HWY_ATTR {
      const V w = load(weight + i);
      V sum = load(d_weight + i);
      for (int k = 0; k < kRows; ++k) {
        hwy::Prefetch(values + (k + kRows) * stride + i);
        sum = hn::MulAdd(load(values + k * stride + i), d_ray[k], sum);
        if constexpr (kStream) {
          stream(hn::Mul(w, d_ray[k]), to + k * stride + i);
        } else {
          hwy::Prefetch(to + (k + kRows) * stride + i);
          store(hn::Mul(w, d_ray[k]), to + k * stride + i);
        }
      }
      store(sum, d_weight + i);
    });
    for (int k = 0; k < kRows; ++k)
      std::fill(to + k * stride + cut, to + k * stride + tile.begin[ray + 1], 0.0f);
  }
}

HWY_ATTR void Values(const CompositeTile& tile, const ValueInputs& in, float* HWY_RESTRICT out) {
  int row = 0;
  for (; row + 4 <= in.rows.num_rows; row += 4) ValueRows<4>(tile, in, row, out);
  const int rest = in.rows.num_rows - row;
  if (rest == 3) ValueRows<3>(tile, in, row, out);
  if (rest == 2) ValueRows<2>(tile, in, row, out);
  if (rest == 1) ValueRows<1>(tile, in, row, out);
}

template <bool kStream>
HWY_ATTR void AllRowsBackward(const CompositeTile& tile, const ValueInputs& in,
                              const CompositeRowGradients& gradients) {
  int row = 0;
  for (; row + 4 <= in.rows.num_rows; row += 4) ValueRowsBackward<4, kStream>(tile, in, row, gradients);
  const int rest = in.rows.num_rows - row;
  if (rest == 3) ValueRowsBackward<3, kStream>(tile, in, row, gradients);
  if (rest == 2) ValueRowsBackward<2, kStream>(tile, in, row, gradients);
  if (rest == 1) ValueRowsBackward<1, kStream>(tile, in, row, gradients);
}

HWY_ATTR void ValuesBackward(const CompositeTile& tile, const ValueInputs& in,
                             const CompositeRowGradients& gradients) {
  const int64_t columns = tile.begin[tile.num_rays] - tile.begin[0];
  const int64_t bytes = 2 * in.rows.num_rows * columns * static_cast<int64_t>(sizeof(float));
  if (bytes < kStreamBytes) return AllRowsBackward<false>(tile, in, gradients);
  AllRowsBackward<true>(tile, in, gradients);
  hwy::FlushStream();
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace semfield::ops
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace semfield::ops {
namespace {

HWY_EXPORT(Forward);
HWY_EXPORT(Backward);
HWY_EXPORT(Values);
HWY_EXPORT(ValuesBackward);

void CheckTile(const CompositeTile& tile) {
  SF_CHECK_GE(tile.begin[0], 0);
  SF_CHECK_GE(tile.begin[tile.num_rays], tile.begin[0]);
  SF_CHECK_LE(tile.begin[tile.num_rays] - tile.begin[0], kTileColumns);
}

}  // namespace

void CompositeForward(const CompositeTile& tile, float min_transmittance, const CompositeOutput& output) {
  if (tile.num_rays == 0) return;
  CheckTile(tile);
  HWY_DYNAMIC_DISPATCH(Forward)(tile, min_transmittance, output);
}

void CompositeBackward(const CompositeTile& tile, const CompositeWeights& weights,
                       const CompositeGradients& gradients) {
  if (tile.num_rays == 0) return;
  CheckTile(tile);
  HWY_DYNAMIC_DISPATCH(Backward)(tile, weights, gradients);
}

void CompositeValues(const CompositeTile& tile, const CompositeWeights& weights, const CompositeRows& rows,
                     float* out, int64_t out_stride) {
  HWY_DYNAMIC_DISPATCH(Values)(tile, {weights.weight, weights.kept, rows, out_stride}, out);
}

void CompositeValuesBackward(const CompositeTile& tile, const CompositeWeights& weights,
                             const CompositeRows& rows, const CompositeRowGradients& gradients) {
  HWY_DYNAMIC_DISPATCH(ValuesBackward)
  (tile, {weights.weight, weights.kept, rows, gradients.out_stride}, gradients);
}

void DistortionLoss(const CompositeTile& tile, const CompositeWeights& weights,
                    const CompositeIntervals& intervals, float scale, float* loss, float* d_weight) {
  const float *weight = weights.weight, *s = intervals.s, *ds = intervals.ds;
  const int32_t* kept = weights.kept;
  for (int ray = 0; ray < tile.num_rays; ++ray) {
    const int first = tile.begin[ray];
    const int end = first + kept[ray];
    // With the middles in ascending order the double sum splits at j = i: the running sums of w and w s
    // suffice. Middles relative to the first one, or the difference s_i W - M loses digits far from the
    // origin.
    const float origin = kept[ray] > 0 ? s[first] : 0.0f;
    float total_weight = 0, total_moment = 0;
    for (int i = first; i < end; ++i) {
      total_weight += weight[i];
      total_moment += weight[i] * (s[i] - origin);
    }
    float before_weight = 0, before_moment = 0;
    float sum = 0;
    for (int i = first; i < end; ++i) {
      const float w = weight[i], middle = s[i] - origin;
      const float to_front = middle * before_weight - before_moment;
      before_weight += w;
      before_moment += w * middle;
      const float to_back = (total_moment - before_moment) - middle * (total_weight - before_weight);
      sum += w * (2 * to_front + w * ds[i] * (1.0f / 3));
      d_weight[i] += scale * (2 * (to_front + to_back) + w * ds[i] * (2.0f / 3));
    }
    loss[ray] = sum;
  }
}

}  // namespace semfield::ops

#endif  // HWY_ONCE
