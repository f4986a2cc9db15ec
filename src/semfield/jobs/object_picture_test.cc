#include "semfield/jobs/object_picture.h"

#include <gtest/gtest.h>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace {

class ObjectPictureTest : public ::testing::Test {
 protected:
  std::string Write(const ImageU8& image) {
    WritePng(folder_ / "picture.png", image);
    return (folder_ / "picture.png").string();
  }
  std::string Failure(const ObjectPictureSource& source) {
    try {
      ReadObjectPicture(source, nullptr);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  const TestFolder folder_;
};

TEST_F(ObjectPictureTest, ASquareWithAlphaStaysAsItIs) {
  ImageU8 picture(8, 8, 4, 200);
  picture.At(3, 2, 3) = 0;
  EXPECT_EQ(ReadObjectPicture({.path = Write(picture)}, nullptr).data, picture.data);
}

TEST_F(ObjectPictureTest, OthersAreMadeSquareByWhatIsTransparent) {
  const ImageU8 picture = ReadObjectPicture({.path = Write(ImageU8(10, 4, 4, 255))}, nullptr);
  ASSERT_EQ(picture.width, 10);
  ASSERT_EQ(picture.height, 10);
  int opaque = 0;
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 10; ++x) {
      EXPECT_EQ(picture.At(x, y, 3), y >= 3 && y < 7 ? 255 : 0) << x << ", " << y;
      opaque += picture.At(x, y, 3) == 255;
    }
  }
  EXPECT_EQ(opaque, 40);
  const Camera camera = CameraOfObjectPicture(picture);
  EXPECT_EQ(camera.width, 10);
  EXPECT_EQ(camera.cx, 5);
}

TEST_F(ObjectPictureTest, SaysWhatThePictureLacks) {
  const std::string opaque = Failure({.path = Write(ImageU8(8, 8, 3)), .click_option = "--source-click"});
  EXPECT_NE(opaque.find("has no alpha"), std::string::npos) << opaque;
  EXPECT_NE(opaque.find("--source-click X,Y"), std::string::npos) << opaque;
  const std::string empty = Failure({.path = Write(ImageU8(8, 8, 4, 0))});
  EXPECT_NE(empty.find("transparent everywhere"), std::string::npos) << empty;
}

}  // namespace
}  // namespace semfield
