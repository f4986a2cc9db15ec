// Bundler and OpenSfM: the same circle of cameras, written down in the layouts that these programs document.
#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>
#include <functional>

#include "semfield/base/random.h"
#include "semfield/capture/test_support.h"

namespace semfield {
namespace {

using namespace testing_support;
namespace fs = std::filesystem;

constexpr int kViews = 8;
const Vec3 kPoint(0.3, -0.2, 0.4);

void WriteCircleImages(const fs::path& folder) {
  std::vector<fs::path> files;
  for (int i = 0; i < kViews; ++i) files.push_back(folder / fmt::format("images/{:02}.png", i));
  WritePlainImages(files, 64, 48);
}

std::string Text(const Vec3& v) {
  return fmt::format("{} {} {}\n", v.x(), v.y(), v.z());
}

void ExpectIsCircle(const Capture& capture) {
  ASSERT_EQ(capture.views.size(), size_t{kViews});
  for (int i = 0; i < kViews; ++i) {
    EXPECT_EQ(capture.views[i].name, fmt::format("images/{:02}.png", i));
    EXPECT_TRUE(capture.views[i].world_from_camera.Matrix().isApprox(CirclePose(i, kViews).Matrix(), 1e-9))
        << i;
  }
}

// Bundler's camera looks along -z with y up: p = -P / P.z, p' = f (1 + k1 |p|^2 + k2 |p|^4) p.
Vec2 BundlerPixel(const Pose& camera_from_world, double f, double k1, double k2) {
  const Vec3 in_camera = camera_from_world * kPoint;
  const Vec2 p = -in_camera.head<2>() / in_camera.z();
  const double s = p.squaredNorm();
  return f * (1 + k1 * s + k2 * s * s) * p;
}

class Bundler : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteCircleImages(folder_.path());
    text_ = fmt::format("# Bundle file v0.3\n{} 1\n", kViews + 1);
    std::string track;
    for (int i = 0; i < kViews; ++i) {
      // OpenGL camera axes, camera from world.
      const Pose pose = FlipOpenGlOpenCv(CirclePose(i, kViews)).Inverse();
      text_ += "60 0.02 -0.01\n";
      for (int r = 0; r < 3; ++r) text_ += Text(pose.rotation.row(r).transpose());
      text_ += Text(pose.translation);
      const Vec2 pixel = BundlerPixel(pose, 60, 0.02, -0.01);
      track += fmt::format(" {} {} {} {}", i, 7 * i, pixel.x(), pixel.y());
      list_ += fmt::format("images/{:02}.png 0 60\n", i);
    }
    text_ += "0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n";  // not registered
    text_ += Text(kPoint) + "10 20 30\n" + std::to_string(kViews) + track + "\n";
    list_ += "images/08.png\n";
    WriteBytes(folder_ / "list.txt", list_);
  }
  std::string Failure(const std::string& text) {
    WriteBytes(folder_ / "bundle/bundle.out", text);
    return ReadError(folder_.path());
  }
  TempFolder folder_{"bundler"};
  std::string text_, list_;
};

TEST_F(Bundler, ReadsPosesLensAndPoints) {
  WriteBytes(folder_ / "bundle/bundle.out", text_);
  const Capture capture = ReadCapture(folder_.path());
  EXPECT_EQ(capture.format, "bundler");
  ExpectIsCircle(capture);
  EXPECT_TRUE(Mentions(capture.warnings, "1 of 9 images were not registered"));
  ASSERT_EQ(capture.points.size(), 1u);
  EXPECT_EQ(capture.points[0].color[2], 30);
  ASSERT_EQ(capture.observations.size(), size_t{kViews});
  for (const Observation& seen : capture.observations) {
    const View& view = capture.views[seen.view];
    const auto pixel = view.camera.Project(view.world_from_camera.Inverse() * kPoint);
    ASSERT_TRUE(pixel.has_value());
    EXPECT_NEAR(pixel->x(), seen.x, 1e-4);
    EXPECT_NEAR(pixel->y(), seen.y, 1e-4);
  }
}

TEST_F(Bundler, DamageIsAnErrorAndNeverACrash) {
  EXPECT_NE(Failure("# Bundle file v0.3\n1e18 5\n").find("more than the file can hold"), std::string::npos);
  EXPECT_NE(Failure("# Bundle file v0.3\n-3 5\n").find("more than the file can hold"), std::string::npos);
  EXPECT_NE(Failure(text_.substr(0, text_.size() / 2)), "");
  std::string nan = text_;
  nan.replace(nan.find("60 0.02"), 2, "nan");
  EXPECT_NE(Failure(nan).find("no finite number"), std::string::npos);
  std::string far = text_;  // finite, but its bounds would not be
  far.insert(far.find(Text(kPoint)), "7e90 ");
  EXPECT_NE(Failure(far).find("too large"), std::string::npos);
  std::string scaled = text_;
  scaled[scaled.find("-0.01\n") + 6] = '9';
  EXPECT_NE(Failure(scaled), "");
  WriteBytes(folder_ / "list.txt", "images/00.png\n");
  EXPECT_NE(Failure(text_).find("9 cameras but 1 images"), std::string::npos);
  std::string outside = list_;
  outside.replace(0, outside.find(' '), "../../etc/passwd");
  WriteBytes(folder_ / "list.txt", outside);
  EXPECT_NE(Failure(text_).find("leaves the folder"), std::string::npos);
  WriteBytes(folder_ / "list.txt", list_);
  Random random(5);
  for (int round = 0; round < 60; ++round) {
    std::string bad = text_;
    for (int k = 0; k < 5; ++k) {
      bad[18 + random.Below(static_cast<uint32_t>(bad.size() - 18))] = "0123456789.-e nX\n"[random.Below(17)];
    }
    Failure(bad);
  }
}

