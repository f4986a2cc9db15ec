#include "semfield/ops/adam.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "semfield/base/check.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "semfield/ops/adam.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"

#include <hwy/cache_control.h>

#ifndef SEMFIELD_OPS_ADAM_ONCE
#define SEMFIELD_OPS_ADAM_ONCE
namespace semfield::ops::internal {

inline constexpr size_t kAdamBlock = 16;  // the grain of sparse updates

// What one step does to every parameter, with the bias corrections folded in.
struct AdamFactors {
  float beta1;
  float beta2;
  float one_minus_beta1;
  float one_minus_beta2;
  float rate;               // learning_rate / (1 - beta1^step)
  float second_correction;  // 1 / (1 - beta2^step)
  float epsilon;
  float l2;
  bool sparse;
};

}  // namespace semfield::ops::internal
#endif  // SEMFIELD_OPS_ADAM_ONCE

HWY_BEFORE_NAMESPACE();
namespace semfield::ops::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;
constexpr size_t kLanes = hn::MaxLanes(F());
constexpr size_t kVectors = internal::kAdamBlock / kLanes;

HWY_INLINE void StoreHalf(V value, Half* to) {
#if HWY_TARGET == HWY_SCALAR
  *to = FloatToHalf(value.raw);
#else
  const hn::Rebind<hwy::float16_t, F> half;
  hn::StoreU(hn::DemoteTo(half, value), half, reinterpret_cast<hwy::float16_t*>(to));
#endif
}

HWY_INLINE bool AllZero(const float* gradient) {
  const F d;
  // Bits but the sign: exact for every number, and a NaN counts as something.
  const hn::RebindToUnsigned<F> bits;
  auto any = hn::Zero(bits);
  for (size_t k = 0; k < kVectors; ++k) {
    any = hn::Or(any, hn::BitCast(bits, hn::Abs(hn::LoadU(d, gradient + k * kLanes))));
  }
  return hn::AllTrue(bits, hn::Eq(any, hn::Zero(bits)));
}

HWY_INLINE void UpdateBlock(const internal::AdamFactors& f, const AdamArrays& a, size_t begin) {
  const F d;
  for (size_t i = begin; i < begin + internal::kAdamBlock; i += kLanes) {
    const V old = hn::LoadU(d, a.parameters + i);
    const V g = hn::MulAdd(hn::Set(d, f.l2), old, hn::LoadU(d, a.gradient + i));
    const V m = hn::MulAdd(hn::Set(d, f.beta1), hn::LoadU(d, a.first_moment + i),
                           hn::Mul(hn::Set(d, f.one_minus_beta1), g));
    const V v = hn::MulAdd(hn::Set(d, f.beta2), hn::LoadU(d, a.second_moment + i),
                           hn::Mul(hn::Mul(hn::Set(d, f.one_minus_beta2), g), g));
    const V deviation = hn::Add(hn::Sqrt(hn::Mul(v, hn::Set(d, f.second_correction))), hn::Set(d, f.epsilon));
    const V updated = hn::Sub(old, hn::Div(hn::Mul(hn::Set(d, f.rate), m), deviation));
    hn::StoreU(m, d, a.first_moment + i);
    hn::StoreU(v, d, a.second_moment + i);
    hn::StoreU(updated, d, a.parameters + i);
    hn::StoreU(hn::Zero(d), d, a.gradient + i);
    if (a.shadow != nullptr) StoreHalf(updated, a.shadow + i);
  }
}

// Which of up to 64 blocks from `begin` on have a gradient, a bit each; what they will need is prefetched,
// because the processor cannot guess the next one.
HWY_INLINE uint64_t FindActive(const AdamArrays& a, size_t begin, size_t end) {
  uint64_t active = 0;
  for (size_t i = begin, bit = 0; i < end; i += internal::kAdamBlock, ++bit) {
    if (AllZero(a.gradient + i)) continue;
    active |= uint64_t{1} << bit;
    hwy::Prefetch(a.parameters + i);
    hwy::Prefetch(a.first_moment + i);
    hwy::Prefetch(a.second_moment + i);
    if (a.shadow != nullptr) hwy::Prefetch(a.shadow + i);
  }
  return active;
}

