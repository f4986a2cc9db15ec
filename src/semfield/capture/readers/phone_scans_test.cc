#include "semfield/capture/readers/phone_scans.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>

#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using namespace testing_support;
namespace fs = std::filesystem;

constexpr int kViews = 8;

class Polycam : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<fs::path> files;
    for (int i = 0; i < kViews; ++i) {
      const Mat4 m = FlipOpenGlOpenCv(CirclePose(i, kViews)).Matrix();
      Json frame{{"fx", 100.0}, {"fy", 101.0}, {"cx", 66.0}, {"cy", 47.0}, {"width", 128}, {"height", 96}};
      for (int r = 0; r < 3; ++r) {
        for (int c = 0; c < 4; ++c) frame[fmt::format("t_{}{}", r, c)] = m(r, c);
      }
      frames_.push_back(frame);
      files.push_back(folder_ / fmt::format("keyframes/images/{}.png", 1000 + i));
    }
    WritePlainImages(files, 64, 48);
    WritePng16(folder_ / "keyframes/depth/1002.png", ImageU16(32, 24, 1, 1500));
  }
  std::string Failure() {
    for (int i = 0; i < kViews; ++i) {
      WriteBytes(folder_ / fmt::format("keyframes/cameras/{}.json", 1000 + i), frames_[i].dump());
    }
    return ReadError(folder_.path());
  }
  TempFolder folder_{"polycam"};
  std::vector<Json> frames_;
};

TEST_F(Polycam, ReadsFramesAtTheSizeOnDisk) {
  ASSERT_EQ(Failure(), "");
  const Capture capture = ReadCapture(folder_.path());
  EXPECT_EQ(capture.format, "polycam");
  ASSERT_EQ(capture.views.size(), size_t{kViews});
  for (int i = 0; i < kViews; ++i) {
    const View& view = capture.views[i];
    EXPECT_TRUE(view.world_from_camera.Matrix().isApprox(CirclePose(i, kViews).Matrix(), 1e-12));
    EXPECT_EQ(view.camera.fx, 50);
    EXPECT_EQ(view.camera.cx, 33);
    EXPECT_EQ(view.depth.empty(), i != 2);
  }
  EXPECT_EQ(capture.extent, SceneExtent::kBounded);  // by its depth
}

TEST_F(Polycam, WrongContentsAreNamed) {
  const auto good = frames_;
  frames_[3].erase("t_12");
  EXPECT_NE(Failure().find("1003.json: t_12: missing"), std::string::npos);
  frames_ = good;
  frames_[3]["t_12"] = 7;
  EXPECT_NE(Failure().find("no rotation"), std::string::npos);
  frames_ = good;
  frames_[3]["width"] = 0;
  EXPECT_NE(Failure().find("width"), std::string::npos);
  frames_ = good;
  fs::remove_all(folder_ / "keyframes/images");
  EXPECT_NE(Failure().find("0 of 8 frames"), std::string::npos);
}

class Record3d : public ::testing::Test {
 protected:
  void SetUp() override {
    json_ = {{"w", 64}, {"h", 48}, {"K", {60.0, 0, 0, 0, 61.0, 0, 33.0, 23.0, 1}}, {"fps", 60}};
    std::vector<fs::path> files;
    for (int i = 0; i < kViews; ++i) {
      const Pose pose = FlipOpenGlOpenCv(CirclePose(i, kViews));
      const Eigen::Quaterniond q(pose.rotation);
      const Vec3& t = pose.translation;
      json_["poses"].push_back({q.x(), q.y(), q.z(), q.w(), t.x(), t.y(), t.z()});
      files.push_back(folder_ / fmt::format("EXR_RGBD/rgb/{}.jpg", i));
    }
    WritePlainImages(files, 64, 48);
  }
  std::string Failure() {
    WriteBytes(folder_ / "EXR_RGBD/metadata.json", json_.dump());
    return ReadError(folder_.path());
  }
  TempFolder folder_{"record3d"};
  Json json_;
};

TEST_F(Record3d, ReadsPosesAndIntrinsics) {
  json_["perFrameIntrinsicCoeffs"] = Json::array({Json::array({58, 59, 31, 22})});
  ASSERT_EQ(Failure(), "");
  const Capture capture = ReadCapture(folder_.path());
  EXPECT_EQ(capture.format, "record3d");
  ASSERT_EQ(capture.views.size(), size_t{kViews});
  for (int i = 0; i < kViews; ++i) {
    EXPECT_TRUE(capture.views[i].world_from_camera.Matrix().isApprox(CirclePose(i, kViews).Matrix(), 1e-12));
  }
  EXPECT_EQ(capture.views[0].camera.fy, 59);
  EXPECT_EQ(capture.views[1].camera.fy, 61);
  EXPECT_EQ(capture.views[1].camera.cx, 33);
}

TEST_F(Record3d, WrongContentsAreNamed) {
  const Json good = json_;
  json_["poses"][2].erase(6);
  EXPECT_NE(Failure().find("poses[2]: expected 7 numbers"), std::string::npos);
  json_ = good;
  for (int k = 0; k < 4; ++k) json_["poses"][2][k] = 0;
  EXPECT_NE(Failure().find("poses[2]: its quaternion"), std::string::npos);
  json_ = good;
  json_["K"][0] = -60;
  EXPECT_NE(Failure().find("K: focal length"), std::string::npos);
  json_["K"] = Json::array({1, 2});
  EXPECT_NE(Failure().find("K: expected 9"), std::string::npos);
}

}  // namespace
}  // namespace semfield
