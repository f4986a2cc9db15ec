#include "semfield/views/photo_classes.h"

#include <gtest/gtest.h>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/image/codecs.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {
namespace {

std::string ErrorOf(const std::function<void()>& what) {
  try {
    what();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class PhotoClassesTest : public testing::Test {
 protected:
  PhotoClassesTest() {
    WriteSynthetic({.views = 4, .width = 32, .height = 24}, *folder_ / "capture");
    capture_ = ReadCapture(*folder_ / "capture");
    store_ = std::make_unique<ImageStore>(capture_);
  }
  PhotoClasses OfLabels() { return PhotoClasses(capture_, *store_, {.model = kLabelsOfCapture}); }

  const std::unique_ptr<TestFolder> folder_ = std::make_unique<TestFolder>();
  Capture capture_;
  std::unique_ptr<ImageStore> store_;
};

TEST_F(PhotoClassesTest, LabelsAreProbabilitiesOfOneClass) {
  PhotoClasses photos = OfLabels();
  EXPECT_EQ(photos.classes(), capture_.class_names);
  EXPECT_EQ(photos.Askable({0, 1, 2}), (std::vector<int>{0, 1, 2}));
  const ImageU16 labels = store_->Classes(1);
  const std::shared_ptr<const ImageF> map = photos.Get(1);
  ASSERT_EQ(map->width, 32);
  ASSERT_EQ(map->channels, static_cast<int>(capture_.class_names.size()));
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 32; ++x) {
      for (int c = 0; c < map->channels; ++c) EXPECT_EQ(map->At(x, y, c), labels.At(x, y) == c ? 1 : 0);
    }
  }
}

TEST_F(PhotoClassesTest, NoLabelIsOfAllClassesAlike) {
  ImageU8 none(32, 24, 1, 255);
  none.At(0, 0) = 1;
  WritePng(capture_.views[0].semantic, none);
  const std::shared_ptr<const ImageF> map = OfLabels().Get(0);
  EXPECT_EQ(map->At(0, 0, 1), 1);
  EXPECT_FLOAT_EQ(map->At(5, 5, 0), 1.0f / static_cast<float>(map->channels));
}

TEST_F(PhotoClassesTest, ALabelOutsideTheListIsNamed) {
  ImageU8 bad(32, 24, 1, 0);
  bad.At(3, 4) = 77;
  WritePng(capture_.views[2].semantic, bad);
  const std::string error = ErrorOf([&] { OfLabels().Get(2); });
  EXPECT_NE(error.find(capture_.views[2].semantic.string() + ": class id 77, but the capture has"),
            std::string::npos)
      << error;
}

TEST_F(PhotoClassesTest, AClassHasOtherNamesToo) {
  const PhotoClasses photos(capture_, *store_, {.model = "rooms-fast"});
  const auto name = [&](const std::string& word) {
    const std::optional<int> id = photos.ClassCalled(word);
    return id ? photos.classes()[*id] : std::string();
  };
  EXPECT_EQ(name("couch"), "sofa");
  EXPECT_EQ(name("Chairs"), "chair");
  EXPECT_EQ(name("zebra"), "");      // a word of the classifier, and no class
  EXPECT_EQ(name("furniture"), "");  // several
  EXPECT_FALSE(OfLabels().ClassCalled("couch").has_value());
}

TEST_F(PhotoClassesTest, WhoCannotBeAskedIsSaid) {
  EXPECT_NE(ErrorOf([&] { PhotoClasses(capture_, *store_, {.model = "no-such"}); }).find("no-such"),
            std::string::npos);
  EXPECT_NE(ErrorOf([&] { PhotoClasses(capture_, *store_, {.model = "minilm"}); }).find("dense"),
            std::string::npos);
  capture_.views[1].semantic.clear();
  EXPECT_EQ(OfLabels().Askable({0, 1, 2}), (std::vector<int>{0, 2}));
  EXPECT_NE(ErrorOf([&] { OfLabels().Look(ImageU8(8, 8, 3)); }).find("labels"), std::string::npos);
  capture_.class_names.clear();
  EXPECT_NE(ErrorOf([&] { OfLabels(); }).find("does not say what its classes are"), std::string::npos);
}

}  // namespace
}  // namespace semfield
