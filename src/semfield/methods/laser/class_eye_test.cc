#include "semfield/methods/laser/class_eye.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

TEST(MeansOfTokens, OfAMapThatIsFiner) {
  FeatureMap map{2, 4, 4, {}, "toy"};
  for (int i = 0; i < 32; ++i) map.data.push_back(static_cast<float>(i));
  const std::vector<float> means = MeansOfTokens(map, 2);
  // Of the places 0, 1, 4, 5 and so on.
  EXPECT_EQ(means, (std::vector<float>{2.5f, 4.5f, 10.5f, 12.5f, 18.5f, 20.5f, 26.5f, 28.5f}));
}

TEST(MeansOfTokens, WhatDoesNotDivideKeepsTheMeanOfAll) {
  FeatureMap map{1, 5, 5, std::vector<float>(25, 3), "toy"};
  for (const float mean : MeansOfTokens(map, 3)) EXPECT_FLOAT_EQ(mean, 3);
}

TEST(MeansOfTokens, OfACoarserMapTheNearest) {
  FeatureMap map{1, 2, 2, {1, 2, 3, 4}, "toy"};
  const std::vector<float> means = MeansOfTokens(map, 4);
  EXPECT_FLOAT_EQ(means[0], 1);
  EXPECT_FLOAT_EQ(means[1], 1);
  EXPECT_FLOAT_EQ(means[3], 2);
  EXPECT_FLOAT_EQ(means[15], 4);
}

}  // namespace
}  // namespace semfield
