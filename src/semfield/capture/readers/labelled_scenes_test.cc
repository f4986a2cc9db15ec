#include "semfield/capture/readers/labelled_scenes.h"

#include <gtest/gtest.h>

#include <functional>

#include "semfield/capture/image_store.h"
#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using namespace testing_support;
namespace fs = std::filesystem;

std::string Rows(const Mat4& m) {
  std::string text;
  for (int r = 0; r < 4; ++r) text += fmt::format("{} {} {} {}\n", m(r, 0), m(r, 1), m(r, 2), m(r, 3));
  return text;
}

// Four frames out of order by name (2, 10, 30, 100) in the exporter's layout: color of 1296 x 968 shrunk to
// 324 x 242, depth of another camera's size, labels of the color's size with raw ids.
class ScanNet : public ::testing::Test {
 protected:
  ScanNet() {
    std::vector<fs::path> images;
    for (const int number : kFrames) {
      images.push_back(folder_ / fmt::format("scene/color/{}.jpg", number));
      WriteBytes(folder_ / fmt::format("scene/pose/{}.txt", number),
                 Rows(CirclePose(number % 7, 7).Matrix()));
      WritePng16(folder_ / fmt::format("scene/depth/{}.png", number), ImageU16(160, 120, 1, 2500));
      ImageU16 labels(324, 242, 1, 1);
      labels.At(0, 0) = 0;
      labels.At(1, 0) = 4;
      labels.At(2, 0) = 17;
      WritePng16(folder_ / fmt::format("scene/label-filt/{}.png", number), labels);
      WritePng(folder_ / fmt::format("scene/instance-filt/{}.png", number), ImageU8(324, 242, 1, 3));
    }
    const std::vector<std::byte> jpeg = EncodeJpeg(ImageU8(324, 242, 3, 90));
    for (const fs::path& image : images)
      WriteBytes(image, {reinterpret_cast<const char*>(jpeg.data()), jpeg.size()});
    Mat4 k = Mat4::Identity();
    k(0, 0) = 1170.187988, k(1, 1) = 1170.187988, k(0, 2) = 647.75, k(1, 2) = 483.75;
    WriteBytes(folder_ / "scene/intrinsic/intrinsic_color.txt", Rows(k));
    WriteTable("scene");
  }
  void WriteTable(const std::string& where) {
    WriteBytes(folder_ / (where + "/scannetv2-labels.combined.tsv"),
               "id\traw_category\tcategory\tcount\tnyu40id\teigen13id\n"
               "1\twall\twall\t8277\t1\t12\n"
               "4\tpillow\tpillow\t937\t18\t7\n"  // one of the 40 that is none of the 20
               "17\toffice chair\toffice chair\t595\t5\t4\r\n");
  }
  Capture Read(bool allow_outside = false) {
    return ReadCapture(folder_ / "scene", {.allow_outside = allow_outside, .warnings = WarningLog::kNothing});
  }
  static constexpr int kFrames[] = {2, 10, 30, 100};
  TempFolder folder_{"scannet"};
};

TEST_F(ScanNet, FramesAreInTheOrderOfTheirNumbersWithTheColorsCamera) {
  const Capture capture = Read();
  EXPECT_EQ(capture.format, "scannet");
  ASSERT_EQ(capture.views.size(), 4u);
  EXPECT_EQ(capture.views[0].name, "color/2.jpg");
  EXPECT_EQ(capture.views[1].name, "color/10.jpg");
  EXPECT_EQ(capture.views[3].name, "color/100.jpg");
  const View& view = capture.views[3];
  EXPECT_TRUE(view.world_from_camera.Matrix().isApprox(CirclePose(100 % 7, 7).Matrix(), 1e-4));
  EXPECT_EQ(view.camera.width, 324);
  EXPECT_NEAR(view.camera.fx, 1170.187988 / 4, 1e-4);
  EXPECT_NEAR(view.camera.cx, 648.25 / 4, 1e-9);  // the pixel 647.75 is 648.25 from the left edge
  const ImageStore store(capture);
  EXPECT_NEAR(store.Depth(0).At(1, 1), 2.5, 1e-6);
  EXPECT_EQ(store.Instances(0).At(0, 0), 3);
}

