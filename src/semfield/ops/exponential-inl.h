// Compiled once for every instruction set: the exponential function of what compositing and colours need, in
// half the time of one that knows all corners.
#if defined(SEMFIELD_OPS_EXPONENTIAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SEMFIELD_OPS_EXPONENTIAL_INL_H_
#undef SEMFIELD_OPS_EXPONENTIAL_INL_H_
#else
#define SEMFIELD_OPS_EXPONENTIAL_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace semfield::ops::HWY_NAMESPACE {
namespace {

using ExpTag = hwy::HWY_NAMESPACE::ScalableTag<float>;
using ExpVector = hwy::HWY_NAMESPACE::Vec<ExpTag>;

// exp(x) = 2^k e^r with |r| <= ln 2 / 2, for x up to 88; 0 below -87, where the result would lose its digits,
// and for what is no number.
struct Exponential {
  ExpVector value;
  ExpVector power;      // k
  ExpVector minus_one;  // e^r - 1 to full relative precision, and so exp(x) - 1 where k is 0
};
HWY_INLINE Exponential Exp(ExpVector x) {
  namespace hn = hwy::HWY_NAMESPACE;
  const ExpTag d;
  const hn::RebindToSigned<ExpTag> di;
  // Added to a number this leaves its nearest whole number in the last bits.
  const ExpVector magic = hn::Set(d, 12582912.0f);
  const ExpVector shifted = hn::MulAdd(x, hn::Set(d, 1.44269504f), magic);
  const ExpVector k = hn::Sub(shifted, magic);
  ExpVector r = hn::NegMulAdd(k, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(k, hn::Set(d, -2.12194440e-4f), r);
  // (e^r - 1) / r, interpolated at Chebyshev's points: 2.5e-8 off at most.
  ExpVector series = hn::MulAdd(r, hn::Set(d, 0.00139262131f), hn::Set(d, 0.00836320315f));
  series = hn::MulAdd(r, series, hn::Set(d, 0.0416665561f));
  series = hn::MulAdd(r, series, hn::Set(d, 0.166665763f));
  series = hn::MulAdd(r, series, hn::Set(d, 0.5f));
  series = hn::MulAdd(r, series, hn::Set(d, 1.0f));
  const ExpVector minus_one = hn::Mul(r, series);
  const ExpVector significand = hn::Add(minus_one, hn::Set(d, 1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
  const ExpVector value = hn::BitCast(d, hn::Add(hn::BitCast(di, significand), exponent));
  return {hn::IfThenElseZero(hn::Ge(x, hn::Set(d, -87.0f)), value), k, minus_one};
}

}  // namespace
}  // namespace semfield::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
