#include "semfield/capture/readers/transforms.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>

#include "semfield/base/atomic_file.h"
#include "semfield/capture/image_store.h"
#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using namespace testing_support;

// A capture of 16 views in a temporary folder, whose JSON the test may change before reading.
class Transforms : public ::testing::Test {
 protected:
  static constexpr int kViews = 16;
  void SetUp() override {
    json_ = CircleJson(kViews);
    WriteImages(folder_.path(), kViews);
  }
  Capture Read(const std::string& file = "transforms.json") {
    WriteJsonFile(folder_ / file, json_);
    return ReadCapture(folder_.path());
  }
  Json& Frame(int i) { return json_["frames"][i]; }

  TempFolder folder_{"transforms"};
  Json json_;
};

TEST_F(Transforms, ReadsPosesInOpenCvAxes) {
  const Capture capture = Read();
  ASSERT_EQ(capture.views.size(), kViews);
  EXPECT_EQ(capture.format, "transforms");
  EXPECT_EQ(capture.hash.size(), 64u);
  for (int i = 0; i < kViews; ++i) {
    const View& view = capture.views[i];
    EXPECT_EQ(view.name, fmt::format("images/{:03}.png", i));
    EXPECT_TRUE(view.image.is_absolute());
    EXPECT_TRUE(view.world_from_camera.Matrix().isApprox(CirclePose(i, kViews).Matrix(), 1e-12));
    // The camera looks at the origin: it lies on the optical axis, in front.
    const auto pixel = view.camera.Project(view.world_from_camera.Inverse() * Vec3::Zero());
    ASSERT_TRUE(pixel.has_value());
    EXPECT_NEAR(pixel->x(), 8, 1e-9);
    EXPECT_NEAR(pixel->y(), 6, 1e-9);
  }
}

TEST_F(Transforms, AcceptsTheFileItselfUnderAnyName) {
  json_["fl_x"] = 21.0;
  WriteJsonFile(folder_ / "poses.json", json_);
  EXPECT_EQ(ReadCapture(folder_ / "poses.json").views[0].camera.fx, 21);
}

TEST_F(Transforms, DefaultsFillWhatTheFileLeavesOut) {
  json_.erase("w");
  json_.erase("h");
  const Camera camera = Read().views[0].camera;
  EXPECT_EQ(camera.width, 16);
  EXPECT_EQ(camera.height, 12);
  EXPECT_EQ(camera.fy, 20);
  EXPECT_EQ(camera.cx, 8);
  EXPECT_EQ(camera.cy, 6);
  EXPECT_FALSE(camera.HasDistortion());
}

TEST_F(Transforms, SizesMayBeFloats) {
  json_["w"] = 16.0;
  json_["h"] = 12.0;
  EXPECT_EQ(Read().views[0].camera.width, 16);
}

TEST_F(Transforms, AnglesGiveTheFocalLength) {
  json_.erase("fl_x");
  json_["camera_angle_x"] = 0.8;
  const Camera camera = Read().views[0].camera;
  EXPECT_NEAR(camera.fx, 8 / std::tan(0.4), 1e-12);
  EXPECT_EQ(camera.fy, camera.fx);
}

TEST_F(Transforms, AnglesMayDifferAndFocalLengthWins) {
  json_["camera_angle_x"] = 0.3;
  json_["camera_angle_y"] = 0.8;
  const Camera camera = Read().views[0].camera;
  EXPECT_EQ(camera.fx, 20);
  EXPECT_NEAR(camera.fy, 6 / std::tan(0.4), 1e-12);
}

TEST_F(Transforms, NegativeAngleIsTakenAbsoluteWithAWarning) {
  json_.erase("fl_x");
  json_["camera_angle_x"] = -0.8;
  const Capture capture = Read();
  EXPECT_NEAR(capture.views[0].camera.fx, 8 / std::tan(0.4), 1e-12);
  EXPECT_TRUE(Mentions(capture.warnings, "negative field of view"));
}