TEST_F(ScanNet, RawLabelsBecomeTheTwentyClasses) {
  const Capture capture = Read();
  ASSERT_EQ(capture.class_names.size(), 20u);
  EXPECT_EQ(capture.class_names[4], "chair");
  EXPECT_EQ(capture.class_names[19], "otherfurniture");
  const ImageU16 classes = ImageStore(capture).Classes(1);
  EXPECT_EQ(classes.At(0, 0), 65535);  // not labelled
  EXPECT_EQ(classes.At(1, 0), 65535);  // a pillow is none of them
  EXPECT_EQ(classes.At(2, 0), 4);
  EXPECT_EQ(classes.At(9, 9), 0);
}

TEST_F(ScanNet, ALabelThatTheTableDoesNotHaveIsNamed) {
  WritePng16(folder_ / "scene/label-filt/30.png", ImageU16(324, 242, 1, 999));
  const Capture capture = Read();
  try {
    ImageStore(capture).Classes(2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("30.png: label 999"), std::string::npos) << error.what();
  }
}

TEST_F(ScanNet, LostFramesAreLeftOutAndCounted) {
  WriteBytes(folder_ / "scene/pose/10.txt",
             "-inf -inf -inf -inf\n-inf -inf -inf -inf\n-inf -inf -inf -inf\n-inf -inf -inf -inf\n");
  const Capture capture = Read();
  EXPECT_EQ(capture.views.size(), 3u);
  EXPECT_TRUE(Mentions(capture.warnings, "1 of 4 frames have no valid pose"));
}

TEST_F(ScanNet, TheTableMayLieAboveOnlyIfTheUserSaysSo) {
  fs::remove(folder_ / "scene/scannetv2-labels.combined.tsv");
  Capture capture = Read();
  EXPECT_TRUE(capture.class_names.empty());
  EXPECT_TRUE(capture.views[0].semantic.empty());
  EXPECT_TRUE(Mentions(capture.warnings, "scannetv2-labels.combined.tsv is not in the scene's folder"));
  WriteTable(".");
  EXPECT_TRUE(Read().class_names.empty());
  EXPECT_EQ(Read(true).class_names.size(), 20u);
}

TEST_F(ScanNet, DamagedFilesAreNamed) {
  const auto fails = [&](const std::string& file, const std::string& text, const std::string& says) {
    const std::string path = folder_ / ("scene/" + file);
    std::ifstream in(path);
    const std::string before((std::istreambuf_iterator<char>(in)), {});
    WriteBytes(path, text);
    EXPECT_NE(ReadError(folder_ / "scene").find(says), std::string::npos) << ReadError(folder_ / "scene");
    WriteBytes(path, before);
  };
  fails("pose/2.txt", "1 0 0\n", "2.txt: line 1: 3 numbers, expected 4");
  fails("pose/2.txt", Rows(2 * Mat4::Identity()), "2.txt: is no rotation and position");
  fails("pose/2.txt", "one 0 0 0\n", "'one' is no number");
  fails("intrinsic/intrinsic_color.txt", "", "0 rows of 4 numbers, expected 4");
  fails("intrinsic/intrinsic_color.txt", Rows(-Mat4::Identity()), "expected numbers above 0");
  fails("scannetv2-labels.combined.tsv", "id\tname\n", "no column 'nyu40id'");
  fails("scannetv2-labels.combined.tsv", "id\tnyu40id\nx\t1\n", "line 2, column id: expected a whole number");
  fails("scannetv2-labels.combined.tsv", "id\tnyu40id\n7\n", "line 2: 1 columns, expected 2");
}

