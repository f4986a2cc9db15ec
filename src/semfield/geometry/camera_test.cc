#include "semfield/geometry/camera.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "semfield/base/random.h"
#include "semfield/geometry/distortion.h"

namespace semfield {
namespace {

constexpr double kDegrees = std::numbers::pi / 180;

Camera Pinhole(int width, int height, double focal) {
  Camera camera;
  camera.width = width;
  camera.height = height;
  camera.fx = camera.fy = focal;
  camera.cx = 0.5 * width;
  camera.cy = 0.5 * height;
  return camera;
}

Camera Phone() {
  Camera camera = Pinhole(1080, 1920, 1375.5);
  camera.fy = 1374.5;
  camera.cx = 554.5;
  camera.cy = 965.3;
  camera.k1 = 0.0578;
  camera.k2 = -0.0805;
  camera.p1 = -0.00098;
  camera.p2 = 0.00016;
  return camera;
}

Camera Webcam() {
  Camera camera = Pinhole(640, 480, 608);
  camera.cx = 315.2;
  camera.k1 = 0.14;
  camera.k2 = -0.31;
  return camera;
}

Camera Fisheye() {
  Camera camera = Pinhole(1200, 900, 420);
  camera.model = CameraModel::kFisheye;
  camera.k1 = -0.02;
  camera.k2 = 0.003;
  camera.k3 = -0.0007;
  camera.k4 = 0.00005;
  return camera;
}

void ExpectRoundTrip(const Camera& camera, double tolerance) {
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    Vec2 pixel(random.Uniform() * camera.width, random.Uniform() * camera.height);
    if (i < 4) pixel = Vec2(i % 2 * camera.width, i / 2 * camera.height);  // corners
    const Vec3 direction = camera.DirectionAt(pixel);
    ASSERT_NEAR(direction.norm(), 1, 1e-14);
    const double depth = 0.1 + 10 * random.Uniform();
    const auto back = camera.Project(depth * direction);
    ASSERT_TRUE(back.has_value()) << pixel.transpose();
    ASSERT_NEAR((*back - pixel).norm(), 0, tolerance) << pixel.transpose();
  }
}

TEST(Camera, RoundTripPixelDirectionPixel) {
  ExpectRoundTrip(Pinhole(320, 200, 250), 1e-10);
  ExpectRoundTrip(Phone(), 1e-7);
  ExpectRoundTrip(Webcam(), 1e-7);
  ExpectRoundTrip(Fisheye(), 1e-7);
  Camera all_terms = Phone();
  all_terms.k3 = 0.02;
  all_terms.k4 = -0.005;
  ExpectRoundTrip(all_terms, 1e-7);
}

// Written out by hand at x = 0.3, y = -0.4 (r^2 = 0.25).
TEST(Camera, ProjectFollowsOpenCvEquations) {
  Camera camera = Pinhole(100, 100, 100);
  camera.k1 = 0.2;
  camera.k2 = -0.1;
  camera.k3 = 0.04;
  camera.p1 = 0.01;
  camera.p2 = -0.02;
  const double radial = 1 + 0.2 * 0.25 - 0.1 * 0.0625 + 0.04 * 0.015625;
  const double x = 0.3 * radial + 2 * 0.01 * (0.3 * -0.4) - 0.02 * (0.25 + 2 * 0.09);
  const double y = -0.4 * radial + 0.01 * (0.25 + 2 * 0.16) + 2 * -0.02 * (0.3 * -0.4);
  const auto pixel = camera.Project(Vec3(0.6, -0.8, 2));
  ASSERT_TRUE(pixel.has_value());
  EXPECT_NEAR(pixel->x(), 50 + 100 * x, 1e-12);
  EXPECT_NEAR(pixel->y(), 50 + 100 * y, 1e-12);
}

TEST(Camera, EquidistantFisheyePutsAngleProportionalToRadius) {
  Camera camera = Pinhole(400, 400, 100);
  camera.model = CameraModel::kFisheye;
  for (const double degrees : {1.0, 45.0, 90.0, 110.0}) {
    const double theta = degrees * kDegrees;
    const Vec3 direction = camera.DirectionAt(Vec2(200 + 100 * theta, 200));
    EXPECT_NEAR(direction.x(), std::sin(theta), 1e-12);
    EXPECT_NEAR(direction.y(), 0, 1e-12);
    EXPECT_NEAR(direction.z(), std::cos(theta), 1e-12);
    const auto pixel = camera.Project(3 * direction);
    ASSERT_TRUE(pixel.has_value());
    EXPECT_NEAR(pixel->x(), 200 + 100 * theta, 1e-9);
  }
  EXPECT_FALSE(camera.Project(Vec3(0, 0, -1)).has_value());  // every direction at once
}

TEST(Camera, ProjectRefusesWhatIsBehindOrNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Camera& camera : {Pinhole(64, 48, 50), Phone()}) {
    EXPECT_FALSE(camera.Project(Vec3(0, 0, -1)).has_value());
    EXPECT_FALSE(camera.Project(Vec3(1, 1, 0)).has_value());
    EXPECT_FALSE(camera.Project(Vec3(1, 1, nan)).has_value());
    EXPECT_FALSE(camera.Project(Vec3(nan, 1, 1)).has_value());
    EXPECT_FALSE(camera.Project(Vec3(1e200, 1, 1e-200)).has_value());
  }
  EXPECT_FALSE(Fisheye().Project(Vec3(nan, 1, 1)).has_value());
  EXPECT_FALSE(Fisheye().Project(Vec3(0, 0, 0)).has_value());
}

