#include "semfield/perception/square_view.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/geometry/rays.h"

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
        const Vec2 square = view.SquareFromFrame(pixel).value();
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
  EXPECT_LT((*view.SquareFromFrame({160, 120}) - Vec2(320, 320)).norm(), 1e-6);
  EXPECT_LT((*view.SquareFromFrame({0, 120}) - Vec2(0, 320)).norm(), 0.01);
  EXPECT_LT((*view.SquareFromFrame({320, 0}) - Vec2(640, 80)).norm(), 0.01);
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
        const Vec2 p = view.SquareFromFrame({x + 0.5, y + 0.5}).value();
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

Camera Fisheye(double focal) {
  return {.width = 480,
          .height = 360,
          .fx = focal,
          .fy = focal,
          .cx = 240,
          .cy = 180,
          .model = CameraModel::kFisheye};
}

TEST(CoverWithSquares, OneIsEnoughForWhatOneHolds) {
  for (const Camera& frame : Cameras()) {
    const std::vector<SquareView> squares = CoverWithSquares(frame, 128);
    ASSERT_EQ(squares.size(), 1u);
    EXPECT_EQ(squares[0].square().fx, EnclosingSquareCamera(frame, 128).fx);
    EXPECT_EQ(UnseenShare(squares), 0);
  }
}

TEST(CoverWithSquares, AFisheyeIsSeenByItsMiddleAndItsSides) {
  const std::vector<SquareView> squares = CoverWithSquares(Fisheye(150), 256);
  ASSERT_EQ(squares.size(), 5u);
  EXPECT_LT(UnseenShare(squares), 0.002);
  // Wider yet, the corners are behind all of them, and that is said.
  const double unseen = UnseenShare(CoverWithSquares(Fisheye(115), 256));
  EXPECT_GT(unseen, 0.02);
  EXPECT_LT(unseen, 0.2);
  // What a square sees comes back to the frame's pixel.
  for (const Vec2& pixel : {Vec2(12, 14), Vec2(240, 8), Vec2(30, 200), Vec2(300, 170)}) {
    const size_t best = MostCentral(squares, pixel).value();
    const Vec2 there = squares[best].SquareFromFrame(pixel).value();
    EXPECT_LT((squares[best].FrameFromSquare(there).value() - pixel).norm(), 1e-6) << pixel.transpose();
  }
}

TEST(CoverWithSquares, SquaresStandWhereTheFrameStands) {
  const Pose pose = LookAt({1, 2, 3}, {0, 0, 0}, {0, 0, 1});
  for (const SquareView& view : CoverWithSquares(Fisheye(150), 64)) {
    const Pose square = view.WorldFromSquare(pose);
    EXPECT_LT((square.translation - pose.translation).norm(), 1e-12);
    // The middle token of the square looks where the frame's pixel there looks.
    const std::optional<Vec2> pixel = view.FrameFromSquare({32, 32});
    if (!pixel) continue;
    const Ray own = MakeRay(view.square(), square, {32, 32}), frame = MakeRay(view.frame(), pose, *pixel);
    for (int k = 0; k < 3; ++k) EXPECT_NEAR(own.direction[k], frame.direction[k], 1e-6);
  }
}

// No pixel shows what a square other than its most central one says.
TEST(MergeInFrame, TakesEveryPixelFromTheSquareThatSeesItBest) {
  const std::vector<SquareView> squares = CoverWithSquares(Fisheye(150), 64);
  std::vector<Mask> masks(squares.size());
  masks[2].logits = ImageF(64, 64, 1, 1.0f);
  masks[2].score = 0.5;
  const Mask mask = MergeInFrame(squares, masks, 2);
  EXPECT_EQ(mask.score, 0.5);
  for (int y = 0; y < 360; y += 17) {
    for (int x = 0; x < 480; x += 13) {
      const auto best = MostCentral(squares, {x + 0.5, y + 0.5});
      EXPECT_EQ(mask.binary.At(x, y) != 0, best == size_t{2}) << x << ", " << y;
    }
  }
}

}  // namespace
}  // namespace semfield
