#include "semfield/ops/compositing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "semfield/base/buffer.h"
#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/ops/compositing_reference.h"
#include "semfield/ops/simd_target.h"

namespace semfield::ops {
namespace {

// A tile with everything a training step keeps beside it. Arrays end where the columns end.
struct Scene {
  std::vector<int32_t> begin{0};
  std::vector<float> raw, dt, s, ds, color;
  std::vector<float> weight, transmittance, final_transmittance;
  std::vector<int32_t> kept;

  int rays() const { return static_cast<int>(begin.size()) - 1; }
  int columns() const { return begin.back(); }
  CompositeTile Tile() const { return {rays(), begin.data(), raw.data(), dt.data()}; }
  CompositeWeights Weights() const {
    return {weight.data(), kept.data(), transmittance.data(), final_transmittance.data()};
  }
  CompositeRows Color() const { return {3, color.data(), columns()}; }
  void Forward(float min_transmittance) {
    weight.assign(columns(), -1.0f);
    transmittance.assign(columns(), -1.0f);
    final_transmittance.assign(rays(), -1.0f);
    kept.assign(rays(), -1);
    CompositeForward(Tile(), min_transmittance,
                     {weight.data(), kept.data(), transmittance.data(), final_transmittance.data()});
  }
  std::vector<double> Of(const std::vector<float>& row, int ray, int64_t offset = 0) const {
    return {row.begin() + offset + begin[ray], row.begin() + offset + begin[ray + 1]};
  }
};

Scene MakeScene(const std::vector<int>& lengths, uint64_t seed) {
  Scene scene;
  Random random(seed);
  for (const int length : lengths) {
    float end = random.Uniform();
    for (int i = 0; i < length; ++i) {
      scene.raw.push_back(random.Uniform(-6, 5));
      scene.dt.push_back(random.Uniform(0.002f, 0.03f));
      scene.ds.push_back(random.Uniform(0.001f, 0.01f));
      scene.s.push_back(end + scene.ds.back() / 2);
      end += scene.ds.back() * random.Uniform(1, 3);
    }
    scene.begin.push_back(scene.begin.back() + length);
  }
  scene.color.resize(3 * scene.columns());
  for (float& value : scene.color) value = random.Uniform();
  return scene;
}

const std::vector<std::vector<int>> kShapes = {
    {1}, {0}, {0, 1, 0}, {7}, {15, 1}, {16}, {17, 0, 31}, {3, 33, 64, 5, 0, 1, 100}, {1024}, {500, 1, 523}};

class CompositingTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ForceTarget(GetParam()); }
  void TearDown() override { ForceTarget(""); }
};

INSTANTIATE_TEST_SUITE_P(Targets, CompositingTest, testing::ValuesIn(SupportedTargets()),
                         [](const auto& info) { return info.param; });

TEST_P(CompositingTest, ForwardEqualsReference) {
  for (size_t shape = 0; shape < kShapes.size(); ++shape) {
    for (const float min_transmittance : {0.0f, 1e-4f, 0.5f}) {
      Scene scene = MakeScene(kShapes[shape], shape);
      scene.Forward(min_transmittance);
      for (int ray = 0; ray < scene.rays(); ++ray) {
        const CompositedRay truth =
            CompositeReference(scene.Of(scene.raw, ray), scene.Of(scene.dt, ray), min_transmittance);
        EXPECT_EQ(scene.kept[ray], truth.kept);
        EXPECT_NEAR(scene.final_transmittance[ray], truth.final_transmittance,
                    1e-30 + 3e-5 * truth.final_transmittance);
        for (int i = 0; i < scene.begin[ray + 1] - scene.begin[ray]; ++i) {
          const int column = scene.begin[ray] + i;
          EXPECT_NEAR(scene.weight[column], truth.weight[i], 1e-30 + 3e-5 * truth.weight[i]) << column;
          EXPECT_NEAR(scene.transmittance[column], truth.transmittance[i],
                      1e-30 + 3e-5 * truth.transmittance[i]);
        }
      }
    }
  }
}

