#include "semfield/capture/view_files.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "semfield/base/atomic_file.h"
#include "semfield/base/random.h"
#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using testing_support::TempFolder;

TEST(NaturalLess, ComparesDigitsAsNumbers) {
  EXPECT_TRUE(NaturalLess("r_8.png", "r_16.png"));
  EXPECT_FALSE(NaturalLess("r_16.png", "r_8.png"));
  EXPECT_TRUE(NaturalLess("a/2.png", "a/10.png"));
  EXPECT_TRUE(NaturalLess("img", "img1"));
  EXPECT_TRUE(NaturalLess("00000000000000000000000000009", "10"));
  EXPECT_TRUE(NaturalLess("9", "99999999999999999999999999999999"));
  EXPECT_FALSE(NaturalLess("x", "x"));
}

TEST(NaturalLess, IsAStrictTotalOrder) {
  Random random(5);
  std::vector<std::string> texts;
  for (int i = 0; i < 60; ++i) {
    std::string text;
    for (uint32_t k = random.Below(5); k > 0; --k) text += "01a./"[random.Below(5)];
    texts.push_back(text);
  }
  for (const auto& a : texts) {
    for (const auto& b : texts) {
      EXPECT_EQ(NaturalLess(a, b) + NaturalLess(b, a), a == b ? 0 : 1) << a << " | " << b;
      for (const auto& c : texts) {
        EXPECT_TRUE(!NaturalLess(a, b) || !NaturalLess(b, c) || NaturalLess(a, c))
            << a << " | " << b << " | " << c;
      }
    }
  }
}

TEST(FindImageFile, SurvivesWhatExportersWrite) {
  TempFolder folder;
  for (const char* name : {"images/a.png", "images/b.jpg", "images/c.JPG", "images/d.png.png", "e.jpeg"}) {
    WriteFileAtomically(folder / name, "x");
  }
  const auto found = [&](const std::string& text) {
    return ViewName(folder.path(), FindImageFile(folder.path(), text));
  };
  EXPECT_EQ(found("images/a.png"), "images/a.png");
  EXPECT_EQ(found("./images/a"), "images/a.png");
  EXPECT_EQ(found("images/b"), "images/b.jpg");
  EXPECT_EQ(found("images/c"), "images/c.JPG");
  EXPECT_EQ(found("images/a.png.png"), "images/a.png");  // doubled in the file list
  EXPECT_EQ(found("images/d.png"), "images/d.png.png");  // doubled on disk
  EXPECT_EQ(found("images\\a.png"), "images/a.png");
  EXPECT_EQ(found("images/../e"), "e.jpeg");
  EXPECT_TRUE(FindImageFile(folder.path(), "images/none").empty());
  EXPECT_TRUE(FindImageFile(folder.path(), "images").empty());  // a folder is no image
  EXPECT_TRUE(FindImageFile(folder.path(), std::string(5000, 'x')).empty());
}

TEST(FitCameraToImage, ScalesOrRefuses) {
  Camera camera = PinholeCamera(400, 300, 1.0);
  camera.cx = 190;
  bool resized = false;
  const Camera half = FitCameraToImage(camera, 200, 150, "here", &resized);
  EXPECT_TRUE(resized);
  EXPECT_NEAR(half.fx, camera.fx / 2, 1e-12);
  EXPECT_NEAR(half.cx, 95, 1e-12);
  FitCameraToImage(camera, 400, 300, "here", &resized);
  EXPECT_FALSE(resized);
  EXPECT_NO_THROW(FitCameraToImage(camera, 133, 100, "here", nullptr));  // rounding to whole pixels
  EXPECT_THROW(FitCameraToImage(camera, 300, 400, "here", nullptr), Error);
  EXPECT_THROW(FitCameraToImage(camera, 400, 290, "here", nullptr), Error);
}

}  // namespace
}  // namespace semfield