HWY_INLINE void UpdateActive(const internal::AdamFactors& factors, const AdamArrays& arrays, size_t begin,
                             uint64_t active) {
  for (; active != 0; active &= active - 1) {
    UpdateBlock(factors, arrays,
                begin + internal::kAdamBlock * static_cast<size_t>(std::countr_zero(active)));
  }
}

// count is a multiple of kAdamBlock.
void StepImpl(const internal::AdamFactors& factors, size_t count, const AdamArrays& arrays) {
  if (!factors.sparse) {
    for (size_t begin = 0; begin < count; begin += internal::kAdamBlock) UpdateBlock(factors, arrays, begin);
    return;
  }
  constexpr size_t kGroup = 64 * internal::kAdamBlock;
  size_t waiting_begin = 0;
  uint64_t waiting = 0;
  for (size_t begin = 0; begin < count; begin += kGroup) {
    const uint64_t active = FindActive(arrays, begin, std::min(begin + kGroup, count));
    UpdateActive(factors, arrays, waiting_begin, waiting);
    waiting_begin = begin;
    waiting = active;
  }
  UpdateActive(factors, arrays, waiting_begin, waiting);
}

}  // namespace
}  // namespace semfield::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semfield::ops {
namespace {

HWY_EXPORT(StepImpl);

internal::AdamFactors MakeFactors(const AdamOptions& options) {
  const double beta1 = options.beta1;
  const double beta2 = options.beta2;
  internal::AdamFactors f;
  f.beta1 = options.beta1;
  f.beta2 = options.beta2;
  f.one_minus_beta1 = static_cast<float>(1 - beta1);
  f.one_minus_beta2 = static_cast<float>(1 - beta2);
  f.rate = static_cast<float>(options.learning_rate / (1 - std::pow(beta1, options.step)));
  f.second_correction = static_cast<float>(1 / (1 - std::pow(beta2, options.step)));
  f.epsilon = options.epsilon;
  f.l2 = options.l2;
  f.sparse = options.sparse;
  return f;
}

// The last, incomplete block, by way of a complete one.
void StepTail(const internal::AdamFactors& factors, size_t count, const AdamArrays& tail) {
  constexpr size_t kBlock = internal::kAdamBlock;
  float values[4][kBlock] = {};
  Half shadow[kBlock] = {};
  float* const arrays[4] = {tail.parameters, tail.first_moment, tail.second_moment, tail.gradient};
  for (int k = 0; k < 4; ++k) std::copy_n(arrays[k], count, values[k]);
  if (tail.shadow != nullptr) std::copy_n(tail.shadow, count, shadow);
  HWY_DYNAMIC_DISPATCH(StepImpl)(factors, kBlock, {values[0], values[1], values[2], values[3], shadow});
  for (int k = 0; k < 4; ++k) std::copy_n(values[k], count, arrays[k]);
  if (tail.shadow != nullptr) std::copy_n(shadow, count, tail.shadow);
}

}  // namespace

void AdamStep(const AdamOptions& options, size_t count, const AdamArrays& arrays) {
  SF_CHECK_GE(options.step, 1);
  SF_CHECK(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1);
  const internal::AdamFactors factors = MakeFactors(options);
  const size_t whole = count - count % internal::kAdamBlock;
  HWY_DYNAMIC_DISPATCH(StepImpl)(factors, whole, arrays);
  if (whole == count) return;
  StepTail(factors, count - whole,
           {arrays.parameters + whole, arrays.first_moment + whole, arrays.second_moment + whole,
            arrays.gradient + whole, arrays.shadow == nullptr ? nullptr : arrays.shadow + whole});
}

}  // namespace semfield::ops
#endif  // HWY_ONCE