TEST_P(CompositingTest, ThinSamplesKeepTheirDigits) {
  Scene scene = MakeScene({16}, 1);
  for (int i = 0; i < 16; ++i) {
    scene.raw[i] = static_cast<float>(-i);
    scene.dt[i] = 1e-4f;
  }
  scene.Forward(0);
  const CompositedRay truth = CompositeReference(scene.Of(scene.raw, 0), scene.Of(scene.dt, 0), 0);
  for (int i = 0; i < 16; ++i) EXPECT_NEAR(scene.weight[i], truth.weight[i], 2e-6 * truth.weight[i]);
}

TEST_P(CompositingTest, SlabOfConstantDensityFollowsBeerLambert) {
  constexpr float kSigma = 3, kLength = 0.7f;
  Scene scene = MakeScene({250}, 2);
  scene.raw.assign(250, std::log(kSigma));
  scene.dt.assign(250, kLength / 250);
  scene.Forward(0);
  EXPECT_NEAR(scene.final_transmittance[0], std::exp(-kSigma * kLength), 1e-5);
  double opacity = 0;
  for (const float weight : scene.weight) opacity += weight;
  EXPECT_NEAR(opacity, 1 - std::exp(-kSigma * kLength), 1e-5);
}

TEST_P(CompositingTest, OpaqueWallHidesWhatIsBehind) {
  Scene scene = MakeScene({20}, 3);
  scene.raw.assign(20, -1e4f);  // exp underflows: nothing there
  scene.raw[7] = 1e4f;          // held at exp(15)
  scene.dt.assign(20, 0.01f);
  scene.Forward(1e-4f);
  EXPECT_EQ(scene.kept[0], 8);
  EXPECT_EQ(scene.final_transmittance[0], 0);
  for (int i = 0; i < 20; ++i) EXPECT_FLOAT_EQ(scene.weight[i], i == 7 ? 1 : 0);
}

TEST_P(CompositingTest, EmptyRaySeesOnlyTheBackground) {
  Scene scene = MakeScene({0, 4, 0}, 4);
  scene.Forward(1e-4f);
  EXPECT_EQ(scene.kept[0], 0);
  EXPECT_EQ(scene.final_transmittance[0], 1);
  EXPECT_EQ(scene.final_transmittance[2], 1);
  std::vector<float> rgb(9, -1.0f);
  CompositeValues(scene.Tile(), scene.Weights(), scene.Color(), rgb.data(), 3);
  for (int row = 0; row < 3; ++row) {
    EXPECT_EQ(rgb[3 * row], 0);
    EXPECT_EQ(rgb[3 * row + 2], 0);
  }
  CompositeForward({}, 0, {});  // no rays: nothing is touched
}

TEST_P(CompositingTest, CutsBehindTheTransmittanceLimit) {
  Scene scene = MakeScene({10}, 5);
  scene.raw.assign(10, 0.0f);
  scene.dt.assign(10, std::log(2.0f));  // each sample halves the light
  scene.Forward(0.2f);
  EXPECT_EQ(scene.kept[0], 3);  // 1, 1/2, 1/4 | 1/8
  EXPECT_FLOAT_EQ(scene.final_transmittance[0], 0.125f);
  for (int i = 3; i < 10; ++i) {
    EXPECT_EQ(scene.weight[i], 0);
    EXPECT_FLOAT_EQ(scene.transmittance[i], 0.125f);
  }
}

TEST_P(CompositingTest, WeightsAndTransmittanceSumToOne) {
  Scene scene = MakeScene({300, 12, 700}, 6);
  scene.Forward(1e-4f);
  for (int ray = 0; ray < 3; ++ray) {
    double sum = scene.final_transmittance[ray];
    for (int i = scene.begin[ray]; i < scene.begin[ray + 1]; ++i) sum += scene.weight[i];
    EXPECT_NEAR(sum, 1, 2e-5);
  }
}