TEST_F(Transforms, FrameKeysOverrideFileKeysOneByOne) {
  json_["k1"] = 0.1;
  json_["cx"] = 7.0;
  Frame(2)["fl_x"] = 30.0;
  Frame(2)["k1"] = 0.05;
  Frame(3)["camera_angle_x"] = 0.8;  // nearer than the file's fl_x
  const Capture capture = Read();
  EXPECT_EQ(capture.views[0].camera.fx, 20);
  EXPECT_EQ(capture.views[0].camera.k1, 0.1);
  EXPECT_EQ(capture.views[2].camera.fx, 30);
  EXPECT_EQ(capture.views[2].camera.k1, 0.05);
  EXPECT_EQ(capture.views[2].camera.cx, 7);
  EXPECT_NEAR(capture.views[3].camera.fx, 8 / std::tan(0.4), 1e-12);
}

TEST_F(Transforms, OnlyPerFrameIntrinsics) {
  for (const char* key : {"w", "h", "fl_x"}) json_.erase(key);
  for (int i = 0; i < kViews; ++i) Frame(i).update(Json{{"w", 16.0}, {"h", 12.0}, {"fl_x", 10.0 + i}});
  EXPECT_EQ(Read().views[5].camera.fx, 15);
}

TEST_F(Transforms, ReadsDistortionAndFisheye) {
  json_.update(Json{{"k1", 0.1}, {"k2", 0.2}, {"k3", 0}, {"k4", 0}, {"p1", 0.01}, {"p2", 0.02}});
  Camera camera = Read().views[0].camera;
  EXPECT_EQ(camera.model, CameraModel::kOpenCv);
  EXPECT_EQ(camera.k2, 0.2);
  EXPECT_EQ(camera.p2, 0.02);

  json_["is_fisheye"] = true;
  const Capture fisheye = Read();
  EXPECT_EQ(fisheye.views[0].camera.model, CameraModel::kFisheye);
  EXPECT_EQ(fisheye.views[0].camera.p1, 0);
  EXPECT_TRUE(Mentions(fisheye.warnings, "p1 and p2"));

  json_.erase("is_fisheye");
  json_["camera_model"] = "OPENCV_FISHEYE";
  EXPECT_EQ(Read().views[0].camera.model, CameraModel::kFisheye);
  json_["camera_model"] = "SIMPLE_RADIAL";
  EXPECT_EQ(Read().views[0].camera.model, CameraModel::kOpenCv);
}

TEST_F(Transforms, FramesAreSortedByNumberInTheName) {
  for (int i = 0; i < kViews; ++i) {
    std::filesystem::rename(folder_ / fmt::format("images/{:03}.png", i),
                            folder_ / fmt::format("images/v{}.png", i));
    Frame(i)["file_path"] = fmt::format("./images/v{}", i);
  }
  std::reverse(json_["frames"].begin(), json_["frames"].end());
  const Capture capture = Read();
  for (int i = 0; i < kViews; ++i) {
    EXPECT_EQ(capture.views[i].name, fmt::format("images/v{}.png", i));
    EXPECT_TRUE(
        capture.views[i].world_from_camera.translation.isApprox(CirclePose(i, kViews).translation, 1e-9));
  }
  EXPECT_EQ(capture.held_out, (std::vector<int>{0, 8}));
  EXPECT_EQ(capture.train.size(), 14u);
}

TEST_F(Transforms, MissingImagesAreSkippedAndCountedOnce) {
  for (int i : {1, 4, 5}) std::filesystem::remove(folder_ / fmt::format("images/{:03}.png", i));
  const Capture capture = Read();
  EXPECT_EQ(capture.views.size(), kViews - 3u);
  EXPECT_TRUE(Mentions(capture.warnings, "3 of 16 listed images are missing"));
  EXPECT_EQ(capture.held_out, (std::vector<int>{0, 8}));  // of the existing ones

  for (int i = 2; i < 14; ++i) std::filesystem::remove(folder_ / fmt::format("images/{:03}.png", i));
  EXPECT_EQ(ReadCapture(folder_.path()).views.size(), 3u);
  std::filesystem::remove(folder_ / "images/015.png");
  EXPECT_NE(ReadError(folder_.path()).find("2 of 16"), std::string::npos);
}

