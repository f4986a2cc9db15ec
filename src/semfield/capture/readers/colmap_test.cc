#include "semfield/capture/readers/colmap.h"

#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <cmath>

#include "semfield/capture/readers/colmap_camera.h"
#include "semfield/capture/readers/colmap_test_support.h"
#include "semfield/capture/writers/colmap_files.h"

namespace semfield {
namespace {

using namespace testing_support;
namespace fs = std::filesystem;

void WriteModelImages(const fs::path& folder, const ColmapModel& model, int width = 64, int height = 48) {
  std::vector<fs::path> files;
  for (const ColmapImage& image : model.images) files.push_back(folder / image.name);
  WritePlainImages(files, width, height);
}

void ExpectIsCircle(const Capture& capture, const std::string& prefix) {
  ASSERT_EQ(capture.views.size(), size_t{kCircleViews});
  for (int i = 0; i < kCircleViews; ++i) {
    const View& view = capture.views[i];
    EXPECT_EQ(view.name, prefix + CircleName(i));
    EXPECT_TRUE(view.world_from_camera.Matrix().isApprox(CirclePose(i, kCircleViews).Matrix(), 1e-12)) << i;
  }
}

TEST(Colmap, BinaryAndTextGiveTheSameCapture) {
  for (const bool binary : {true, false}) {
    const TempFolder folder("colmap");
    const ColmapModel model = CircleModel();
    WriteColmapModel(model, folder / "sparse/0", binary);
    WriteModelImages(folder / "images", model);
    const Capture capture = ReadCapture(folder.path());
    EXPECT_EQ(capture.format, "colmap");
    ExpectIsCircle(capture, "images/");
    const Camera& camera = capture.views[0].camera;
    EXPECT_EQ(camera.k1, 0.01);
    EXPECT_EQ(camera.p2, -0.001);
    EXPECT_EQ(camera.cx, 32.5);
    ASSERT_EQ(capture.points.size(), model.points.size());
    EXPECT_EQ(capture.points[3].color, model.points.at(103).color);
    ASSERT_EQ(capture.observations.size(), model.points.size() * kCircleViews);
    // Every observation is where its point projects to.
    for (const Observation& seen : capture.observations) {
      const View& view = capture.views[seen.view];
      const auto pixel =
          view.camera.Project(view.world_from_camera.Inverse() * capture.points[seen.point].position);
      ASSERT_TRUE(pixel.has_value());
      EXPECT_NEAR(pixel->x(), seen.x, 1e-4);
      EXPECT_NEAR(pixel->y(), seen.y, 1e-4);
    }
    EXPECT_GT(capture.views[0].near_depth, 3);
    EXPECT_LT(capture.views[0].far_depth, 6);
    EXPECT_GT(capture.views[0].far_depth, capture.views[0].near_depth);
  }
}

// The layout of the files, byte by byte, independent of the writer.
TEST(Colmap, BinaryLayout) {
  const TempFolder folder("colmap");
  std::string cameras, images, points;
  Put(&cameras, uint64_t{1}, uint32_t{7}, int32_t{2}, uint64_t{64}, uint64_t{48}, 50.0, 32.0, 24.0, 0.25);
  Put(&images, uint64_t{1}, uint32_t{9}, std::sqrt(0.5), 0.0, std::sqrt(0.5), 0.0, 1.0, 2.0, 3.0,
      uint32_t{7});
  images += std::string("a b/c.png\0", 10);
  Put(&images, uint64_t{2}, 1.0, 2.0, ~uint64_t{0}, 3.0, 4.0, uint64_t{5});
  Put(&points, uint64_t{1}, uint64_t{5}, 0.5, 0.25, 0.125, uint8_t{1}, uint8_t{2}, uint8_t{3}, 0.75,
      uint64_t{1}, uint32_t{9}, uint32_t{1});
  WriteBytes(folder / "cameras.bin", cameras);
  WriteBytes(folder / "images.bin", images);
  WriteBytes(folder / "points3D.bin", points);
  const ColmapModel model = ReadColmapModel(folder.path());
  EXPECT_EQ(model.cameras.at(7).model, "SIMPLE_RADIAL");
  EXPECT_EQ(model.cameras.at(7).parameters, (std::vector<double>{50, 32, 24, 0.25}));
  ASSERT_EQ(model.images.size(), 1u);
  EXPECT_EQ(model.images[0].name, "a b/c.png");
  // A quarter turn about y: x goes to -z.
  EXPECT_LT((model.images[0].camera_from_world.rotation * Vec3::UnitX() + Vec3::UnitZ()).norm(), 1e-12);
  EXPECT_EQ(model.images[0].camera_from_world.translation, Vec3(1, 2, 3));
  ASSERT_EQ(model.images[0].keypoints.size(), 1u);  // the other has no point
  EXPECT_EQ(model.images[0].keypoints[0].x, 3);
  EXPECT_EQ(model.points.at(5).position, Vec3(0.5, 0.25, 0.125));
  EXPECT_EQ(CountColmapImages(folder.path()), 1u);
}

TEST(Colmap, TextLayout) {
  const TempFolder folder("colmap");
  WriteBytes(folder / "cameras.txt", "# a comment\r\n3 PINHOLE 64 48 50 51 32 24\r\n\n");
  WriteBytes(folder / "images.txt",
             "# Image list\n1 1 0 0 0 0.5 0 0 3 with space.png\n\n2 1 0 0 0 1.5 0 0 3 b.png\n"
             "1 2 -1 3 4 8 5 6 18446744073709551615\n3 1 0 0 0 2.5 0 0 3 c.png");
  WriteBytes(folder / "points3D.txt", "8 1 2 3 255 0 7 0.5 2 1\n");
  const ColmapModel model = ReadColmapModel(folder.path());
  ASSERT_EQ(model.images.size(), 3u);
  EXPECT_EQ(model.images[0].name, "with space.png");
  EXPECT_TRUE(model.images[0].keypoints.empty());
  ASSERT_EQ(model.images[1].keypoints.size(), 1u);
  EXPECT_EQ(model.images[1].keypoints[0].point_id, 8u);
  EXPECT_EQ(model.points.at(8).color[0], 255);
  EXPECT_EQ(model.cameras.at(3).parameters[1], 51);
}

TEST(Colmap, ReadsFromEveryPlaceUsersGive) {
  const TempFolder folder("colmap");
  const ColmapModel model = CircleModel();
  WriteColmapModel(model, folder / "sparse/0", true);
  WriteModelImages(folder / "images", model);
  for (const char* given : {"", "sparse", "sparse/0", "sparse/0/", "sparse/0/images.bin"}) {
    ExpectIsCircle(ReadCapture(folder / given), "images/");
  }
  // Files of newer versions beside it say nothing new.
  WriteBytes(folder / "sparse/0/rigs.bin", "anything");
  WriteBytes(folder / "sparse/0/frames.bin", "anything");
  ExpectIsCircle(ReadCapture(folder.path()), "images/");
}

TEST(Colmap, TheLargestOfSeveralModelsIsTaken) {
  const TempFolder folder("colmap");
  ColmapModel model = CircleModel();
  WriteModelImages(folder / "images", model);
  WriteColmapModel(model, folder / "sparse/1", true);
  model.images.resize(3);
  WriteColmapModel(model, folder / "sparse/0", true);
  const Capture capture = ReadCapture(folder.path());
  EXPECT_EQ(capture.views.size(), size_t{kCircleViews});
  EXPECT_TRUE(Mentions(capture.warnings, "2 models"));
}

TEST(Colmap, SmallerImagesScaleCameraAndObservations) {
  const TempFolder folder("colmap");
  const ColmapModel model = CircleModel();
  WriteColmapModel(model, folder / "sparse/0", true);
  WriteModelImages(folder / "images_2", model, 32, 24);
  const Capture capture = ReadCapture(folder.path());
  EXPECT_EQ(capture.views[0].camera.cx, 32.5 / 2);
  EXPECT_NEAR(capture.observations[0].x, model.images.back().keypoints[0].x / 2, 1e-4);
  EXPECT_TRUE(Mentions(capture.warnings, "64x48 -> 32x24"));
}

TEST(Colmap, MissingImagesAreSkippedAndMasksFound) {
  const TempFolder folder("colmap");
  const ColmapModel model = CircleModel();
  WriteColmapModel(model, folder / "sparse/0", true);
  WriteModelImages(folder / "images", model);
  fs::remove(folder / ("images/" + CircleName(2)));
  WritePng(folder / ("masks/" + CircleName(1) + ".png"), ImageU8(64, 48, 1, 255));
  const Capture capture = ReadCapture(folder.path());
  EXPECT_EQ(capture.views.size(), size_t{kCircleViews - 1});
  EXPECT_TRUE(Mentions(capture.warnings, "1 of 12 images of the model are missing"));
  EXPECT_EQ(capture.views[1].mask, folder / ("masks/" + CircleName(1) + ".png"));
  EXPECT_EQ(capture.observations.size(), model.points.size() * (kCircleViews - 1));
}

// Distorted position of a point by the equations of COLMAP's documentation, written down once more.
Vec2 ProjectByModel(const ColmapCamera& camera, const Vec3& point) {
  const std::vector<double>& p = camera.parameters;
  const double u = point.x() / point.z(), v = point.y() / point.z(), r = std::hypot(u, v), r2 = r * r;
  if (camera.model == "FULL_OPENCV") {
    const double radial = (1 + p[4] * r2 + p[5] * r2 * r2 + p[8] * r2 * r2 * r2) /
                          (1 + p[9] * r2 + p[10] * r2 * r2 + p[11] * r2 * r2 * r2);
    return {p[0] * (u * radial + 2 * p[6] * u * v + p[7] * (r2 + 2 * u * u)) + p[2],
            p[1] * (v * radial + 2 * p[7] * u * v + p[6] * (r2 + 2 * v * v)) + p[3]};
  }
  if (camera.model == "FOV") {
    const double factor = std::atan(2 * r * std::tan(p[4] / 2)) / (r * p[4]);
    return {p[0] * u * factor + p[2], p[1] * v * factor + p[3]};
  }
  const double theta = std::atan(r), a = u * theta / r, b = v * theta / r, t2 = theta * theta;
  if (camera.model == "RADIAL_FISHEYE") {
    const double radial = 1 + p[3] * t2 + p[4] * t2 * t2;
    return {p[0] * a * radial + p[1], p[0] * b * radial + p[2]};
  }
  // THIN_PRISM_FISHEYE: fx fy cx cy k1 k2 p1 p2 k3 k4 sx1 sy1
  const double radial = p[4] * t2 + p[5] * t2 * t2 + p[8] * std::pow(t2, 3) + p[9] * std::pow(t2, 4);
  const double x = a + a * radial + 2 * p[6] * a * b + p[7] * (t2 + 2 * a * a) + p[10] * t2;
  const double y = b + b * radial + 2 * p[7] * a * b + p[6] * (t2 + 2 * b * b) + p[11] * t2;
  return {p[0] * x + p[2], p[1] * y + p[3]};
}

TEST(ColmapCamera, ModelsProjectAsDocumented) {
  const ColmapCamera cameras[] = {
      {"FULL_OPENCV", 1000, 800, {900, 905, 500, 400, 0.2, -0.05, 1e-3, -2e-3, 0.01, 0.15, -0.02, 0.004}},
      {"FOV", 1000, 800, {600, 605, 500, 400, 0.9}},
      {"RADIAL_FISHEYE", 1000, 800, {500, 500, 400, 0.03, -0.004}},
      {"THIN_PRISM_FISHEYE",
       1000,
       800,
       {500, 502, 490, 405, -0.01, 0.02, 2e-3, -1e-3, -0.005, 0.001, 3e-3, -2e-3}}};
  for (const ColmapCamera& given : cameras) {
    std::string note;
    const Camera camera = CameraFromColmap(given, "test", &note);
    for (int i = 0; i < 100; ++i) {
      const Vec3 point(0.05 + 0.1 * (i % 10) - 0.5, 0.03 + 0.08 * (i / 10) - 0.4, 1);
      const Vec2 expected = ProjectByModel(given, point);
      const auto pixel = camera.Project(point);
      ASSERT_TRUE(pixel.has_value()) << given.model;
      EXPECT_LT((*pixel - expected).norm(), 0.02) << given.model << note;
      EXPECT_LT(camera.DirectionAt(*pixel).cross(point.normalized()).norm(), 1e-8) << given.model;
    }
  }
}

TEST(ColmapCamera, EveryModelGoesThroughAndBack) {
  const ColmapCamera exact[] = {
      {"PINHOLE", 64, 48, {50, 51, 32, 24}},
      {"OPENCV", 64, 48, {50, 51, 32, 24, 0.1, -0.02, 1e-3, 2e-3}},
      {"OPENCV_FISHEYE", 64, 48, {50, 51, 32, 24, 0.1, -0.02, 1e-3, 2e-3}},
      {"FULL_OPENCV", 64, 48, {50, 51, 32, 24, 0.1, -0.02, 1e-3, 2e-3, 0.3, 0, 0, 0}},
      {"THIN_PRISM_FISHEYE", 64, 48, {50, 51, 32, 24, 0.1, -0.02, 1e-3, 2e-3, 0.3, 0.04, 5e-3, 6e-3}}};
  for (const ColmapCamera& given : exact) {
    std::string note;
    const ColmapCamera back = ColmapFromCamera(CameraFromColmap(given, "test", &note), "test");
    EXPECT_EQ(back.model, given.model);
    EXPECT_EQ(back.parameters, given.parameters);
    EXPECT_TRUE(note.empty());
  }
  // Those with fewer parameters come back as a model that holds them.
  std::string note;
  EXPECT_EQ(CameraFromColmap({"SIMPLE_PINHOLE", 64, 48, {50, 32, 24}}, "test", &note).fy, 50);
  const Camera radial = CameraFromColmap({"RADIAL", 64, 48, {50, 32, 24, 0.1, 0.2}}, "test", &note);
  EXPECT_EQ(radial.k2, 0.2);
  EXPECT_EQ(radial.cy, 24);
  const Camera fisheye =
      CameraFromColmap({"SIMPLE_RADIAL_FISHEYE", 64, 48, {50, 32, 24, 0.1}}, "test", &note);
  EXPECT_EQ(fisheye.model, CameraModel::kFisheye);
  EXPECT_EQ(fisheye.k1, 0.1);
}

}  // namespace
}  // namespace semfield
