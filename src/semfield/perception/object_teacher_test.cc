// The teacher of objects over small graphs whose answers are known by hand.
#include "semfield/perception/object_teacher.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/perception/perception_test_util.h"

namespace semfield {
namespace {

constexpr int kGrid = ObjectTeacher::kGrid;

class ObjectTeacherTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RuntimeIsThere()) GTEST_SKIP() << "ONNX Runtime is not installed";
    WriteStandIn(user_.models(), "toy");
  }
  TestUser user_;
};

float At(const FeatureMap& map, int c, int y, int x) {
  return map.data[(static_cast<size_t>(c) * map.height + y) * map.width + x];
}

TEST_F(ObjectTeacherTest, StagesHaveUnitLengthInsideAndNothingOutside) {
  ObjectTeacher teacher({.models = "toy+toy"});
  ImageU8 picture(64, 32, 4);  // wider than high: its lower half is added
  for (int y = 8; y < 24; ++y) {
    for (int x = 16; x < 48; ++x) {
      const uint8_t pixel[4] = {150, 50, 120, 255};
      std::copy_n(pixel, 4, &picture.At(x, y));
    }
  }
  const FeatureMap map = teacher.Look(picture);
  ASSERT_EQ(map.channels, 2 * kStandInChannels);
  ASSERT_EQ(map.data.size(), static_cast<size_t>(2 * kStandInChannels) * kGrid * kGrid);
  for (int y = 0; y < kGrid; ++y) {
    for (int x = 0; x < kGrid; ++x) {
      double square = 0;
      for (int c = 0; c < kStandInChannels; ++c) square += std::pow(At(map, c, y, x), 2);
      const bool inside = x >= 16 && x < 48 && y >= 8 && y < 24;
      EXPECT_NEAR(square, inside ? 1 : 0, 1e-5) << x << " " << y;
      EXPECT_EQ(At(map, 0, y, x), At(map, kStandInChannels, y, x));
    }
  }
}

TEST_F(ObjectTeacherTest, SaysWhatItCannotLookAt) {
  ObjectTeacher teacher({.models = "toy"});
  EXPECT_MENTIONS(ErrorOf([&] { teacher.Look(ImageU8(8, 8, 3, 9)); }), "expects a picture with alpha");
  EXPECT_MENTIONS(ErrorOf([&] { teacher.Look(ImageU8(8, 8, 4, 0)); }), "transparent everywhere");
  EXPECT_MENTIONS(ErrorOf([&] { ObjectTeacher({.models = "toy+none"}); }), "none");
  EXPECT_MENTIONS(ErrorOf([&] { ObjectTeacher({.models = ""}); }), "no model");
  const FeatureMap small = teacher.Look(ImageU8(5, 3, 4, 255));
  EXPECT_NE(At(small, 3, 0, 0), 0);
  EXPECT_EQ(At(small, 3, kGrid - 1, 0), 0);
}

}  // namespace
}  // namespace semfield
