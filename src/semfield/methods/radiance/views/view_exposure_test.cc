#include "semfield/methods/radiance/views/view_exposure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/random.h"
#include "semfield/image/codecs.h"
#include "semfield/methods/radiance/radiance_test_util.h"
#include "semfield/methods/radiance/training/radiance_trainer.h"

namespace semfield {
namespace {

TEST(ViewExposure, IsTheIdentityWhenNotEnabledAndAtTheStart) {
  const float color[3] = {0.2f, 0.5f, 0.9f};
  float shown[3];
  ViewExposure().map(3).Show(color, shown);
  for (int k = 0; k < 3; ++k) EXPECT_EQ(shown[k], color[k]);
  ViewExposure(4, {1, 3}, 1e-3).map(3).Show(color, shown);
  for (int k = 0; k < 3; ++k) EXPECT_EQ(shown[k], color[k]);
}

TEST(ViewExposure, GradientsAgreeWithDifferences) {
  // A map away from the identity, by a few steps on random gradients.
  ViewExposure exposure(2, {0, 1}, 0);
  Random random(3, 1);
  const std::vector<int> views = {0, 1};
  for (int step = 1; step <= 20; ++step) {
    std::vector<float> d(12);
    for (float& v : d) v = random.Uniform(-1, 1);
    exposure.Update(views, d, 0.05f, step);
  }
  const float color[3] = {0.3f, 0.6f, 0.8f}, weight[3] = {0.7f, -1.3f, 0.4f};
  const auto loss = [&](const float* c, const float* map) {
    double sum = 0;
    for (int k = 0; k < 3; ++k)
      sum += weight[k] * (std::exp(static_cast<double>(map[k])) * c[k] + map[3 + k]);
    return sum;
  };
  float map[6], shown[3];
  std::copy_n(exposure.numbers(1).begin(), 6, map);
  exposure.map(1).Show(color, shown);
  double forward = 0;
  for (int k = 0; k < 3; ++k) forward += weight[k] * shown[k];
  EXPECT_NEAR(forward, loss(color, map), 1e-6);
  float d[3] = {weight[0], weight[1], weight[2]}, d_map[6];
  exposure.map(1).Backward(color, d, d_map);
  constexpr float kStep = 1e-2f;
  for (int k = 0; k < 6; ++k) {
    float above[6], below[6];
    std::copy_n(map, 6, above), std::copy_n(map, 6, below);
    above[k] += kStep, below[k] -= kStep;
    EXPECT_NEAR(d_map[k], (loss(color, above) - loss(color, below)) / (2 * kStep), 1e-4);
  }
  for (int k = 0; k < 3; ++k) {
    float above[3], below[3];
    std::copy_n(color, 3, above), std::copy_n(color, 3, below);
    above[k] += kStep, below[k] -= kStep;
    EXPECT_NEAR(d[k], (loss(above, map) - loss(below, map)) / (2 * kStep), 1e-4);
  }
}

TEST(ViewExposure, MapsAverageToTheIdentity) {
  ViewExposure exposure(5, {0, 2, 4}, 1e-3);
  Random random(4, 1);
  for (int step = 1; step <= 30; ++step) {
    std::vector<float> d(18);
    for (float& v : d) v = random.Uniform(-1, 2);
    exposure.Update(std::vector<int>{0, 2, 4}, d, 0.02f, step);
  }
  for (int k = 0; k < 6; ++k) {
    EXPECT_NEAR(exposure.numbers(0)[k] + exposure.numbers(2)[k] + exposure.numbers(4)[k], 0, 1e-5);
    EXPECT_EQ(exposure.numbers(1)[k], 0);  // not a training view
  }
}

// Photos of a synthetic object at known exposures. Sixteen small views leave the field room to explain a part
// of them by colours that depend on the direction; what is found must still follow what was done.
TEST(ViewExposure, FindsTheExposuresOfPhotos) {
  TestCapture data({.views = 16, .width = 64, .height = 48, .scene = "object"});
  Random random(9, 2);
  std::vector<double> stops(data.capture.views.size());
  for (size_t v = 0; v < stops.size(); ++v) {
    stops[v] = random.Uniform(-0.5f, 0.5f);
    ImageU8 photo = ReadImage(data.capture.views[v].image);
    for (size_t p = 0; p < photo.data.size(); ++p) {
      // Half as bright at zero stops, so that nothing is clipped; alpha stays.
      const bool is_alpha = photo.channels == 4 && p % 4 == 3;
      if (!is_alpha)
        photo.data[p] = static_cast<uint8_t>(std::lround(photo.data[p] * 0.5 * std::exp2(stops[v])));
    }
    WritePng(data.capture.views[v].image, photo);
  }
  RadianceOptions options = SmallRadianceOptions(800);
  options.exposure = true;
  options.background = Background::kBlack;
  RadianceTrainer trainer(data.capture, *data.store, ResolveRadianceOptions(options, data.capture));
  while (!trainer.Done()) trainer.Step();
  // Only differences between views can be known.
  double mean = 0;
  for (const int v : data.capture.train) mean += stops[v] / static_cast<double>(data.capture.train.size());
  double product = 0, found_squares = 0, true_squares = 0;
  for (const int v : data.capture.train) {
    const std::span<const float> map = trainer.exposure().numbers(v);
    const double found = (map[0] + map[1] + map[2]) / 3 / std::log(2.0), truth = stops[v] - mean;
    product += found * truth;
    found_squares += found * found;
    true_squares += truth * truth;
  }
  EXPECT_GT(product / std::sqrt(found_squares * true_squares), 0.95);
  EXPECT_GT(product / true_squares, 0.6);
}

}  // namespace
}  // namespace semfield