// k1 = -0.3: r_d = r - 0.3 r^3 turns at r = 1 / sqrt(0.9), where r_d = 2/3 r.
TEST(Distortion, StopsWhereTheRadiusTurns) {
  Camera camera = Pinhole(1000, 1000, 500);
  camera.k1 = -0.3;
  const double border = 1 / std::sqrt(0.9);
  EXPECT_NEAR(Distortion(camera).max_radius(), border, 1e-14);
  const double border_pixel = 500 + 500 * border * 2 / 3;
  for (const double beyond : {0.0, 1e-9, 1.0, 1e4}) {
    const Vec3 d = camera.DirectionAt(Vec2(border_pixel + beyond, 500));
    EXPECT_NEAR(d.x() / d.z(), border, 1e-6) << beyond;
  }
  const double inside = 0.999999 * border;
  const double distorted = inside - 0.3 * inside * inside * inside;
  const Vec3 d = camera.DirectionAt(Vec2(500, 500 - 500 * distorted));
  EXPECT_NEAR(-d.y() / d.z(), inside, 1e-8);
  EXPECT_TRUE(camera.Project(Vec3(inside, 0, 1)).has_value());
  EXPECT_FALSE(camera.Project(Vec3(1.0001 * border, 0, 1)).has_value());
}

// The slope (1 - s/a)(1 - s/b)(1 - s/c)(1 - s/d), s = r^2, written as coefficients: its first root is known.
TEST(Distortion, FirstOfFourTurnsIsFound) {
  Camera camera = Pinhole(100, 100, 100);
  const double roots[4] = {0.49, 0.8, 1.5, 4};
  double c[5] = {1, 0, 0, 0, 0};
  for (const double root : roots) {
    for (int i = 4; i > 0; --i) c[i] -= c[i - 1] / root;
  }
  camera.k1 = c[1] / 3;
  camera.k2 = c[2] / 5;
  camera.k3 = c[3] / 7;
  camera.k4 = c[4] / 9;
  EXPECT_NEAR(Distortion(camera).max_radius(), 0.7, 1e-9);
}

TEST(Distortion, IsNearlyMonotonicForTangentialLensesToo) {
  Camera camera = Phone();
  camera.k1 = -0.28;
  camera.k2 = 0;
  camera.p1 = 0.002;
  for (double x = -3000; x <= 4000; x += 10) {
    const Vec3 d = camera.DirectionAt(Vec2(x, 100));
    ASSERT_TRUE(d.allFinite());
    ASSERT_GT(d.z(), 0);
    const auto back = camera.Project(d);
    const bool at_border = std::hypot(d.x(), d.y()) / d.z() > 0.99 * Distortion(camera).max_radius();
    if (!at_border) {
      ASSERT_TRUE(back.has_value());
      ASSERT_NEAR(back->x(), x, 1e-6);
    }
  }
}

