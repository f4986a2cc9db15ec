#include "semfield/capture/writers/writer.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>

#include "semfield/capture/readers/colmap_test_support.h"
#include "semfield/capture/writers/colmap_files.h"

namespace semfield {
namespace {

using namespace testing_support;
namespace fs = std::filesystem;

void ExpectSameCamera(const Camera& a, const Camera& b) {
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.model, b.model);
  const double of_a[] = {a.fx, a.fy, a.cx, a.cy, a.k1, a.k2, a.k3, a.k4, a.p1, a.p2, a.sx1, a.sy1};
  const double of_b[] = {b.fx, b.fy, b.cx, b.cy, b.k1, b.k2, b.k3, b.k4, b.p1, b.p2, b.sx1, b.sy1};
  for (int i = 0; i < 12; ++i) EXPECT_NEAR(of_a[i], of_b[i], 1e-6) << i;
}

void ExpectSameViews(const Capture& a, const Capture& b) {
  ASSERT_EQ(a.views.size(), b.views.size());
  for (size_t i = 0; i < a.views.size(); ++i) {
    ExpectSameCamera(a.views[i].camera, b.views[i].camera);
    const Mat4 difference = a.views[i].world_from_camera.Matrix() - b.views[i].world_from_camera.Matrix();
    EXPECT_LT(difference.cwiseAbs().maxCoeff(), 1e-6) << i;
    EXPECT_NEAR(a.views[i].near_depth, b.views[i].near_depth, 1e-6) << i;
    EXPECT_NEAR(a.views[i].far_depth, b.views[i].far_depth, 1e-6) << i;
    EXPECT_EQ(a.views[i].mask.empty(), b.views[i].mask.empty()) << i;
    EXPECT_EQ(fs::path(a.views[i].name).extension(), fs::path(b.views[i].name).extension());
  }
}

// A COLMAP capture with points, distortion and one mask.
class Writing : public ::testing::Test {
 protected:
  Capture FromModel(const ColmapModel& model) {
    WriteColmapModel(model, folder_ / "in/sparse/0", true);
    std::vector<fs::path> files;
    for (const ColmapImage& image : model.images) files.push_back(folder_ / ("in/images/" + image.name));
    WritePlainImages(files, 64, 48);
    WritePng(folder_ / ("in/masks/" + CircleName(1) + ".png"), ImageU8(64, 48, 1, 255));
    return ReadCapture(folder_ / "in");
  }
  std::string Failure(const Capture& capture, const std::string& format) {
    try {
      WriteCapture(capture, folder_ / "failed", format);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  TempFolder folder_{"writing"};
};

TEST_F(Writing, EveryFormatGivesTheSameCaptureBack) {
  ColmapModel model = CircleModel();
  model.cameras[5] = {"OPENCV", 64, 48, {59, 61, 31.5, 24.5, 0.03, 0, 0, 0.001}};
  for (size_t i = 0; i < model.images.size(); i += 2) model.images[i].camera_id = 5;
  const Capture capture = FromModel(model);
  for (const char* format : {"transforms", "colmap", "colmap-text"}) {
    const fs::path out = folder_ / format;
    const std::vector<std::string> notes = WriteCapture(capture, out, format);
    const Capture back = ReadCapture(out);
    ExpectSameViews(capture, back);
    EXPECT_EQ(back.views[4].name, capture.views[4].name);
    if (back.format == "transforms") {
      EXPECT_TRUE(Mentions(notes, "27 sparse points"));
      continue;
    }
    EXPECT_TRUE(notes.empty());
    ASSERT_EQ(back.points.size(), capture.points.size());
    ASSERT_EQ(back.observations.size(), capture.observations.size());
    for (size_t p = 0; p < back.points.size(); ++p) {
      EXPECT_LT((back.points[p].position - capture.points[p].position).norm(), 1e-9);
      EXPECT_EQ(back.points[p].color, capture.points[p].color);
    }
  }
}

TEST_F(Writing, LlffHoldsPlainCamerasOnly) {
  ColmapModel model = CircleModel();
  EXPECT_NE(Failure(FromModel(model), "llff").find("no lens distortion"), std::string::npos);
  fs::remove_all(folder_ / "in");
  model.cameras[4] = {"PINHOLE", 64, 48, {60, 61, 32, 24}};
  EXPECT_NE(Failure(FromModel(model), "llff").find("one focal length"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "failed"));  // nothing half written
  fs::remove_all(folder_ / "in");
  model.cameras[4] = {"PINHOLE", 64, 48, {60, 60, 32, 24}};
  const Capture capture = FromModel(model);
  WriteCapture(capture, folder_ / "llff", "llff");
  const Capture back = ReadCapture(folder_ / "llff");
  EXPECT_EQ(back.format, "llff");
  ExpectSameViews(capture, back);
}

TEST_F(Writing, FisheyeAndThinPrismSurvive) {
  ColmapModel model = CircleModel();
  model.cameras[4] = {"OPENCV_FISHEYE", 64, 48, {60, 61, 32, 24, 0.1, -0.02, 1e-3, 2e-3}};
  const Capture fisheye = FromModel(model);
  for (const char* format : {"transforms", "colmap-text"}) {
    WriteCapture(fisheye, folder_ / format, format);
    ExpectSameViews(fisheye, ReadCapture(folder_ / format));
  }
  fs::remove_all(folder_ / "in");
  model.cameras[4] = {"THIN_PRISM_FISHEYE", 64, 48, {60, 61, 32, 24, 0.1, 0, 1e-3, 2e-3, 0, 0, 3e-3, 1e-3}};
  const Capture prism = FromModel(model);
  EXPECT_NE(Failure(prism, "transforms").find("thin prism"), std::string::npos);
  WriteCapture(prism, folder_ / "prism", "colmap");
  ExpectSameViews(prism, ReadCapture(folder_ / "prism"));
}

class FromTransforms : public Writing {
 protected:
  Capture Read(const Json& json, int views) {
    WriteImages(folder_ / "json", views);
    WriteJsonFile(folder_ / "json/transforms.json", json);
    return ReadCapture(folder_ / "json");
  }
};

TEST_F(FromTransforms, AppliedTransformIsKeptOrUndone) {
  Json json = CircleJson(9);
  Mat4 applied = Mat4::Identity();
  applied.topLeftCorner<3, 3>() = Eigen::AngleAxisd(0.5, Vec3(1, 2, 3).normalized()).toRotationMatrix();
  applied.topRightCorner<3, 1>() = Vec3(1, -2, 0.5);
  json["applied_transform"] = MatrixJson(applied);
  json["applied_scale"] = 0.25;
  const Capture capture = Read(json, 9);
  WriteCapture(capture, folder_ / "transforms", "transforms");
  const Capture kept = ReadCapture(folder_ / "transforms");
  ExpectSameViews(capture, kept);
  EXPECT_TRUE(kept.capture_from_world.isApprox(capture.capture_from_world, 1e-9));
  WriteCapture(capture, folder_ / "colmap", "colmap");
  const Capture undone = ReadCapture(folder_ / "colmap");
  EXPECT_TRUE(undone.capture_from_world.isIdentity());
  for (size_t i = 0; i < 9; ++i) {
    const Vec3 original = undone.views[i].world_from_camera.translation;
    const Vec3 in_file = 0.25 * (applied.topLeftCorner<3, 3>() * original + applied.topRightCorner<3, 1>());
    EXPECT_LT((in_file - capture.views[i].world_from_camera.translation).norm(), 1e-9);
  }
}

TEST_F(FromTransforms, LabelsSplitAndBoundsSurvive) {
  Json json = CircleJson(9);
  json["aabb"] = Json::array({Json::array({-1, -2, -3}), Json::array({1, 2, 3})});
  json["test_filenames"] = Json::array({"images/003.png", "images/004.png"});
  json["depth_unit_m"] = 0.002;
  for (int i = 0; i < 9; ++i) {
    json["frames"][i]["depth_path"] = fmt::format("d/{}.png", i);
    json["frames"][i]["instance_path"] = fmt::format("i/{}.png", i);
    WritePng16(folder_ / fmt::format("json/d/{}.png", i), ImageU16(16, 12, 1, 500));
    WritePng(folder_ / fmt::format("json/i/{}.png", i), ImageU8(16, 12, 1, 1));
  }
  WriteJsonFile(folder_ / "json/labels.json",
                Json{{"classes", {"cup"}}, {"instances", {{"1", {{"name", "my cup"}, {"class", "cup"}}}}}});
  const Capture capture = Read(json, 9);
  WriteCapture(capture, folder_ / "out", "transforms");
  const Capture back = ReadCapture(folder_ / "out");
  ExpectSameViews(capture, back);
  EXPECT_EQ(back.held_out, (std::vector<int>{3, 4}));
  EXPECT_EQ(back.train, capture.train);
  EXPECT_EQ(back.bounds.max, Vec3(1, 2, 3));
  EXPECT_EQ(back.depth_unit, 0.002);
  EXPECT_EQ(back.instances.at(1).name, "my cup");
  EXPECT_FALSE(back.views[2].depth.empty());
  const std::vector<std::string> notes = WriteCapture(capture, folder_ / "colmap", "colmap");
  EXPECT_TRUE(Mentions(notes, "depth maps"));
  EXPECT_TRUE(Mentions(notes, "classes and instances"));
  EXPECT_TRUE(Mentions(notes, "split"));
}

TEST_F(FromTransforms, OddNamesStayInsideTheFolderAndApart) {
  Json json = CircleJson(4);
  json["frames"][1]["file_path"] = "../images/000.png";
  json["frames"][2]["file_path"] = "images_2/000.png";
  WriteImages(folder_.path(), 1);
  WritePng(folder_ / "json/images_2/000.png", ImageU8(16, 12, 3, 9));
  WriteImages(folder_ / "json", 4);
  WriteJsonFile(folder_ / "json/transforms.json", json);
  const Capture capture = ReadCapture(folder_ / "json", {.allow_outside = true});
  WriteCapture(capture, folder_ / "out", "transforms");
  EXPECT_EQ(ReadCapture(folder_ / "out").views.size(), 4u);
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    EXPECT_TRUE(entry.path().filename() == "out" || entry.path().filename() == "json" ||
                entry.path().filename() == "images");
  }
}

TEST_F(FromTransforms, InvertedMasksAreTurned) {
  Capture capture = Read(CircleJson(4), 4);
  ImageU8 mask(16, 12, 1);
  mask.At(3, 4) = 255;
  WritePng(folder_ / "dynamic.png", mask);
  capture.views[1].mask = folder_ / "dynamic.png";
  capture.views[1].mask_inverted = true;
  WriteCapture(capture, folder_ / "out", "transforms");
  const Capture back = ReadCapture(folder_ / "out");
  const ImageU8 written = ReadImage(back.views[1].mask);
  EXPECT_FALSE(back.views[1].mask_inverted);
  EXPECT_EQ(written.At(3, 4), 0);
  EXPECT_EQ(written.At(4, 4), 255);
}

TEST_F(FromTransforms, RefusesAFolderThatHoldsSomethingAndUnknownFormats) {
  const Capture capture = Read(CircleJson(4), 4);
  WriteBytes(folder_ / "failed/file", "x");
  EXPECT_NE(Failure(capture, "colmap").find("not an empty folder"), std::string::npos);
  fs::remove_all(folder_ / "failed");
  EXPECT_NE(Failure(capture, "colmpa").find("Did you mean 'colmap'"), std::string::npos);
}

}  // namespace
}  // namespace semfield