TEST_F(Transforms, ImagesOfAnotherSizeScaleTheCamera) {
  json_.update(Json{{"w", 160}, {"h", 120}, {"fl_x", 200.0}, {"cx", 90.0}, {"k1", 0.1}});
  const Capture capture = Read();
  EXPECT_EQ(capture.views[0].camera.width, 16);
  EXPECT_NEAR(capture.views[0].camera.fx, 20, 1e-12);
  EXPECT_NEAR(capture.views[0].camera.cx, 9, 1e-12);
  EXPECT_EQ(capture.views[0].camera.k1, 0.1);  // distortion is of normalised coordinates
  EXPECT_TRUE(Mentions(capture.warnings, "160x120 -> 16x12"));

  json_["h"] = 160;
  WriteJsonFile(folder_ / "transforms.json", json_);
  const std::string error = ReadError(folder_.path());
  EXPECT_NE(error.find("160x160"), std::string::npos) << error;
  EXPECT_NE(error.find("frames[0]"), std::string::npos) << error;
}

TEST_F(Transforms, AppliedTransformIsKeptForExport) {
  Mat4 applied = Mat4::Identity();
  applied.topRows<3>() << 1, 0, 0, 0.5, 0, 0, 1, -2, 0, -1, 0, 3;
  json_["applied_transform"] = MatrixJson(applied);
  json_["applied_transform"].erase(3);  // nerfstudio writes 3x4
  json_["applied_scale"] = 0.25;
  const Capture capture = Read();
  const Vec3 original(0.3, -4, 2);
  const Vec3 in_file = 0.25 * (applied * original.homogeneous()).head<3>();
  EXPECT_LT(((capture.capture_from_world * in_file.homogeneous()).head<3>() - original).norm(), 1e-12);
  // The world inside stays the file's.
  EXPECT_TRUE(capture.views[1].world_from_camera.Matrix().isApprox(CirclePose(1, kViews).Matrix(), 1e-12));
  json_["applied_transform"] = MatrixJson(applied);
  EXPECT_TRUE(Read().capture_from_world.isApprox(capture.capture_from_world));
}

TEST_F(Transforms, RotationsMayShareAScale) {
  for (int i = 0; i < kViews; ++i) {
    Mat4 matrix = FlipOpenGlOpenCv(CirclePose(i, kViews)).Matrix();
    matrix.topLeftCorner<3, 3>() *= 0.33;
    Frame(i)["transform_matrix"] = MatrixJson(matrix);
  }
  const Capture capture = Read();
  EXPECT_TRUE(capture.views[3].world_from_camera.Matrix().isApprox(CirclePose(3, kViews).Matrix(), 1e-9));
  EXPECT_TRUE(Mentions(capture.warnings, "scaled by 0.33"));

  Frame(5)["transform_matrix"] = MatrixJson(FlipOpenGlOpenCv(CirclePose(5, kViews)).Matrix());
  WriteJsonFile(folder_ / "transforms.json", json_);
  EXPECT_NE(ReadError(folder_.path()).find("frames[5].transform_matrix"), std::string::npos);
}

TEST_F(Transforms, AabbBoundsTheScene) {
  json_["aabb"] = Json::array({{-1, -2, -3}, {4, 5, 6}});
  json_["aabb_scale"] = 16;
  const Capture capture = Read();
  EXPECT_EQ(capture.extent, SceneExtent::kBounded);
  EXPECT_EQ(capture.bounds.min, Vec3(-1, -2, -3));
  EXPECT_EQ(capture.bounds.max, Vec3(4, 5, 6));
}

