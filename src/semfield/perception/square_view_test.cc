#include "semfield/perception/square_view.h"

#include <gtest/gtest.h>

#include <cmath>

namespace semfield {
namespace {

// An upright phone camera with its lens.
Camera PhoneCamera() {
  return {.width = 1080,
          .height = 1920,
          .fx = 1375,
          .fy = 1374,
          .cx = 554.6,
          .cy = 965.3,
          .k1 = 0.058,
          .k2 = -0.081,
          .p1 = -0.001,
          .p2 = 0.00015};
}
Camera OffCenterCamera() {
  Camera camera = PinholeCamera(300, 200, 0.8);
  camera.cx = 120;
  camera.cy = 115;
  camera.fy *= 1.07;
  return camera;
}

std::vector<Camera> Cameras() {
  return {PinholeCamera(320, 240, 0.96), PinholeCamera(90, 160, 1.2), PhoneCamera(), OffCenterCamera()};
}

TEST(SquareView, EveryPixelOfTheFrameComesBack) {
  for (const Camera& frame : Cameras()) {
    const SquareView view(frame, 512);
    ASSERT_EQ(view.square().width, 512);
    ASSERT_EQ(view.square().height, 512);
    for (double fy : {0.0, 0.01, 0.3, 0.5, 0.9, 1.0}) {
      for (double fx : {0.0, 0.02, 0.4, 0.5, 0.8, 1.0}) {
        const Vec2 pixel(fx * frame.width, fy * frame.height);
        const Vec2 square = view.SquareFromFrame(pixel);
        for (double v : {square.x(), square.y()}) {
          EXPECT_GE(v, -1e-6) << frame.width << ": " << pixel.transpose();
          EXPECT_LE(v, 512 + 1e-6) << frame.width << ": " << pixel.transpose();
        }
        const std::optional<Vec2> back = view.FrameFromSquare(square);
        ASSERT_TRUE(back.has_value());
        EXPECT_LT((*back - pixel).norm(), 1e-4) << pixel.transpose();
      }
    }
  }
}

TEST(SquareView, PinholesAreScaledAndPutInTheMiddle) {
  const SquareView view(PinholeCamera(320, 240, 0.96), 640);
  // The longer side fills the square.
  EXPECT_LT((view.SquareFromFrame({160, 120}) - Vec2(320, 320)).norm(), 1e-6);
  EXPECT_LT((view.SquareFromFrame({0, 120}) - Vec2(0, 320)).norm(), 0.01);
  EXPECT_LT((view.SquareFromFrame({320, 0}) - Vec2(640, 80)).norm(), 0.01);
}

// A mask that is a half plane of the square's directions is the same half plane in the frame.
TEST(SquareView, MasksLandWhereTheirDirectionsAre) {
  for (const Camera& frame : Cameras()) {
    const SquareView view(frame, 256);
    Mask square;
    square.score = 0.7;
    square.granularity = "part";
    square.low_res_logits = {1, 2, 3};
    square.logits = ImageF(256, 256, 1);
    for (int y = 0; y < 256; ++y) {
      for (int x = 0; x < 256; ++x)
        square.logits.At(x, y) = static_cast<float>((x + 0.5) - 100 + 0.5 * (y + 0.5 - 90));
    }
    const Mask mask = view.ToFrame(square);
    ASSERT_EQ(mask.binary.width, frame.width);
    ASSERT_EQ(mask.binary.height, frame.height);
    EXPECT_EQ(mask.score, 0.7);
    EXPECT_EQ(mask.granularity, "part");
    EXPECT_EQ(mask.low_res_logits, square.low_res_logits);
    for (int y = 0; y < frame.height; y += 7) {
      for (int x = 0; x < frame.width; x += 7) {
        const Vec2 p = view.SquareFromFrame({x + 0.5, y + 0.5});
        if (p.x() < 1 || p.y() < 1 || p.x() > 255 || p.y() > 255)
          continue;  // bilinear interpolation is clamped there
        const double expected = p.x() - 100 + 0.5 * (p.y() - 90);
        ASSERT_NEAR(mask.logits.At(x, y), expected, 1e-3);
        ASSERT_EQ(mask.binary.At(x, y), mask.logits.At(x, y) > 0 ? 255 : 0);
      }
    }
  }
}

// Decoders may answer at another size than the square's.
TEST(SquareView, MasksOfAnotherSizeAreScaled) {
  const SquareView view(PinholeCamera(320, 240, 0.96), 512);
  Mask square;
  square.logits = ImageF(128, 128, 1);
  for (int y = 0; y < 128; ++y) {
    for (int x = 0; x < 128; ++x) square.logits.At(x, y) = x < 64 ? -1.0f : 1.0f;
  }
  const Mask mask = view.ToFrame(square);
  EXPECT_EQ(mask.binary.At(150, 120), 0);
  EXPECT_EQ(mask.binary.At(170, 120), 255);
}

TEST(SquareView, TokenRaysGoThroughTheTokensMiddles) {
  const Camera frame = PhoneCamera();
  const SquareView view(frame, 512);
  const Pose pose = LookAt({1, 2, 3}, {0, 0, 0}, {0, 0, 1});
  const std::vector<Ray> rays = view.TokenRays(pose, 16);
  ASSERT_EQ(rays.size(), 256u);
  for (int i : {0, 7, 15}) {
    for (int j : {0, 3, 15}) {
      const Ray expected = MakeRay(view.square(), pose, {(j + 0.5) * 32, (i + 0.5) * 32});
      for (int k = 0; k < 3; ++k) EXPECT_NEAR(rays[i * 16 + j].direction[k], expected.direction[k], 1e-6);
    }
  }
}

}  // namespace
}  // namespace semfield