TEST_P(CompositingTest, BackwardEqualsReference) {
  for (size_t shape = 0; shape < kShapes.size(); ++shape) {
    Scene scene = MakeScene(kShapes[shape], 10 + shape);
    scene.Forward(0.01f);
    Random random(shape);
    std::vector<float> d_weight(scene.columns()), d_final(scene.rays()), d_raw(scene.columns(), -1.0f);
    for (float& value : d_weight) value = random.Uniform(-1, 1);
    for (float& value : d_final) value = random.Uniform(-1, 1);
    CompositeBackward(scene.Tile(), scene.Weights(), {d_weight.data(), d_final.data(), d_raw.data()});
    for (int ray = 0; ray < scene.rays(); ++ray) {
      const std::vector<double> raw = scene.Of(scene.raw, ray), dt = scene.Of(scene.dt, ray);
      const CompositedRay truth = CompositeReference(raw, dt, 0.01f);
      const std::vector<double> expected =
          CompositeBackwardReference(raw, dt, truth, scene.Of(d_weight, ray), d_final[ray]);
      for (size_t i = 0; i < expected.size(); ++i) {
        const double scale = dt[i] * std::exp(raw[i]);
        EXPECT_NEAR(d_raw[scene.begin[ray] + i], expected[i], 3e-5 * scale + 1e-6 * std::abs(expected[i]));
        if (static_cast<int>(i) >= truth.kept) {
          EXPECT_EQ(d_raw[scene.begin[ray] + i], 0);
        }
      }
    }
  }
}

TEST_P(CompositingTest, NoBackgroundGradientMayBeNull) {
  Scene scene = MakeScene({9, 30}, 21);
  scene.Forward(0);
  const std::vector<float> d_weight(39, 0.5f), zero(2, 0.0f);
  std::vector<float> with(39), without(39);
  for (const float* d_final : {zero.data(), static_cast<const float*>(nullptr)}) {
    CompositeBackward(scene.Tile(), scene.Weights(),
                      {d_weight.data(), d_final, (d_final != nullptr ? with : without).data()});
  }
  EXPECT_EQ(with, without);
}

TEST_P(CompositingTest, CutSamplesPassNoGradientWhateverTheyHold) {
  Scene scene = MakeScene({20}, 22);
  scene.raw[2] = 15;
  for (int i = 5; i < 20; ++i) scene.raw[i] = std::numeric_limits<float>::quiet_NaN();
  scene.Forward(1e-4f);
  ASSERT_EQ(scene.kept[0], 3);
  const std::vector<float> d_weight(20, 1.0f), d_final(1, 1.0f);
  std::vector<float> d_raw(20, -1.0f);
  CompositeBackward(scene.Tile(), scene.Weights(), {d_weight.data(), d_final.data(), d_raw.data()});
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(i < 3 ? std::isfinite(d_raw[i]) : d_raw[i] == 0) << i;
}

// L = (C - target)^2 summed over channels, with a background behind, + 0.3 distortion + 0.2 T_final, in
// double.
struct WholeLoss {
  std::vector<double> dt, s, ds;
  std::vector<double> channel[3];
  static constexpr double kTarget[3] = {0.3, 0.9, 0.1}, kBackground = 0.7, kDistortion = 0.3, kOpacity = 0.2;

  double operator()(const std::vector<double>& raw) const {
    const CompositedRay ray = CompositeReference(raw, dt, 0);
    double loss = kOpacity * ray.final_transmittance + kDistortion * DistortionReference(ray.weight, s, ds);
    for (int c = 0; c < 3; ++c) {
      const double color =
          CompositeChannelReference(ray.weight, channel[c]) + kBackground * ray.final_transmittance;
      loss += (color - kTarget[c]) * (color - kTarget[c]);
    }
    return loss;
  }
};