class OpenSfm : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteCircleImages(folder_.path());
    Json reconstruction;
    reconstruction["cameras"]["v2 phone"] = {{"projection_type", "brown"},
                                             {"width", 128},
                                             {"height", 96},
                                             {"focal_x", 0.9},
                                             {"focal_y", 0.91},
                                             {"c_x", 0.01},
                                             {"c_y", -0.02},
                                             {"k1", 0.1},
                                             {"p2", 0.002}};
    for (int i = 0; i < kViews; ++i) {
      const Pose pose = CirclePose(i, kViews).Inverse();
      const Eigen::AngleAxisd turn(pose.rotation);
      const Vec3 r = turn.angle() * turn.axis(), t = pose.translation;
      reconstruction["shots"][fmt::format("{:02}.png", i)] = {{"rotation", {r.x(), r.y(), r.z()}},
                                                              {"translation", {t.x(), t.y(), t.z()}},
                                                              {"camera", "v2 phone"}};
    }
    reconstruction["points"]["17"] = {{"coordinates", {1, 2, 3}}, {"color", {10.5, 20, 300}}};
    json_ = Json::array({Json{{"cameras", Json::object()}, {"shots", Json::object()}}, reconstruction});
  }
  Json& Shot(const std::string& name) { return json_[1]["shots"][name]; }
  std::string Failure() {
    WriteBytes(folder_ / "reconstruction.json", json_.dump());
    return ReadError(folder_.path());
  }
  TempFolder folder_{"opensfm"};
  Json json_;
};

TEST_F(OpenSfm, ReadsTheLargestReconstruction) {
  ASSERT_EQ(Failure(), "");
  const Capture capture = ReadCapture(folder_.path());
  EXPECT_EQ(capture.format, "opensfm");
  ExpectIsCircle(capture);
  const Camera& camera = capture.views[0].camera;  // images are half the size the file says
  EXPECT_NEAR(camera.fx, 0.9 * 64, 1e-12);
  EXPECT_NEAR(camera.fy, 0.91 * 64, 1e-12);
  EXPECT_NEAR(camera.cx, 32 + 0.01 * 64, 1e-12);
  EXPECT_NEAR(camera.cy, 24 - 0.02 * 64, 1e-12);
  EXPECT_EQ(camera.k1, 0.1);
  EXPECT_EQ(camera.p2, 0.002);
  ASSERT_EQ(capture.points.size(), 1u);
  EXPECT_EQ(capture.points[0].position, Vec3(1, 2, 3));
  EXPECT_EQ(capture.points[0].color[2], 255);
  EXPECT_TRUE(Mentions(capture.warnings, "2 reconstructions"));
}

TEST_F(OpenSfm, WrongContentsAreNamed) {
  const Json good = json_;
  const auto with = [&](const std::function<void()>& spoil) {
    json_ = good;
    spoil();
    return Failure();
  };
  EXPECT_NE(with([&] { Shot("03.png")["camera"] = "none"; }).find("shots.03.png.camera"), std::string::npos);
  EXPECT_NE(with([&] {
              Shot("03.png")["rotation"] = {1, 2};
            }).find("rotation: expected 3"),
            std::string::npos);
  EXPECT_NE(with([&] { Shot("03.png")["translation"][1] = "x"; }).find("translation[1]"), std::string::npos);
  EXPECT_NE(with([&] { Shot("../../03.png") = Shot("03.png"); }).find("leaves the folder"),
            std::string::npos);
  EXPECT_NE(with([&] { json_[1]["cameras"]["v2 phone"]["width"] = 1e9; }).find("width"), std::string::npos);
  EXPECT_NE(with([&] { json_[1]["cameras"]["v2 phone"]["projection_type"] = "dual"; }).find("'dual'"),
            std::string::npos);
  EXPECT_NE(with([&] { json_[1]["points"]["17"]["coordinates"] = nullptr; }).find("points.17"),
            std::string::npos);
  EXPECT_NE(with([&] { fs::remove_all(folder_ / "images"); }).find("0 of 8 images"), std::string::npos);
}

}  // namespace
}  // namespace semfield
