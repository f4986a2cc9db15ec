#include "semfield/jobs/evaluate_list.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/evaluation/class_scores.h"

namespace semfield {
namespace {

// One scene of class 0 alone, all right; one of classes 0 and 1, of which one of four is right.
TEST(OverScenes, MeansErrorsAndOneMatrix) {
  ConfusionMatrix first(2), second(2);
  first.Add(0, 0);
  first.Add(0, 0);
  second.Add(0, 1);
  second.Add(1, 1);
  second.Add(1, 0);
  second.Add(1, -1);
  const Json a = {{"psnr", 20.0}, {"vote", {{"miou", first.MeanIou()}, {"confusion", first.ToJson()}}}};
  const Json b = {
      {"psnr", 26.0}, {"only", 1.0}, {"vote", {{"miou", second.MeanIou()}, {"confusion", second.ToJson()}}}};
  const Json summary = OverScenes({a, b});
  EXPECT_DOUBLE_EQ(summary["psnr"]["mean"].get<double>(), 23);
  EXPECT_DOUBLE_EQ(summary["psnr"]["standard_error"].get<double>(), 3);  // sqrt((9 + 9) / 1 / 2)
  EXPECT_EQ(summary["only"]["scenes"], 1);
  EXPECT_TRUE(summary["only"]["standard_error"].is_null());
  EXPECT_DOUBLE_EQ(summary["vote"]["miou"]["mean"].get<double>(), (1 + (0.0 / 2 + 1.0 / 4) / 2) / 2);
  // Together class 0: 2 of 3, one more answered; class 1: 1 of 3, one more answered.
  EXPECT_DOUBLE_EQ(summary["vote"]["pooled"]["miou"].get<double>(), (2.0 / 4 + 1.0 / 4) / 2);
  const auto text = OverScenesText(summary);
  EXPECT_EQ(text.at(0), "psnr: 23, standard error 3, 2 scenes");
}

TEST(OverScenes, MatricesOfOtherClassesAreNotAdded) {
  const Json a = {{"confusion", ConfusionMatrix(2).ToJson()}},
             b = {{"confusion", ConfusionMatrix(3).ToJson()}};
  EXPECT_FALSE(OverScenes({a, b}).contains("pooled"));
  EXPECT_TRUE(OverScenes({a, a}).contains("pooled"));
}

}  // namespace
}  // namespace semfield
