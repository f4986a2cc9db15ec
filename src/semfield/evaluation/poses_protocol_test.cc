#include "semfield/evaluation/poses_protocol.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/synthetic/synthetic.h"

namespace semfield {
namespace {

TEST(PosesProtocol, MeasuresWhatTheSyntheticCaptureWasDisturbedBy) {
  TestFolder folder;
  SyntheticOptions options = {.views = 24, .width = 16, .height = 12};
  WriteSynthetic(options, folder / "true");
  options.pose_error_degrees = 0.5;
  options.pose_error_shift = 0.02;
  WriteSynthetic(options, folder / "off");
  const Capture truth = ReadCapture(folder / "true"), off = ReadCapture(folder / "off");
  for (const int v : off.held_out) {
    EXPECT_EQ(off.views[v].world_from_camera.Matrix(), truth.views[v].world_from_camera.Matrix());
  }
  for (const int v : off.train) {
    const Pose &a = off.views[v].world_from_camera, &b = truth.views[v].world_from_camera;
    EXPECT_NEAR(RotationAngle(a.rotation, b.rotation) * 180 / M_PI, 0.5, 1e-6);
    EXPECT_NEAR((a.translation - b.translation).norm(), 0.02, 1e-6);
  }
  const PosesResult result = EvaluatePoses(off, truth, truth);
  ASSERT_EQ(result.per_view.size(), off.train.size());
  const Json metrics = PosesMetricsJson(result), definitions = PosesDefinitions();
  // The mean of 21 random turns is taken out, which leaves most of each.
  EXPECT_NEAR(metrics["given_degrees"].get<double>(), 0.5, 0.1);
  EXPECT_NEAR(metrics["given_distance"].get<double>(), 0.02, 0.008);
  EXPECT_LT(metrics["refined_degrees_most"].get<double>(), 1e-6);
  EXPECT_LT(metrics["refined_distance_most"].get<double>(), 1e-6);
  for (const auto& [key, value] : metrics.items()) EXPECT_TRUE(definitions.contains(key)) << key;
}

TEST(PosesProtocol, RefusesACaptureOfOtherPhotos) {
  Capture a, b;
  for (int i = 0; i < 4; ++i) {
    a.views.emplace_back().name = "a" + std::to_string(i);
    b.views.emplace_back().name = "b" + std::to_string(i);
    a.train.push_back(i);
  }
  EXPECT_THROW(EvaluatePoses(a, a, b), Error);
  EXPECT_NO_THROW(EvaluatePoses(a, a, a));
}

}  // namespace
}  // namespace semfield
