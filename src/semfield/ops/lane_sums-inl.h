// Compiled once for every instruction set: sums of the lanes of four vectors at once.
#if defined(SEMFIELD_OPS_LANE_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SEMFIELD_OPS_LANE_SUMS_INL_H_
#undef SEMFIELD_OPS_LANE_SUMS_INL_H_
#else
#define SEMFIELD_OPS_LANE_SUMS_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace semfield::ops::HWY_NAMESPACE {
namespace {

using SumTag = hwy::HWY_NAMESPACE::ScalableTag<float>;
using SumVector = hwy::HWY_NAMESPACE::Vec<SumTag>;

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void AddSums4(SumVector a, SumVector b, SumVector c, SumVector e, float* sums) {
  sums[0] += a.raw;
  sums[1] += b.raw;
  sums[2] += c.raw;
  sums[3] += e.raw;
}
#else
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<hwy::HWY_NAMESPACE::FixedTag<float, 4> > SumBlocks(
    D d, hwy::HWY_NAMESPACE::Vec<D> v) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (hn::MaxLanes(D()) > 4) {
    const hn::Half<D> half;
    return SumBlocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    return v;
  }
}

// sums[0..3] += the sums of the lanes of a, b, c, e. Transposing 4 x 4 within 128-bit blocks costs less than
// four separate sums.
HWY_INLINE void AddSums4(SumVector a, SumVector b, SumVector c, SumVector e, float* sums) {
  namespace hn = hwy::HWY_NAMESPACE;
  const SumTag d;
  const hn::RepartitionToWide<SumTag> wide;
  const SumVector ab = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  const SumVector ce = hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e));
  const auto low = hn::InterleaveLower(wide, hn::BitCast(wide, ab), hn::BitCast(wide, ce));
  const auto high = hn::InterleaveUpper(wide, hn::BitCast(wide, ab), hn::BitCast(wide, ce));
  const auto total = SumBlocks(d, hn::Add(hn::BitCast(d, low), hn::BitCast(d, high)));
  const hn::FixedTag<float, 4> four;
  hn::StoreU(hn::Add(hn::LoadU(four, sums), total), four, sums);
}
#endif

}  // namespace
}  // namespace semfield::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