// The gradient of the same loss through the fast kernels.
std::vector<float> FastGradient(Scene& scene) {
  scene.Forward(0);
  const CompositeTile tile = scene.Tile();
  const int n = scene.columns(), rays = scene.rays();
  std::vector<float> rgb(3 * rays), d_rgb(3 * rays), d_color(3 * n), d_weight(n, 0.0f), d_final(rays),
      loss(rays);
  CompositeValues(tile, scene.Weights(), scene.Color(), rgb.data(), rays);
  for (int ray = 0; ray < rays; ++ray) {
    d_final[ray] = WholeLoss::kOpacity;
    for (int c = 0; c < 3; ++c) {
      const float color =
          rgb[c * rays + ray] + static_cast<float>(WholeLoss::kBackground) * scene.final_transmittance[ray];
      d_rgb[c * rays + ray] = 2 * (color - static_cast<float>(WholeLoss::kTarget[c]));
      d_final[ray] += static_cast<float>(WholeLoss::kBackground) * d_rgb[c * rays + ray];
    }
  }
  CompositeValuesBackward(tile, scene.Weights(), scene.Color(),
                          {d_rgb.data(), rays, d_color.data(), d_weight.data()});
  DistortionLoss(tile, scene.Weights(), {scene.s.data(), scene.ds.data()}, WholeLoss::kDistortion,
                 loss.data(), d_weight.data());
  std::vector<float> d_raw(n);
  CompositeBackward(tile, scene.Weights(), {d_weight.data(), d_final.data(), d_raw.data()});
  return d_raw;
}

TEST_P(CompositingTest, GradientOfWholeLossIsTheCentralDifference) {
  Scene scene = MakeScene({5, 0, 40, 13, 1}, 30);
  const std::vector<float> gradient = FastGradient(scene);
  for (int ray = 0; ray < scene.rays(); ++ray) {
    WholeLoss loss{scene.Of(scene.dt, ray), scene.Of(scene.s, ray), scene.Of(scene.ds, ray), {}};
    for (int c = 0; c < 3; ++c) loss.channel[c] = scene.Of(scene.color, ray, c * scene.columns());
    std::vector<double> raw = scene.Of(scene.raw, ray);
    for (size_t i = 0; i < raw.size(); ++i) {
      constexpr double kStep = 1e-4;
      std::vector<double> up = raw, down = raw;
      up[i] += kStep;
      down[i] -= kStep;
      const double expected = (loss(up) - loss(down)) / (2 * kStep);
      EXPECT_NEAR(gradient[scene.begin[ray] + i], expected, 2e-6 + 1e-4 * std::abs(expected))
          << ray << " " << i;
    }
  }
}

TEST_P(CompositingTest, ColorAndItsGradientAreTheSums) {
  Scene scene = MakeScene({7, 0, 35, 1}, 31);
  scene.Forward(0.1f);
  const int n = scene.columns(), rays = scene.rays();
  constexpr int64_t kRgbStride = 9;
  std::vector<float> rgb(3 * kRgbStride, 0.0f), d_rgb(3 * kRgbStride), d_color(3 * n, -1.0f),
      d_weight(n, 0.25f);
  Random random(5);
  for (float& value : d_rgb) value = random.Uniform(-1, 1);
  CompositeValues(scene.Tile(), scene.Weights(), scene.Color(), rgb.data(), kRgbStride);
  CompositeValuesBackward(scene.Tile(), scene.Weights(), scene.Color(),
                          {d_rgb.data(), kRgbStride, d_color.data(), d_weight.data()});
  for (int ray = 0; ray < rays; ++ray) {
    for (int c = 0; c < 3; ++c) {
      EXPECT_NEAR(rgb[c * kRgbStride + ray],
                  CompositeChannelReference(scene.Of(scene.weight, ray), scene.Of(scene.color, ray, c * n)),
                  1e-6);
    }
    for (int i = scene.begin[ray]; i < scene.begin[ray + 1]; ++i) {
      double d_w = 0.25;
      for (int c = 0; c < 3; ++c) {
        EXPECT_FLOAT_EQ(d_color[c * n + i], scene.weight[i] * d_rgb[c * kRgbStride + ray]);
        if (i - scene.begin[ray] < scene.kept[ray])
          d_w += scene.color[c * n + i] * d_rgb[c * kRgbStride + ray];
      }
      EXPECT_NEAR(d_weight[i], d_w, 1e-6);
    }
  }
}

