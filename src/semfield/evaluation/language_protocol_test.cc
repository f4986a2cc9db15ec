#include "semfield/evaluation/language_protocol.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

ClassImage Image(const std::vector<uint8_t>& pixels) {
  ClassImage image(static_cast<int>(pixels.size()), 1, 1);
  image.data.assign(pixels.begin(), pixels.end());
  return image;
}

// Two views, counted by hand.
TEST(ClassScore, EachViewForItselfAndAllPixels) {
  ClassScore score(3);
  score.Add(Image({0, 0, 1, 1}), Image({0, 0, 0, 1}));
  score.Add(Image({2, 1, 1, 1, 0}), Image({1, 1, 1, 1, kNoClass}));
  ASSERT_EQ(score.view_ious().size(), 2u);
  EXPECT_DOUBLE_EQ(score.view_ious()[0], (2.0 / 3 + 1.0 / 2) / 2);
  EXPECT_DOUBLE_EQ(score.view_ious()[1], (3.0 / 4 + 0.0) / 2);  // 2 is shown by the answer alone
  EXPECT_DOUBLE_EQ(score.view_accuracies()[0], 0.75);
  EXPECT_DOUBLE_EQ(score.view_accuracies()[1], 0.75);
  // In one matrix: 0 has 2 of 3, 1 has 4 of 6; 2 is in no label.
  EXPECT_DOUBLE_EQ(score.all().MeanIou(), (2.0 / 3 + 4.0 / 6) / 2);
  EXPECT_DOUBLE_EQ(score.all().TotalAccuracy(), 6.0 / 8);
}

TEST(ClassScore, WhatIsNotAnsweredIsWrong) {
  ClassScore score(2);
  score.Add(Image({0, kNoClass}), Image({0, 0}));
  EXPECT_DOUBLE_EQ(score.view_ious()[0], 0.5);
  EXPECT_DOUBLE_EQ(score.all().MeanIou(), 0.5);
  EXPECT_DOUBLE_EQ(score.all().TotalAccuracy(), 0.5);
}

TEST(ClassScore, ViewsWithoutLabelsDoNotCount) {
  ClassScore score(2);
  score.Add(Image({0, 1}), Image({kNoClass, kNoClass}));
  EXPECT_TRUE(score.view_ious().empty());
  EXPECT_EQ(score.all().TotalAccuracy(), 0);
}

}  // namespace
}  // namespace semfield
