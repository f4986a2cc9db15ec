#include "semfield/views/class_picture.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "semfield/views/class_vote.h"

namespace semfield {
namespace {

TEST(ClassColor, NoTwoOfFiftyAreNearAndNoneIsBlack) {
  for (int a = 0; a < 50; ++a) {
    const auto one = ClassColor(a);
    EXPECT_GT(one[0] + one[1] + one[2], 150) << a;
    for (int b = 0; b < a; ++b) {
      const auto other = ClassColor(b);
      int apart = 0;
      for (int c = 0; c < 3; ++c) apart += std::abs(one[c] - other[c]);
      EXPECT_GT(apart, a < 24 ? 24 : 0) << a << " and " << b;
    }
  }
  EXPECT_EQ(ClassColor(-1), (std::array<uint8_t, 3>{0, 0, 0}));
  EXPECT_EQ(ClassColor(kNoClass), (std::array<uint8_t, 3>{0, 0, 0}));
}

TEST(ClassPicture, EachPixelHasTheColorOfItsClass) {
  ImageU8 ids(2, 1, 1);
  ids.data = {3, kNoClass};
  const ImageU8 picture = ClassPicture(ids);
  const auto color = ClassColor(3);
  EXPECT_EQ(picture.data, (std::vector<uint8_t>{color[0], color[1], color[2], 0, 0, 0}));
}

TEST(Legend, NamesEveryClassBesideItsColor) {
  const std::vector<std::string> classes = {"wall", "a long name"};
  const ImageU8 picture = LegendPicture(classes);
  for (int id = 0; id < 2; ++id) {
    const int y = picture.height * (2 * id + 1) / 4;
    const auto color = ClassColor(id);
    EXPECT_EQ(picture.At(1, y, 0), color[0]);
    EXPECT_EQ(picture.At(1, y, 2), color[2]);
  }
  EXPECT_EQ(LegendJson(classes)[1]["name"], "a long name");
  EXPECT_EQ(LegendJson(classes)[1]["id"], 1);
  EXPECT_GT(LegendPicture({}).height, 0);
}

}  // namespace
}  // namespace semfield