TEST_P(CompositingTest, AnyNumberOfRowsAndTheirGradientsAreTheSums) {
  constexpr int64_t kOutStride = 7;
  for (const int num_rows : {1, 2, 4, 6, 7, 128, 133}) {
    Scene scene = MakeScene({7, 0, 35, 1, 64}, 33);
    scene.Forward(0.1f);
    const int n = scene.columns();
    Random random(6);
    std::vector<float> values(num_rows * n), out(num_rows * kOutStride), d_out(out.size()),
        d_values(values.size(), -1.0f), d_weight(n, 0.25f);
    for (float& value : values) value = random.Uniform(-1, 1);
    for (float& value : d_out) value = random.Uniform(-1, 1);
    // What is cut off may be anything.
    for (int row = 0; row < num_rows; ++row) {
      values[row * n + scene.begin[3] - 1] = std::numeric_limits<float>::quiet_NaN();
    }
    ASSERT_LT(scene.kept[2], 35);
    const CompositeRows rows{num_rows, values.data(), n};
    CompositeValues(scene.Tile(), scene.Weights(), rows, out.data(), kOutStride);
    CompositeValuesBackward(scene.Tile(), scene.Weights(), rows,
                            {d_out.data(), kOutStride, d_values.data(), d_weight.data()});
    for (int ray = 0; ray < scene.rays(); ++ray) {
      for (int i = scene.begin[ray]; i < scene.begin[ray + 1]; ++i) {
        const bool kept = i - scene.begin[ray] < scene.kept[ray];
        double d_w = 0.25;
        for (int row = 0; row < num_rows; ++row) {
          const float d = d_out[row * kOutStride + ray];
          EXPECT_FLOAT_EQ(d_values[row * n + i], kept ? scene.weight[i] * d : 0.0f);
          if (kept) d_w += double{values[row * n + i]} * d;
        }
        EXPECT_NEAR(d_weight[i], d_w, 1e-5);
      }
      for (int row = 0; row < num_rows; ++row) {
        double sum = 0;
        for (int i = scene.begin[ray]; i < scene.begin[ray] + scene.kept[ray]; ++i) {
          sum += double{scene.weight[i]} * values[row * n + i];
        }
        EXPECT_NEAR(out[row * kOutStride + ray], sum, 1e-6);
      }
    }
  }
}

TEST_P(CompositingTest, DistortionEqualsTheDoubleSum) {
  Scene scene = MakeScene({1, 0, 60, 300, 2, 500}, 32);
  scene.Forward(1e-3f);
  std::vector<float> loss(scene.rays(), -1.0f), d_weight(scene.columns(), 0.5f);
  DistortionLoss(scene.Tile(), scene.Weights(), {scene.s.data(), scene.ds.data()}, 0.7f, loss.data(),
                 d_weight.data());
  for (int ray = 0; ray < scene.rays(); ++ray) {
    std::vector<double> weight = scene.Of(scene.weight, ray), s = scene.Of(scene.s, ray),
                        ds = scene.Of(scene.ds, ray);
    EXPECT_NEAR(loss[ray], DistortionReference(weight, s, ds), 2e-6);
    const std::vector<double> expected = DistortionBackwardReference(weight, s, ds);
    for (int i = 0; i < scene.begin[ray + 1] - scene.begin[ray]; ++i) {
      const double d = i < scene.kept[ray] ? 0.7 * expected[i] : 0;
      EXPECT_NEAR(d_weight[scene.begin[ray] + i], 0.5 + d, 3e-6);
    }
  }
}

TEST_P(CompositingTest, DistortionVanishesForOneThinSpike) {
  Scene scene = MakeScene({12}, 33);
  std::vector<float> weight(12, 0.0f), loss(1), d_weight(12, 0.0f);
  weight[4] = 1;
  scene.ds.assign(12, 0.0f);
  const std::vector<int32_t> kept = {12};
  DistortionLoss(scene.Tile(), {weight.data(), kept.data()}, {scene.s.data(), scene.ds.data()}, 1,
                 loss.data(), d_weight.data());
  EXPECT_EQ(loss[0], 0);
  for (int i = 0; i < 12; ++i) EXPECT_NEAR(d_weight[i], 2 * std::abs(scene.s[i] - scene.s[4]), 1e-6);
}

