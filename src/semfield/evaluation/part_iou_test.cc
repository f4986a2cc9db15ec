#include "semfield/evaluation/part_iou.h"

#include <gtest/gtest.h>

#include <vector>

namespace semfield {
namespace {

TEST(MeanPartIou, CountsPartsThatBothShow) {
  const std::vector<uint8_t> truth{1, 1, 1, 2, 2, 3, 0, 0};
  const std::vector<uint8_t> answer{1, 1, 2, 2, 2, 1, 1, 2};
  const std::vector<uint8_t> source{1, 2, 4};  // no part 3
  // By the rule, the last two places do not count. Part 1: 2 of 4; part 2: 2 of 3.
  EXPECT_DOUBLE_EQ(*MeanPartIou(answer, truth, source, true), (2.0 / 4 + 2.0 / 3) / 2);
  // With them, part 1: 2 of 5; part 2: 2 of 4.
  EXPECT_DOUBLE_EQ(*MeanPartIou(answer, truth, source, false), (2.0 / 5 + 2.0 / 4) / 2);
  EXPECT_FALSE(MeanPartIou(answer, truth, std::vector<uint8_t>{0, 5}, true));
}

}  // namespace
}  // namespace semfield