TEST_F(Transforms, WithoutAabbTheSceneIsUnbounded) {
  for (const bool with_scale : {false, true}) {
    if (with_scale) json_["aabb_scale"] = 4;
    const Capture capture = Read();
    EXPECT_EQ(capture.extent, SceneExtent::kUnbounded);
    EXPECT_LT(capture.bounds.Center().norm(), 1e-6);
    EXPECT_FALSE(capture.bounds_rule.empty());
  }
}

TEST_F(Transforms, MapsBelongToTheirViews) {
  WritePng(folder_ / "m.png", ImageU8(16, 12, 1, 255));
  WritePng16(folder_ / "d.png", ImageU16(8, 6, 1, 2000));
  Frame(2)["mask_path"] = "m.png";
  Frame(2)["depth_path"] = "./d";
  Frame(3)["semantic_path"] = "m.png";
  Frame(3)["instance_path"] = "m.png";
  Frame(4)["mask_path"] = "none.png";
  json_["depth_unit_m"] = 0.002;
  const Capture capture = Read();
  EXPECT_EQ(capture.views[2].mask.filename(), "m.png");
  EXPECT_EQ(capture.views[2].depth.filename(), "d.png");
  EXPECT_TRUE(capture.views[3].depth.empty());
  EXPECT_FALSE(capture.views[3].instance.empty());
  EXPECT_TRUE(capture.HasInstances());
  EXPECT_TRUE(capture.views[4].mask.empty());
  EXPECT_TRUE(Mentions(capture.warnings, "1 listed masks"));
  EXPECT_EQ(capture.depth_unit, 0.002);
  EXPECT_EQ(capture.extent, SceneExtent::kBounded);  // from the depth

  WritePng(folder_ / "m.png", ImageU8(20, 12, 1, 255));
  EXPECT_NE(ReadError(folder_.path()).find("m.png"), std::string::npos);
}

TEST_F(Transforms, LabelsStandBesideTheFile) {
  WriteFileAtomically(folder_ / "labels.json", R"({"classes": ["wall", "floor"], "instances": {
    "7": {"name": "North", "class": "wall", "class_id": 0, "views": 3}, "9": {"name": "F", "class": "floor"}}})");
  const Capture capture = Read();
  EXPECT_EQ(capture.class_names, (std::vector<std::string>{"wall", "floor"}));
  ASSERT_EQ(capture.instances.size(), 2u);
  EXPECT_EQ(capture.instances.at(7).name, "North");
  EXPECT_EQ(capture.instances.at(9).class_id, 1);
}

TEST_F(Transforms, NerfstudioSplitListsAreObeyed) {
  json_["train_filenames"] = {"images/000.png"};
  json_["test_filenames"] = {"images/003.png", "images/004.png"};
  const Capture capture = Read();
  EXPECT_EQ(capture.held_out, (std::vector<int>{3, 4}));
  EXPECT_EQ(capture.train.size(), kViews - 2u);
}

TEST_F(Transforms, BlurredViewsAreNamed) {
  for (int i = 0; i < kViews; ++i) Frame(i)["sharpness"] = i == 6 ? 5.0 : 100.0 + i;
  EXPECT_TRUE(Mentions(Read().warnings, "images/006.png"));
}

// Three Blender files over the same 16 images: 10 train, 2 val, 4 test.
class Blender : public Transforms {
 protected:
  void SetUp() override {
    Transforms::SetUp();
    ImageU8 image(16, 12, 4, 200);
    image.At(0, 0, 3) = 0;
    for (int i = 0; i < kViews; ++i) {
      const std::string name = fmt::format("{}/r_{}", i < 10 ? "train" : i < 12 ? "val" : "test", i);
      WritePng(folder_ / (name + ".png"), image);
      Frame(i)["file_path"] = "./" + name;
      Frame(i)["rotation"] = 0.01;
    }
    for (const char* key : {"w", "h", "fl_x"}) json_.erase(key);
    json_["camera_angle_x"] = 0.6911;
  }
  void Write(const std::string& split, int begin, int end) {
    Json part = json_;
    Json frames = Json::array();
    for (int i = begin; i < end; ++i) frames.push_back(json_["frames"][i]);
    part["frames"] = frames;
    WriteJsonFile(folder_ / ("transforms_" + split + ".json"), part);
  }
};

