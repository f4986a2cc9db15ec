#include "semfield/ops/sigmoid.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "semfield/ops/sigmoid.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// highway.h must come first.
#include "semfield/ops/exponential-inl.h"

HWY_BEFORE_NAMESPACE();
namespace semfield::ops::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void SigmoidImpl(float* row, int count) {
  const ExpTag d;
  const ExpVector one = hn::Set(d, 1.0f);
  const ExpVector largest = hn::Set(d, 87.0f);
  for (int i = 0; i < count; i += static_cast<int>(hn::Lanes(d))) {
    const ExpVector x = hn::LoadU(d, row + i);
    const ExpVector power = Exp(hn::Min(hn::Neg(x), largest)).value;
    const ExpVector sigmoid = hn::Div(one, hn::Add(one, power));
    hn::StoreU(hn::IfThenElse(hn::IsNaN(x), x, sigmoid), d, row + i);
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace semfield::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace semfield::ops {

HWY_EXPORT(SigmoidImpl);

void Sigmoid(float* row, int count) {
  HWY_DYNAMIC_DISPATCH(SigmoidImpl)(row, count);
}

}  // namespace semfield::ops

#endif  // HWY_ONCE
