#include "semfield/jobs/coco_file.h"

#include <gtest/gtest.h>

namespace semfield {
namespace {

TEST(RunLengths, GoDownTheColumnsFromWhatIsOutside) {
  ImageU8 mask(3, 2, 1);
  EXPECT_EQ(RunLengths(mask), (std::vector<int64_t>{6}));
  mask.At(1, 0) = mask.At(1, 1) = mask.At(2, 0) = 255;
  EXPECT_EQ(RunLengths(mask), (std::vector<int64_t>{2, 3, 1}));
  mask.At(0, 0) = 1;
  EXPECT_EQ(RunLengths(mask), (std::vector<int64_t>{0, 1, 1, 3, 1}));
}

TEST(CocoFile, SaysWhatIsWhereAndLeavesOutWhatIsNot) {
  CocoFile file;
  const int cup = file.AddCategory("cup"), sofa = file.AddCategory("sofa");
  const int image = file.AddImage("images/004.jpg", 4, 3);
  ImageU8 mask(4, 3, 1);
  file.AddMask(image, cup, mask);
  mask.At(1, 1) = mask.At(2, 1) = 255;
  file.AddMask(image, sofa, mask);
  const Json& json = file.json();
  ASSERT_EQ(json["annotations"].size(), 1u);
  const Json& one = json["annotations"][0];
  EXPECT_EQ(one["category_id"], sofa);
  EXPECT_EQ(one["area"], 2);
  EXPECT_EQ(one["bbox"], Json({1, 1, 2, 1}));
  EXPECT_EQ(one["segmentation"]["size"], Json({3, 4}));
  EXPECT_EQ(one["segmentation"]["counts"], Json({4, 1, 2, 1, 4}));
  EXPECT_EQ(json["images"][0]["file_name"], "images/004.jpg");
}

}  // namespace
}  // namespace semfield