TEST_P(CompositingTest, WritesNothingBesideItsColumns) {
  Scene scene = MakeScene({13, 6}, 40);
  constexpr int kFirst = 3, kColumns = 19, kRoom = 64;
  constexpr float kMark = 123;
  std::vector<float> raw(kFirst, kMark), dt(kFirst, kMark);
  raw.insert(raw.end(), scene.raw.begin(), scene.raw.end());
  dt.insert(dt.end(), scene.dt.begin(), scene.dt.end());
  const std::vector<int32_t> begin = {kFirst, kFirst + 13, kFirst + kColumns};
  const CompositeTile tile{2, begin.data(), raw.data(), dt.data()};
  std::vector<float> weight(kRoom, kMark), transmittance(kRoom, kMark), final_transmittance(2),
      d_raw(kRoom, kMark);
  std::vector<int32_t> kept(2);
  const CompositeOutput output = {weight.data(), kept.data(), transmittance.data(),
                                  final_transmittance.data()};
  CompositeForward(tile, 0, output);
  const std::vector<float> d_weight(kRoom, 1.0f);
  CompositeBackward(tile, output, {d_weight.data(), nullptr, d_raw.data()});
  scene.Forward(0);
  for (int i = 0; i < kRoom; ++i) {
    const bool inside = i >= kFirst && i < kFirst + kColumns;
    EXPECT_EQ(weight[i], inside ? scene.weight[i - kFirst] : kMark);
    EXPECT_EQ(transmittance[i], inside ? scene.transmittance[i - kFirst] : kMark);
    EXPECT_EQ(d_raw[i] == kMark, !inside);
  }
}

TEST_P(CompositingTest, ThreadsDoNotDisturbEachOther) {
  constexpr int kTasks = 16;
  std::vector<std::vector<float>> together(kTasks);
  ParallelFor(kTasks, [&](int64_t task, int) {
    Scene scene = MakeScene({100, 200, 17}, 50 + task);
    together[task] = FastGradient(scene);
  });
  for (int task = 0; task < kTasks; ++task) {
    Scene scene = MakeScene({100, 200, 17}, 50 + task);
    EXPECT_EQ(together[task], FastGradient(scene));
  }
}

TEST_P(CompositingTest, RefusesMoreThanATile) {
  Scene scene = MakeScene({1000, 25}, 60);
  EXPECT_THROW(scene.Forward(0), BugError);
}

TEST_P(CompositingTest, GradientsThatPassTheCachesByAreTheSame) {
  // So many rows of a full tile take the streaming way, four of them do not.
  constexpr int kRows = 136;
  for (const std::vector<int>& shape : {std::vector<int>{500, 1, 523}, {1024}, std::vector<int>(32, 32)}) {
    Scene scene = MakeScene(shape, 5);
    scene.Forward(1e-4f);
    const int n = scene.columns(), rays = scene.rays();
    ASSERT_GE(2 * kRows * n * static_cast<int>(sizeof(float)), 1 << 20);
    Random random(9);
    std::vector<float> values(kRows * n), d_out(kRows * rays);
    for (std::vector<float>* numbers : {&values, &d_out}) {
      for (float& v : *numbers) v = random.Uniform(-1, 1);
    }
    Buffer<float> d_values, d_values_4;  // begin a cache line
    for (Buffer<float>* buffer : {&d_values, &d_values_4}) {
      buffer->Resize(values.size());
      buffer->Fill(-1);
    }
    std::vector<float> d_weight(n, 0.0f), d_weight_4 = d_weight;
    CompositeValuesBackward(scene.Tile(), scene.Weights(), {kRows, values.data(), n},
                            {d_out.data(), rays, d_values.data(), d_weight.data()});
    for (int row = 0; row < kRows; row += 4) {
      CompositeValuesBackward(
          scene.Tile(), scene.Weights(), {4, values.data() + row * n, n},
          {d_out.data() + row * rays, rays, d_values_4.data() + row * n, d_weight_4.data()});
    }
    EXPECT_TRUE(std::equal(d_values.begin(), d_values.end(), d_values_4.begin()));
    EXPECT_EQ(d_weight, d_weight_4);
  }
}

}  // namespace
}  // namespace semfield::ops
