#include "semfield/field/teacher_image.h"

#include <gtest/gtest.h>

#include "semfield/field/analytic_field_test_util.h"

namespace semfield {
namespace {

TEST(TeacherImage, TheTeacherSeesTheRenderingOverTheBackground) {
  const AnalyticField field({.scene = "object"});
  const auto [camera, pose] = field.scene.Cameras()[0];
  const float background[3] = {1, 0, 0.5f};
  const ImageU8 picture = RenderTeacherImage(field, EnclosingSquareCamera(camera, 48), pose, background);
  ASSERT_EQ(picture.width, 48);
  ASSERT_EQ(picture.height, 48);
  ASSERT_EQ(picture.channels, 3);
  EXPECT_EQ(picture.At(0, 0, 0), 255);
  EXPECT_EQ(picture.At(0, 0, 1), 0);
  EXPECT_NEAR(picture.At(0, 0, 2), 128, 1);
}

}  // namespace
}  // namespace semfield
