#include "semfield/evaluation/instance_ap.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

TEST(AveragePrecisions, ByHand) {
  // Thing 5: four pixels, of which mask 0 has three and one that is of nothing; thing 6: four, of which mask
  // 1 has two, and mask 2 the rest with little confidence.
  const std::vector<int> truth = {5, 5, 5, 5, 6, 6, 6, 6, -1, -1};
  const InstancePicture predicted{.width = 10,
                                  .height = 1,
                                  .ids = {0, 0, 0, -1, 1, 1, 2, 2, 0, 2},
                                  .confidence = {0.9f, 0.9f, 0.9f, 0, 0.8f, 0.8f, 0.3f, 0.3f, 0.1f, 0.1f}};
  // IoU: 3/4, 1/2, 1/2. At 0.4: both things are found by the first two masks. At 0.6: the first is.
  const std::vector<double> ap = AveragePrecisions(predicted, truth, {0.4, 0.6, 0.8});
  EXPECT_DOUBLE_EQ(ap[0], 1);
  EXPECT_DOUBLE_EQ(ap[1], 0.5);
  EXPECT_DOUBLE_EQ(ap[2], 0);
}

TEST(AveragePrecisions, WrongMasksOfLargerConfidenceCost) {
  const std::vector<int> truth = {1, 1, 1, 1, 1, 1};
  const InstancePicture predicted{
      .width = 6, .height = 1, .ids = {0, 0, 0, 0, 0, 3}, .confidence = {0.2f, 0.2f, 0.2f, 0.2f, 0.2f, 0.9f}};
  EXPECT_DOUBLE_EQ(AveragePrecisions(predicted, truth, {0.75})[0], 0.5);  // the second of two is right
}

TEST(AveragePrecisions, OfTheTruthItselfIsOneAndOfNothingZero) {
  const std::vector<int> truth = {1, 1, 2, 2, -1};
  EXPECT_DOUBLE_EQ(AveragePrecisions({.width = 5, .height = 1, .ids = {7, 7, 4, 4, 4}, .confidence = {}},
                                     truth, {0.95})[0],
                   1);
  EXPECT_DOUBLE_EQ(AveragePrecisions({.width = 5, .height = 1, .ids = {-1, -1, -1, -1, 0}, .confidence = {}},
                                     truth, {0.5})[0],
                   0);
  EXPECT_TRUE(
      AveragePrecisions({.width = 1, .height = 1, .ids = {0}, .confidence = {}}, {-1}, {0.5}).empty());
}

}  // namespace
}  // namespace semfield
