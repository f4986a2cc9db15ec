#include "semfield/evaluation/class_scores.h"

#include <gtest/gtest.h>

#include "semfield/base/error.h"

namespace semfield {
namespace {

// Two of class 0: one right, one taken for 1; three of class 1: two right, one without an answer; class 2 is
// answered once where nothing is scored, and does not occur.
ConfusionMatrix Small() {
  ConfusionMatrix matrix(3);
  matrix.Add(0, 0);
  matrix.Add(0, 1);
  matrix.Add(1, 1);
  matrix.Add(1, 1);
  matrix.Add(1, -1);
  matrix.Add(-1, 2);
  return matrix;
}

TEST(ConfusionMatrix, ScoresByHand) {
  const ConfusionMatrix matrix = Small();
  EXPECT_EQ(matrix.scored(), 5);
  EXPECT_DOUBLE_EQ(matrix.Iou(0).value(), 1.0 / 2);
  EXPECT_DOUBLE_EQ(matrix.Iou(1).value(), 2.0 / 4);
  EXPECT_FALSE(matrix.Iou(2).has_value());
  EXPECT_DOUBLE_EQ(matrix.MeanIou(), 0.5);
  EXPECT_DOUBLE_EQ(matrix.TotalAccuracy(), 3.0 / 5);
  EXPECT_DOUBLE_EQ(matrix.AverageAccuracy(), (1.0 / 2 + 2.0 / 3) / 2);
}

// A class that is only answered takes from the others' IoU, and has none itself.
TEST(ConfusionMatrix, AnswersOfAbsentClassesCountAgainstTheOthers) {
  ConfusionMatrix matrix(3);
  matrix.Add(0, 0);
  matrix.Add(0, 2);
  EXPECT_DOUBLE_EQ(matrix.MeanIou(), 0.5);
}

TEST(ConfusionMatrix, OneMatrixIsNotTheMeanOfTwo) {
  ConfusionMatrix sum = Small();
  ConfusionMatrix other(3);
  other.Add(0, 0);
  sum.Merge(other);
  EXPECT_EQ(sum.scored(), 6);
  EXPECT_DOUBLE_EQ(sum.Iou(0).value(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(sum.MeanIou(), (2.0 / 3 + 2.0 / 4) / 2);
  EXPECT_NE(sum.MeanIou(), (Small().MeanIou() + other.MeanIou()) / 2);
}

TEST(ConfusionMatrix, IsTheSameAfterJson) {
  const ConfusionMatrix matrix = Small(), again = ConfusionMatrix::FromJson(matrix.ToJson());
  EXPECT_EQ(again.ToJson(), matrix.ToJson());
  EXPECT_EQ(again.At(1, -1), 1);
  EXPECT_THROW(ConfusionMatrix::FromJson({{1, 2}, {3, 4}}), Error);
  EXPECT_THROW(ConfusionMatrix::FromJson({{1, -2}}), Error);
}

TEST(ConfusionMatrix, NothingScoredIsZero) {
  const ConfusionMatrix matrix(2);
  EXPECT_EQ(matrix.MeanIou(), 0);
  EXPECT_EQ(matrix.TotalAccuracy(), 0);
  EXPECT_EQ(matrix.AverageAccuracy(), 0);
}

}  // namespace
}  // namespace semfield
