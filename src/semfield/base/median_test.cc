#include "semfield/base/median.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

TEST(Median, ByHand) {
  EXPECT_DOUBLE_EQ(Median({0.9, 0.1, 0.7, 0.8}), 0.75);
  EXPECT_DOUBLE_EQ(Median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(Median({-4}), -4);
  EXPECT_DOUBLE_EQ(Median({5, 1}), 3);
  EXPECT_DOUBLE_EQ(Median({}), 0);
}

}  // namespace
}  // namespace semfield
