#include "semfield/evaluation/depth_protocol.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

TEST(CompareDepth, TellsNearFromFarAndLeavesTheUnknownOut) {
  ImageF truth(5, 2, 1, 2.0f), ours(5, 2, 1, 2.0f);
  truth.At(0, 0) = 0;    // unknown
  ours.At(1, 0) = 1.8f;  // 10 % too near
  ours.At(2, 0) = 2.2f;  // 10 % too far
  ours.At(3, 0) = 0;     // nothing there
  ours.At(4, 0) = 2.06f;
  const DepthErrors errors = CompareDepth(ours, truth);
  ASSERT_EQ(errors.relative.size(), 9u);
  EXPECT_DOUBLE_EQ(errors.ShareWithin(0.05), 6.0 / 9);
  EXPECT_DOUBLE_EQ(errors.ShareNearer(0.05), 2.0 / 9);
  EXPECT_DOUBLE_EQ(errors.ShareFarther(0.05), 1.0 / 9);
  EXPECT_EQ(errors.MedianAbsolute(), 0);
  EXPECT_EQ(CompareDepth(truth, truth).ShareWithin(0), 1);
  EXPECT_EQ(DepthErrors().MedianAbsolute(), 0);
}

}  // namespace
}  // namespace semfield
