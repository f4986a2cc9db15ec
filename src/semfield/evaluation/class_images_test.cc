#include "semfield/evaluation/class_images.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

ClassImage Image(const std::vector<uint8_t>& pixels) {
  ClassImage image(static_cast<int>(pixels.size()), 1, 1);
  image.data.assign(pixels.begin(), pixels.end());
  return image;
}

TEST(CompareClasses, CountsEachClassByHand) {
  const ClassImage a = Image({0, 0, 0, 1, 1, 2, 2, 2, 2, 2}), b = Image({0, 0, 1, 1, 3, 2, 2, 2, 2, 2});
  const std::vector<ClassAgreement> all = CompareClasses(a, b, 0);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_DOUBLE_EQ(all[0].iou, 2.0 / 3);
  EXPECT_DOUBLE_EQ(all[0].share, 0.3);
  EXPECT_DOUBLE_EQ(all[1].iou, 1.0 / 3);
  EXPECT_DOUBLE_EQ(all[2].iou, 1);
  EXPECT_DOUBLE_EQ(all[3].iou, 0);  // of one picture alone
  EXPECT_DOUBLE_EQ(all[3].share, 0.1);
}

TEST(CompareClasses, SmallOnesAndWhatIsNotScoredAreLeftOut) {
  const ClassImage a = Image({0, 0, 0, 1}), b = Image({0, 0, 1, kNoClass});
  EXPECT_EQ(CompareClasses(a, b, 0.3).size(), 1u);
  const ClassImage scored = Image({0, 0, kNoClass, kNoClass});
  const std::vector<ClassAgreement> rest = CompareClasses(a, b, 0, &scored);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_DOUBLE_EQ(rest[0].iou, 1);
}

}  // namespace
}  // namespace semfield
