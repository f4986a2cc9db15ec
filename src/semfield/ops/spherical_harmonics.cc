#include "semfield/ops/spherical_harmonics.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "semfield/ops/spherical_harmonics.cc"
#include "hwy/foreach_target.h"
// Must come after foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace semfield::ops::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;
using V = hn::Vec<F>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(F()));

// The functions as polynomials of the unit vector. Each coefficient is the normalisation of its function:
// sqrt((2 l + 1) / (4 pi) (l - m)! / (l + m)!), times sqrt(2) for m > 0, times the leading number of the
// polynomial.
HWY_INLINE void Evaluate(V x, V y, V z, float* out, size_t out_stride) {
  const F d;
  const auto store = [&](int k, V value) HWY_ATTR { hn::StoreU(value, d, out + k * out_stride); };
  const auto scaled = [&](float factor, V value) HWY_ATTR { return hn::Mul(hn::Set(d, factor), value); };
  const V xx = hn::Mul(x, x);
  const V yy = hn::Mul(y, y);
  const V zz = hn::Mul(z, z);
  const V xy = hn::Mul(x, y);
  const V difference = hn::Sub(xx, yy);
  const V one = hn::Set(d, 1.0f);
  const V three = hn::Set(d, 3.0f);
  const V five = hn::Set(d, 5.0f);
  const V five_zz_1 = hn::MulSub(five, zz, one);
  store(0, hn::Set(d, 0.282094792f));  // sqrt(1 / (4 pi))
  store(1, scaled(-0.488602512f, y));  // sqrt(3 / (4 pi))
  store(2, scaled(0.488602512f, z));
  store(3, scaled(-0.488602512f, x));
  store(4, scaled(1.092548431f, xy));  // sqrt(15 / (4 pi))
  store(5, scaled(-1.092548431f, hn::Mul(y, z)));
  store(6, scaled(0.315391565f, hn::MulSub(three, zz, one)));  // sqrt(5 / (16 pi))
  store(7, scaled(-1.092548431f, hn::Mul(x, z)));
  store(8, scaled(0.546274215f, difference));                                // sqrt(15 / (16 pi))
  store(9, scaled(-0.590043590f, hn::Mul(y, hn::MulSub(three, xx, yy))));    // sqrt(35 / (32 pi))
  store(10, scaled(2.890611443f, hn::Mul(xy, z)));                           // sqrt(105 / (4 pi))
  store(11, scaled(-0.457045799f, hn::Mul(y, five_zz_1)));                   // sqrt(21 / (32 pi))
  store(12, scaled(0.373176333f, hn::Mul(z, hn::MulSub(five, zz, three))));  // sqrt(7 / (16 pi))
  store(13, scaled(-0.457045799f, hn::Mul(x, five_zz_1)));
  store(14, scaled(1.445305721f, hn::Mul(z, difference)));  // sqrt(105 / (16 pi))
  store(15, scaled(-0.590043590f, hn::Mul(x, hn::NegMulAdd(three, yy, xx))));
}

void EvaluateImpl(const float* x, const float* y, const float* z, int count, float* out, size_t out_stride) {
  const F d;
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Evaluate(hn::LoadU(d, x + i), hn::LoadU(d, y + i), hn::LoadU(d, z + i), out + i, out_stride);
  }
  if (i == count) return;
  const int rest = count - i;
  float in[3][kLanes] = {};
  float values[kNumSphericalHarmonics][kLanes];
  std::copy_n(x + i, rest, in[0]);
  std::copy_n(y + i, rest, in[1]);
  std::copy_n(z + i, rest, in[2]);
  Evaluate(hn::LoadU(d, in[0]), hn::LoadU(d, in[1]), hn::LoadU(d, in[2]), values[0], kLanes);
  for (int k = 0; k < kNumSphericalHarmonics; ++k) std::copy_n(values[k], rest, out + k * out_stride + i);
}

}  // namespace
}  // namespace semfield::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace semfield::ops {
namespace {
HWY_EXPORT(EvaluateImpl);
}  // namespace

void SphericalHarmonics(const float* x, const float* y, const float* z, int count, float* out,
                        size_t out_stride) {
  HWY_DYNAMIC_DISPATCH(EvaluateImpl)(x, y, z, count, out, out_stride);
}

}  // namespace semfield::ops
#endif  // HWY_ONCE
