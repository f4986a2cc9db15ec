#include "semfield/ops/compositing.h"

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/ops/tile.h"

// This file is compiled once for each instruction set; what the sets share is declared the first time.
#ifndef SEMFIELD_OPS_COMPOSITING_SHARED
#define SEMFIELD_OPS_COMPOSITING_SHARED
namespace semfield::ops {
namespace {

struct ForwardOutputs {
  float* weight;
  float* transmittance;
  int32_t* kept;
  float* final_transmittance;
};

struct BackwardInputs {
  const int32_t* kept;
  const float* weight;
  const float* transmittance;
  const float* final_transmittance;
  const float* d_weight;
  const float* d_final_transmittance;  // may be null
};

struct ColorInputs {
  const int32_t* kept;
  const float* weight;
  const float* color;
  int64_t color_stride;
  int64_t rgb_stride;
};

}  // namespace
}  // namespace semfield::ops
#endif  // SEMFIELD_OPS_COMPOSITING_SHARED

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "semfield/ops/compositing.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// highway.h must come first.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace semfield::ops {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

constexpr float kLargestExponent = 15.0f;

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
// would lose the digits of thin samples, so those take the series of 1 - exp(-tau).
HWY_ATTR HWY_INLINE void AlphaOfDepth(V tau, V* alpha, V* through) {
  const D d;
  const V one = hn::Set(d, 1.0f);
  *through = hn::Exp(d, hn::Neg(tau));
  V series = hn::NegMulAdd(tau, hn::Set(d, 1.0f / 5), one);
  series = hn::NegMulAdd(hn::Mul(tau, series), hn::Set(d, 1.0f / 4), one);
  series = hn::NegMulAdd(hn::Mul(tau, series), hn::Set(d, 1.0f / 3), one);
  series = hn::NegMulAdd(hn::Mul(tau, series), hn::Set(d, 1.0f / 2), one);
  *alpha = hn::IfThenElse(hn::Lt(tau, hn::Set(d, 0.1f)), hn::Mul(tau, series), hn::Sub(one, *through));
}

HWY_ATTR void Forward(const CompositeTile& tile, float min_transmittance, const ForwardOutputs& out) {
  HWY_ALIGN float alpha[kTileStride];
  HWY_ALIGN float through[kTileStride];
  const D d;
  const int base = tile.begin[0];
  ForEachVector(tile.raw_density + base, tile.dt + base, tile.begin[tile.num_rays] - base,
                [&](int i, V raw, V dt) HWY_ATTR {
                  const V density = hn::Exp(d, hn::Min(raw, hn::Set(d, kLargestExponent)));
                  V a, t;
                  AlphaOfDepth(hn::Mul(density, dt), &a, &t);
                  hn::StoreU(a, d, alpha + i);
                  hn::StoreU(t, d, through + i);
                });
  for (int ray = 0; ray < tile.num_rays; ++ray) {
    const int end = tile.begin[ray + 1];
    float remaining = 1;
    int i = tile.begin[ray];
    for (; i < end && remaining >= min_transmittance; ++i) {
      out.weight[i] = remaining * alpha[i - base];
      remaining *= through[i - base];
      out.transmittance[i] = remaining;
    }
    out.kept[ray] = i - tile.begin[ray];
    out.final_transmittance[ray] = remaining;
    for (; i < end; ++i) {
      out.weight[i] = 0;
      out.transmittance[i] = remaining;
    }
  }
}