// Twelve frames in the published layout, of which Semantic-NeRF takes 0, 5, 10 and 2, 7.
class Replica : public ::testing::Test {
 protected:
  Replica() {
    std::vector<fs::path> images;
    std::string poses;
    for (int i = 0; i < 12; ++i) {
      const std::string sequence = "room_0/Sequence_1/";
      images.push_back(folder_ / fmt::format("{}rgb/rgb_{}.png", sequence, i));
      const Mat4 m = CirclePose(i, 12).Matrix();
      for (int k = 0; k < 16; ++k) poses += fmt::format("{:.18e}{}", m(k / 4, k % 4), k < 15 ? " " : "\n");
      WritePng16(folder_ / fmt::format("{}depth/depth_{}.png", sequence, i), ImageU16(64, 48, 1, 1500));
      ImageU8 classes(64, 48, 1, 93);
      classes.At(0, 0) = 0;
      WritePng(folder_ / fmt::format("{}semantic_class/semantic_class_{}.png", sequence, i), classes);
      WritePng(folder_ / fmt::format("{}semantic_instance/semantic_instance_{}.png", sequence, i),
               ImageU8(64, 48, 1, 8));
    }
    WritePlainImages(images, 64, 48);
    WriteBytes(folder_ / "room_0/Sequence_1/traj_w_c.txt", poses);
  }
  TempFolder folder_{"replica"};
};

TEST_F(Replica, EveryFifthFrameTrainsAndTheSecondAfterItIsHeldOut) {
  const Capture capture = ReadCapture(folder_ / "room_0");
  EXPECT_EQ(capture.format, "replica");
  ASSERT_EQ(capture.views.size(), 5u);
  std::vector<std::string> names;
  for (const View& view : capture.views) names.push_back(fs::path(view.name).stem());
  EXPECT_EQ(names, (std::vector<std::string>{"rgb_0", "rgb_2", "rgb_5", "rgb_7", "rgb_10"}));
  EXPECT_EQ(capture.train, (std::vector<int>{0, 2, 4}));
  EXPECT_EQ(capture.held_out, (std::vector<int>{1, 3}));
  const View& view = capture.views[3];
  EXPECT_TRUE(view.world_from_camera.Matrix().isApprox(CirclePose(7, 12).Matrix(), 1e-9));
  EXPECT_EQ(view.camera.fx, 32);  // 90 degrees across
  EXPECT_EQ(view.camera.cx, 32);
  EXPECT_EQ(view.camera.cy, 24);
  EXPECT_NEAR(ImageStore(capture).Depth(0).At(5, 5), 1.5, 1e-6);
  EXPECT_EQ(ReadCapture(folder_ / "room_0/Sequence_1").views.size(), 5u);
}

TEST_F(Replica, ClassesHaveTheirNumbersAndNamesWhereThereAreSome) {
  Capture capture = ReadCapture(folder_ / "room_0");
  EXPECT_EQ(capture.class_names.at(93), "class 93");
  EXPECT_EQ(ImageStore(capture).Classes(0).At(0, 0), 65535);
  EXPECT_EQ(ImageStore(capture).Classes(0).At(4, 4), 93);
  WriteBytes(folder_ / "room_0/info_semantic.json",
             R"({"classes": [{"id": 93, "name": "wall"}], "objects": []})");
  EXPECT_EQ(ReadCapture(folder_ / "room_0").class_names.at(93), "wall");
  WriteBytes(folder_ / "room_0/info_semantic.json", R"({"classes": [{"id": -3, "name": "wall"}]})");
  EXPECT_NE(ReadError(folder_ / "room_0").find("info_semantic.json: classes[0].id"), std::string::npos);
}

TEST_F(Replica, DamagedAndMissingFilesAreNamed) {
  const fs::path poses = folder_ / "room_0/Sequence_1/traj_w_c.txt";
  WriteBytes(poses, "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0\n");
  EXPECT_NE(ReadError(folder_ / "room_0").find("line 1: 15 numbers, expected 16"), std::string::npos);
  WriteBytes(poses, "2 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1\n");
  EXPECT_NE(ReadError(folder_ / "room_0").find("is no rotation and position"), std::string::npos);
  WriteBytes(poses, "\n");
  EXPECT_NE(ReadError(folder_ / "room_0").find("0 rows of 16 numbers"), std::string::npos);
  WriteBytes(poses, "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 nan\n");
  EXPECT_NE(ReadError(folder_ / "room_0").find("not finite"), std::string::npos);
}

}  // namespace
}  // namespace semfield