TEST(Distortion, HostileCoefficientsEndAndGiveUnitDirections) {
  Random random(3);
  for (int i = 0; i < 3000; ++i) {
    Camera camera = Pinhole(100, 80, 30);
    camera.model = i % 2 ? CameraModel::kFisheye : CameraModel::kOpenCv;
    const float size = std::pow(10.0f, random.Uniform(-3, 3));
    for (double* k : {&camera.k1, &camera.k2, &camera.k3, &camera.k4, &camera.p1, &camera.p2}) {
      *k = random.Uniform(-size, size);
    }
    const Vec3 d = camera.DirectionAt(Vec2(random.Uniform(-50, 150), random.Uniform(-50, 150)));
    ASSERT_NEAR(d.norm(), 1, 1e-9);
  }
}

TEST(Camera, ResizedSeesTheSame) {
  const Camera camera = Phone();
  const Camera small = camera.Resized(270, 480);
  const Vec3 a = camera.DirectionAt(Vec2(1000, 40)), b = small.DirectionAt(Vec2(250, 10));
  EXPECT_NEAR((a - b).norm(), 0, 1e-12);
}

TEST(Camera, PinholeHasTheFieldOfViewAsked) {
  const Camera camera = PinholeCamera(640, 480, 60 * kDegrees);
  const Vec3 top = camera.DirectionAt(Vec2(320, 0)), bottom = camera.DirectionAt(Vec2(320, 480));
  EXPECT_NEAR(std::acos(top.dot(bottom)), 60 * kDegrees, 1e-12);
  EXPECT_DOUBLE_EQ(camera.fx, camera.fy);
}

void ExpectEncloses(const Camera& camera, const Camera& square) {
  EXPECT_FALSE(square.HasDistortion());
  EXPECT_DOUBLE_EQ(square.fx, square.fy);
  EXPECT_DOUBLE_EQ(square.cx, 0.5 * square.width);
  EXPECT_DOUBLE_EQ(square.cy, 0.5 * square.height);
  double nearest = 1e9;  // of any border position to the square's edge
  const auto visit = [&](double x, double y) {
    const auto pixel = square.Project(camera.DirectionAt(Vec2(x, y)));
    ASSERT_TRUE(pixel.has_value());
    ASSERT_TRUE(square.Contains(*pixel)) << pixel->transpose();
    nearest =
        std::min({nearest, pixel->x(), pixel->y(), square.width - pixel->x(), square.height - pixel->y()});
  };
  for (double x = 0; x <= camera.width; ++x) visit(x, 0), visit(x, camera.height);
  for (double y = 0; y <= camera.height; ++y) visit(0, y), visit(camera.width, y);
  EXPECT_NEAR(nearest, 0, 1e-6);  // tight
}

TEST(EnclosingSquareCamera, HoldsTheImageAndIsTight) {
  Camera off_center = Pinhole(640, 480, 500);
  off_center.cx = 250;
  Camera barrel = Webcam();
  barrel.k1 = -0.2;
  barrel.k2 = 0.05;
  for (const Camera& camera :
       {Pinhole(640, 480, 500), Pinhole(1080, 1920, 1375), Phone(), Webcam(), off_center, barrel}) {
    ExpectEncloses(camera, EnclosingSquareCamera(camera, 1024));
  }
  // 4:3 by hand: the wider side decides.
  EXPECT_NEAR(EnclosingSquareCamera(Pinhole(640, 480, 500), 1024).fx, 500.0 * 1024 / 640, 1e-6);
  EXPECT_NEAR(EnclosingSquareCamera(Pinhole(1080, 1920, 1375), 1024).fx, 1375.0 * 1024 / 1920, 1e-6);
}

TEST(EnclosingSquareCamera, FisheyeIsCutAt150Degrees) {
  const Camera square = EnclosingSquareCamera(Fisheye(), 512);
  EXPECT_NEAR(2 * std::atan(256 / square.fx), 150 * kDegrees, 1e-9);
  Camera narrow = Pinhole(400, 300, 400);
  narrow.model = CameraModel::kFisheye;
  ExpectEncloses(narrow, EnclosingSquareCamera(narrow, 512));
}

}  // namespace
}  // namespace semfield