HWY_ATTR void Backward(const CompositeTile& tile, const BackwardInputs& in,
                       float* HWY_RESTRICT d_raw_density) {
  HWY_ALIGN float d_tau[kTileStride];
  const int base = tile.begin[0];
  const int count = tile.begin[tile.num_rays] - base;
  for (int ray = 0; ray < tile.num_rays; ++ray) {
    const int first = tile.begin[ray];
    const int cut = first + in.kept[ray];
    for (int i = cut; i < tile.begin[ray + 1]; ++i) d_tau[i - base] = 0;
    float behind = in.d_final_transmittance == nullptr
                       ? 0.0f
                       : in.final_transmittance[ray] * in.d_final_transmittance[ray];
    for (int i = cut - 1; i >= first; --i) {
      d_tau[i - base] = in.transmittance[i] * in.d_weight[i] - behind;
      behind += in.weight[i] * in.d_weight[i];
    }
  }
  const D d;
  float* HWY_RESTRICT out = d_raw_density + base;
  ForEachVector(tile.raw_density + base, tile.dt + base, count, [&](int i, V raw, V dt) HWY_ATTR {
    const V clamped = hn::Clamp(raw, hn::Set(d, -kLargestExponent), hn::Set(d, kLargestExponent));
    const V tau = hn::LoadU(d, d_tau + i);
    // A cut sample has a zero here whatever its raw density is, infinities and NaN included.
    const V gradient = hn::Mul(hn::Mul(tau, dt), hn::Exp(d, clamped));
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

HWY_ATTR void Color(const CompositeTile& tile, const ColorInputs& in, float* HWY_RESTRICT rgb) {
  const float* HWY_RESTRICT weight = in.weight;
  const float* red = in.color;
  const float* green = red + in.color_stride;
  const float* blue = green + in.color_stride;
  for (int ray = 0; ray < tile.num_rays; ++ray) {
    const int first = tile.begin[ray];
    float r = 0, g = 0, b = 0;
    for (int i = first; i < first + in.kept[ray]; ++i) {
      r += weight[i] * red[i];
      g += weight[i] * green[i];
      b += weight[i] * blue[i];
    }
    rgb[ray] = r;
    rgb[in.rgb_stride + ray] = g;
    rgb[2 * in.rgb_stride + ray] = b;
  }
}

HWY_ATTR void ColorBackward(const CompositeTile& tile, const ColorInputs& in, const float* HWY_RESTRICT d_rgb,
                            float* HWY_RESTRICT d_color, float* HWY_RESTRICT d_weight) {
  const float* HWY_RESTRICT weight = in.weight;
  const float* HWY_RESTRICT color = in.color;
  const int64_t stride = in.color_stride;
  for (int ray = 0; ray < tile.num_rays; ++ray) {
    const int first = tile.begin[ray];
    const int cut = first + in.kept[ray];
    const float r = d_rgb[ray], g = d_rgb[in.rgb_stride + ray], b = d_rgb[2 * in.rgb_stride + ray];
    for (int i = first; i < cut; ++i) {
      d_weight[i] += r * color[i] + g * color[stride + i] + b * color[2 * stride + i];
      d_color[i] = weight[i] * r;
      d_color[stride + i] = weight[i] * g;
      d_color[2 * stride + i] = weight[i] * b;
    }
    for (int row = 0; row < 3; ++row) {
      std::fill(d_color + row * stride + cut, d_color + row * stride + tile.begin[ray + 1], 0.0f);
    }
  }
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
HWY_EXPORT(Color);
HWY_EXPORT(ColorBackward);

void CheckTile(const CompositeTile& tile) {
  SF_CHECK_GE(tile.begin[0], 0);
  SF_CHECK_GE(tile.begin[tile.num_rays], tile.begin[0]);
  SF_CHECK_LE(tile.begin[tile.num_rays] - tile.begin[0], kTileColumns);
}

}  // namespace

void CompositeForward(const CompositeTile& tile, float min_transmittance, float* weight, float* transmittance,
                      int32_t* kept, float* final_transmittance) {
  if (tile.num_rays == 0) return;
  CheckTile(tile);
  HWY_DYNAMIC_DISPATCH(Forward)(tile, min_transmittance, {weight, transmittance, kept, final_transmittance});
}

void CompositeBackward(const CompositeTile& tile, const int32_t* kept, const float* weight,
                       const float* transmittance, const float* final_transmittance, const float* d_weight,
                       const float* d_final_transmittance, float* d_raw_density) {
  if (tile.num_rays == 0) return;
  CheckTile(tile);
  HWY_DYNAMIC_DISPATCH(Backward)
  (tile, {kept, weight, transmittance, final_transmittance, d_weight, d_final_transmittance}, d_raw_density);
}

void CompositeColor(const CompositeTile& tile, const int32_t* kept, const float* weight, const float* color,
                    int64_t color_stride, float* rgb, int64_t rgb_stride) {
  HWY_DYNAMIC_DISPATCH(Color)(tile, {kept, weight, color, color_stride, rgb_stride}, rgb);
}

void CompositeColorBackward(const CompositeTile& tile, const int32_t* kept, const float* weight,
                            const float* color, int64_t color_stride, const float* d_rgb, int64_t rgb_stride,
                            float* d_color, float* d_weight) {
  HWY_DYNAMIC_DISPATCH(ColorBackward)
  (tile, {kept, weight, color, color_stride, rgb_stride}, d_rgb, d_color, d_weight);
}

void DistortionLoss(const CompositeTile& tile, const int32_t* kept, const float* weight, const float* s,
                    const float* ds, float scale, float* loss, float* d_weight) {
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