TEST_F(Blender, TestFileIsHeldOut) {
  Write("train", 0, 10);
  Write("val", 10, 12);
  Write("test", 12, 16);
  for (const auto& path : {folder_.path(), folder_ / "transforms_train.json"}) {
    const Capture capture = ReadCapture(path);
    ASSERT_EQ(capture.views.size(), 16u);
    EXPECT_EQ(capture.train.size(), 10u);
    EXPECT_EQ(capture.held_out.size(), 4u);
    for (int i : capture.held_out) EXPECT_EQ(capture.views[i].name.rfind("test/r_1", 0), 0u);
    for (int i : capture.train) EXPECT_EQ(capture.views[i].name.rfind("train/r_", 0), 0u);
    EXPECT_TRUE(capture.HasAlpha());
    EXPECT_EQ(capture.extent, SceneExtent::kBounded);
    EXPECT_EQ(capture.bounds.max, Vec3::Constant(1.5));
    EXPECT_EQ(capture.FindView("r_12"), capture.held_out[0]);
  }
}

TEST_F(Blender, ValFileIsHeldOutWithoutATestFile) {
  Write("train", 0, 10);
  Write("val", 10, 12);
  const Capture capture = ReadCapture(folder_.path());
  EXPECT_EQ(capture.train.size(), 10u);
  EXPECT_EQ(capture.held_out.size(), 2u);
}

TEST_F(Blender, TrainFileAloneIsSplitByTheRule) {
  Write("train", 0, 10);
  const Capture capture = ReadCapture(folder_.path());
  EXPECT_EQ(capture.views.size(), 10u);
  EXPECT_EQ(capture.held_out, (std::vector<int>{0, 8}));
}

TEST_F(Blender, OpaqueAlphaIsNoAlpha) {
  for (int i = 0; i < kViews; ++i) {
    WritePng(folder_ / (Frame(i)["file_path"].get<std::string>() + ".png"), ImageU8(16, 12, 4, 255));
  }
  Write("train", 0, 10);
  const Capture capture = ReadCapture(folder_.path());
  EXPECT_FALSE(capture.HasAlpha());
  EXPECT_EQ(capture.extent, SceneExtent::kUnbounded);
}

TEST_F(Blender, DuplicatesAcrossFilesAreRefused) {
  Write("train", 0, 10);
  Write("test", 9, 16);
  const std::string error = ReadError(folder_.path());
  EXPECT_NE(error.find("transforms_test.json"), std::string::npos) << error;
  EXPECT_NE(error.find("frames[0].file_path"), std::string::npos) << error;
}

// instant-ngp's dynamic masks have the opposite polarity of mask_path, which wins where both are given.
TEST_F(Transforms, DynamicMasksIgnoreWhatIsWhite) {
  ImageU8 mask(16, 12, 1);
  mask.At(3, 4) = 255;
  WritePng(folder_ / "images/dynamic_mask_002.png", mask);
  WritePng(folder_ / "images/dynamic_mask_003.png", mask);
  WritePng(folder_ / "kept.png", mask);
  Frame(3)["mask_path"] = "kept.png";
  const Capture capture = Read();
  EXPECT_TRUE(capture.views[2].mask_inverted);
  EXPECT_FALSE(capture.views[3].mask_inverted);
  EXPECT_EQ(capture.views[3].mask.filename(), "kept.png");
  EXPECT_TRUE(capture.views[1].mask.empty());
  const ImageStore store(capture);
  EXPECT_EQ(store.Mask(2)->At(3, 4), 0);
  EXPECT_EQ(store.Mask(2)->At(4, 4), 255);
  EXPECT_EQ(store.Mask(3)->At(3, 4), 255);
}

}  // namespace
}  // namespace semfield
