#include "semfield/evaluation/clicks.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

TEST(ClickGrid, HasTheMiddlesOfEqualCells) {
  const std::vector<Vec2> clicks = ClickGrid(100, 50, 5);
  ASSERT_EQ(clicks.size(), 25u);
  EXPECT_EQ(clicks[0], Vec2(10, 5));
  EXPECT_EQ(clicks[4], Vec2(90, 5));
  EXPECT_EQ(clicks[12], Vec2(50, 25));
  EXPECT_EQ(clicks[20], Vec2(10, 45));
  EXPECT_EQ(clicks[24], Vec2(90, 45));
}

TEST(ClickGrid, OneClickIsTheMiddle) {
  EXPECT_EQ(ClickGrid(7, 4, 1).front(), Vec2(3.5, 2));
}

void Fill(ImageU16* image, int x0, int y0, int x1, int y1, uint16_t id) {
  for (int y = y0; y < y1; ++y) {
    for (int x = x0; x < x1; ++x) image->At(x, y) = id;
  }
}

TEST(FindThings, ClicksTheMiddleOfASquare) {
  ImageU16 instances(20, 20, 1);
  Fill(&instances, 4, 6, 13, 15, 3);  // 9 x 9 around the middle of pixel (8, 10)
  const std::vector<Thing> things = FindThings(instances, 0.01);
  ASSERT_EQ(things.size(), 1u);
  EXPECT_EQ(things[0].id, 3);
  EXPECT_DOUBLE_EQ(things[0].share, 81.0 / 400);
  EXPECT_EQ(things[0].click, Vec2(8.5, 10.5));
  for (size_t i = 0; i < things[0].mask.data.size(); ++i) {
    EXPECT_EQ(things[0].mask.data[i], instances.data[i] == 3 ? 255 : 0);
  }
}

TEST(FindThings, TheBorderOfThePictureIsABorder) {
  ImageU16 instances(30, 9, 1);
  Fill(&instances, 0, 0, 9, 9, 1);
  EXPECT_EQ(FindThings(instances, 0.01).at(0).click, Vec2(4.5, 4.5));
}

TEST(FindThings, ClicksInsideAThingWithAHole) {
  // A ring: its centre of mass lies outside it.
  ImageU16 instances(40, 40, 1);
  Fill(&instances, 5, 5, 35, 35, 9);
  Fill(&instances, 10, 10, 30, 30, 0);
  const Thing thing = FindThings(instances, 0.01).at(0);
  EXPECT_EQ(instances.At(static_cast<int>(thing.click.x()), static_cast<int>(thing.click.y())), 9);
}

TEST(FindThings, ClicksTheThickestPart) {
  ImageU16 instances(60, 20, 1);
  Fill(&instances, 0, 9, 60, 12, 2);   // a thin bar
  Fill(&instances, 40, 2, 56, 18, 2);  // with a thick end
  const Thing thing = FindThings(instances, 0.01).at(0);
  EXPECT_GT(thing.click.x(), 46);
  EXPECT_LT(thing.click.x(), 50);
}

TEST(FindThings, LeavesOutIdZeroAndSmallThings) {
  ImageU16 instances(20, 10, 1);
  instances.At(0, 0) = 7;                  // half a percent
  Fill(&instances, 10, 0, 12, 1, 5);       // one percent
  Fill(&instances, 15, 5, 20, 10, 65535);  // 12.5 percent
  const std::vector<Thing> things = FindThings(instances, 0.01);
  ASSERT_EQ(things.size(), 2u);
  EXPECT_EQ(things[0].id, 5);
  EXPECT_EQ(things[1].id, 65535);
  EXPECT_TRUE(FindThings(ImageU16(8, 8, 1), 0.0).empty());
}

}  // namespace
}  // namespace semfield
