#include "semfield/base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "semfield/base/random.h"

namespace semfield {
namespace {

TEST(Half, KnownValues) {
  EXPECT_EQ(HalfToFloat(0x3c00), 1.0f);
  EXPECT_EQ(HalfToFloat(0xc000), -2.0f);
  EXPECT_EQ(HalfToFloat(0x7bff), 65504.0f);
  EXPECT_EQ(HalfToFloat(0x0001), 0x1p-24f);
  EXPECT_EQ(HalfToFloat(0x0400), 0x1p-14f);
  EXPECT_EQ(HalfToFloat(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(HalfToFloat(0x7e00)));
  EXPECT_TRUE(std::signbit(HalfToFloat(0x8000)));
  EXPECT_EQ(FloatToHalf(0.1f), 0x2e66);
  EXPECT_EQ(FloatToHalf(-0.0f), 0x8000);
}

TEST(Half, EveryHalfComesBack) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const Half half = static_cast<Half>(bits);
    const float value = HalfToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(value))));
    } else {
      EXPECT_EQ(FloatToHalf(value), half);
    }
  }
}

// Between two neighbours the middle goes to the even one and anything off the middle to the nearer one.
TEST(Half, RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    const float low = HalfToFloat(static_cast<Half>(bits));
    const float high = bits == 0x7bff ? 65536.0f : HalfToFloat(static_cast<Half>(bits + 1));
    const float middle = 0.5f * (low + high);  // exact: float has 13 more bits
    const Half even = static_cast<Half>(bits % 2 == 0 ? bits : bits + 1);
    for (const uint32_t sign : {0u, 0x8000u}) {
      const float s = sign != 0 ? -1.0f : 1.0f;
      ASSERT_EQ(FloatToHalf(s * middle), even | sign) << bits;
      ASSERT_EQ(FloatToHalf(s * std::nextafter(middle, 0.0f)), bits | sign) << bits;
      ASSERT_EQ(FloatToHalf(s * std::nextafter(middle, 1e9f)), (bits + 1) | sign) << bits;
    }
  }
}

TEST(Half, OverflowTinyAndNotANumber) {
  EXPECT_EQ(FloatToHalf(std::numeric_limits<float>::infinity()), 0x7c00);
  EXPECT_EQ(FloatToHalf(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_EQ(FloatToHalf(std::numeric_limits<float>::max()), 0x7c00);
  EXPECT_EQ(FloatToHalf(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(FloatToHalf(-0x1p-25f), 0x8000);  // half of the smallest: a tie, to even zero
  EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(std::numeric_limits<float>::quiet_NaN()))));
  // A NaN whose payload is all in the low bits must not become an infinity.
  EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(std::bit_cast<float>(0x7f800001u)))));
}

#ifdef __FLT16_MAX__
TEST(Half, AgreesWithTheCompiler) {
  Random random(7);
  for (int i = 0; i < 2'000'000; ++i) {
    const float value = std::bit_cast<float>(random.NextUint32());
    if (std::isnan(value)) continue;
    const _Float16 expected = static_cast<_Float16>(value);
    ASSERT_EQ(FloatToHalf(value), std::bit_cast<Half>(expected)) << value;
  }
}
#endif

}  // namespace
}  // namespace semfield
