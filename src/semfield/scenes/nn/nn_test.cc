#include <gtest/gtest.h>

#include <cmath>

#include "semfield/scenes/nn/blocks.h"
#include "semfield/scenes/nn/rays.h"
#include "semfield/scenes/nn/views.h"

namespace semfield::nn {
namespace {

torch::Tensor Row(std::initializer_list<float> values) {
  return torch::tensor(std::vector<float>(values)).unsqueeze(0);
}

void ExpectClose(const torch::Tensor& got, const torch::Tensor& expected, double tolerance = 1e-5) {
  ASSERT_EQ(got.sizes(), expected.sizes());
  EXPECT_LT((got - expected).abs().max().item<double>(), tolerance) << got << "\n" << expected;
}

TEST(Blocks, HaveTheShapesThatTheySay) {
  const torch::NoGradGuard no_gradient;
  EXPECT_EQ(ResUNet(8, 12)(torch::rand({2, 3, 60, 81})).sizes().vec(), (std::vector<int64_t>{2, 12, 15, 21}));
  EXPECT_EQ(UNet3d(6, 8, 5)(torch::rand({1, 6, 8, 12, 4})).sizes().vec(),
            (std::vector<int64_t>{1, 5, 8, 12, 4}));
}

TEST(Blocks, AnMlpIsItsLayersWithEluBetween) {
  torch::nn::Sequential mlp = Mlp({1, 1, 1});
  const torch::NoGradGuard no_gradient;
  for (torch::Tensor& p : mlp->parameters()) p.fill_(p.dim() == 2 ? 2.0 : 0.5);
  // 2 elu(2 x + 0.5) + 0.5
  ExpectClose(mlp->forward(torch::tensor({{1.0f}, {-1.0f}})),
              torch::tensor({{5.5f}, {static_cast<float>(2 * std::expm1(-1.5) + 0.5)}}));
}

ViewCameras OneCamera() {
  // At (0, 0, -2), looks along z; focal length of half the width, middle in the middle.
  return {.intrinsics = Row({0.5f, 0.5f, 0.5f, 0.5f}),
          .camera_from_world =
              torch::tensor({{{1.0f, 0.0f, 0.0f, 0.0f}, {0.0f, 1.0f, 0.0f, 0.0f}, {0.0f, 0.0f, 1.0f, 2.0f}}}),
          .centers = Row({0, 0, -2})};
}

TEST(Views, PointsProjectByHand) {
  const Projection p = Project(
      OneCamera(),
      torch::tensor({{0.0f, 0.0f, 0.0f}, {1.0f, -2.0f, 0.0f}, {0.0f, 0.0f, -3.0f}, {2.1f, 0.0f, 0.0f}}));
  ExpectClose(p.at[0][0], torch::tensor({0.5f, 0.5f}));
  ExpectClose(p.at[0][1], torch::tensor({0.75f, 0.0f}));  // on the upper border: still in the picture
  ExpectClose(p.depth[0], torch::tensor({2.0f, 2.0f, -1.0f, 2.0f}));
  EXPECT_TRUE(torch::equal(p.valid[0], torch::tensor({true, true, false, false})));
}

TEST(Views, MapsAreReadBetweenTheCentersOfTheirPixels) {
  const torch::Tensor map = torch::tensor({{{{1.0f, 2.0f}, {3.0f, 5.0f}}}});  // centers at 0.25 and 0.75
  const torch::Tensor at = torch::tensor({{{0.25f, 0.25f}, {0.5f, 0.5f}, {0.75f, 0.5f}, {0.0f, 1.0f}}});
  ExpectClose(SampleMaps(map, at).flatten(), torch::tensor({1.0f, 2.75f, 3.5f, 3.0f}));
}

TEST(Views, VolumesAreReadInTheOrderXYZ) {
  torch::Tensor volume = torch::zeros({1, 1, 2, 2, 2});
  volume[0][0][0][0][1] = 8;  // x = 1, y = 0, z = 0
  const torch::Tensor unit =
      torch::tensor({{0.75f, 0.25f, 0.25f}, {0.5f, 0.5f, 0.5f}, {0.25f, 0.25f, 0.75f}});
  ExpectClose(SampleVolume(volume, unit).flatten(), torch::tensor({8.0f, 1.0f, 0.0f}));
}

TEST(Views, StatisticsKnowOnlyValidViews) {
  const torch::Tensor values =
      torch::tensor({1.0f, 3.0f, 100.0f, 7.0f, 9.0f, 9.0f, 4.0f, 4.0f, 4.0f}).view({3, 3, 1});
  const torch::Tensor valid =
      torch::tensor({true, true, false, true, false, false, false, false, false}).view({3, 3});
  const Statistics of = OverViews(values, valid);
  ExpectClose(of.mean.flatten(), torch::tensor({2.0f, 7.0f, 0.0f}));
  ExpectClose(of.variance.flatten(), torch::tensor({1.0f, 0.0f, 0.0f}));  // of a single view: 0
}

TEST(Views, RayDifferenceByHand) {
  const torch::Tensor d =
      RayDifference(Row({0, 0, 0}), Row({2, 0, 0}), torch::tensor({{0.0f, 3.0f, 0.0f}, {5.0f, 0.0f, 0.0f}}));
  const float half = std::sqrt(0.5f);
  ExpectClose(d[0], torch::tensor({{half, -half, 0.0f, 0.0f}, {0.0f, 0.0f, 0.0f, 1.0f}}));
}

TEST(Views, SoftmaxGivesNothingToViewsThatAreNotValid) {
  const torch::Tensor scores = torch::tensor({{0.0f, std::log(3.0f), 50.0f}, {1.0f, 2.0f, 3.0f}});
  const torch::Tensor valid = torch::tensor({true, true, false, false, false, false}).view({2, 3});
  ExpectClose(SoftmaxOverViews(scores, valid), torch::tensor({{0.25f, 0.75f, 0.0f}, {0.0f, 0.0f, 0.0f}}));
}

TEST(Rays, SamplesAreEvenInWhatTheySay) {
  const torch::Tensor near = torch::tensor({1.0f}), far = torch::tensor({4.0f});
  ExpectClose(1 / InverseDepthSamples(near, far, 3), Row({0.875f, 0.625f, 0.375f}));
  ExpectClose(EvenSamples(near, far, 3), Row({1.5f, 2.5f, 3.5f}));
  ExpectClose(EvenSamples(near, far, 3, Row({0, 0, 0.5f})), Row({1.0f, 2.0f, 3.5f}));
}

TEST(Rays, LeaveABoxByHand) {
  const torch::Tensor box = torch::tensor({4.0f, 2.0f, 1.0f});
  const torch::Tensor origins = torch::tensor({{1.0f, 1.0f, 0.5f}, {1.0f, 1.0f, 0.5f}, {6.0f, 1.0f, 0.5f}});
  const torch::Tensor directions =
      torch::tensor({{1.0f, 0.0f, 0.0f}, {-0.6f, 0.8f, 0.0f}, {1.0f, 0.0f, 0.0f}});
  ExpectClose(LeaveBox(box, origins, directions), torch::tensor({3.0f, 1.25f, -2.0f}));
}

TEST(Rays, PdfSamplesFollowTheDensity) {
  // Three quarters of the mass in [1, 3], a quarter in [3, 4].
  const torch::Tensor t = PdfSamples(Row({1, 3, 4}), Row({3000, 1000}), Row({0, 0.375f, 0.75f, 0.875f}));
  ExpectClose(t, Row({1, 2, 3, 3.5f}), 1e-4);
  ExpectClose(PdfSamples(Row({1, 3}), Row({0}), EvenUnits(1, 2)), Row({1.5f, 2.5f}), 1e-4);
}

TEST(Rays, OpacityWeightsAreThoseOfADirectSum) {
  const torch::Tensor sigma = torch::rand({4, 7}) * 2;
  const torch::Tensor weights = OpacityWeights(sigma);
  for (int r = 0; r < 4; ++r) {
    double transmittance = 1;
    for (int m = 0; m < 7; ++m) {
      const double s = sigma[r][m].item<double>();
      EXPECT_NEAR(weights[r][m].item<double>(), transmittance * (1 - std::exp(-s)), 1e-6);
      transmittance *= std::exp(-s);
    }
  }
}

TEST(Rays, SurfaceWeightsEndBehindTheFirstSurface) {
  const torch::Tensor t = torch::arange(8, torch::kFloat).unsqueeze(0);
  const torch::Tensor w = SurfaceWeights(Row({2, 1, 0.5f, -0.5f, -1, -0.5f, 0.5f, -0.5f}), t, 1.5);
  EXPECT_NEAR(w.sum().item<double>(), 1, 1e-5);
  EXPECT_NEAR(w[0][2].item<double>(), w[0][3].item<double>(), 1e-6);  // alike on both sides
  EXPECT_EQ(w.index({0, torch::indexing::Slice(4, 8)}).abs().sum().item<double>(),
            0);  // the second one is not seen
}

TEST(Rays, ARayThatMeetsNoSurfaceOrOnlyABackHasNoWeight) {
  const torch::Tensor t = torch::arange(3, torch::kFloat).unsqueeze(0);
  EXPECT_EQ(SurfaceWeights(Row({1, 0.5f, 0.25f}), t, 1).abs().sum().item<double>(), 0);
  EXPECT_EQ(SurfaceWeights(Row({-1, 0.5f, 0.75f}), t, 1).abs().sum().item<double>(), 0);
}

TEST(Rays, SamplesFartherApartThanTheTruncationStillFindTheSurface) {
  const torch::Tensor t = torch::arange(4, torch::kFloat).unsqueeze(0);
  const torch::Tensor w = SurfaceWeights(Row({1, 0.9f, -0.1f, -1}), t, 0.3, 1.5);
  EXPECT_GT(w[0][2].item<double>(), 0.7);  // the inner side is the nearer one
  EXPECT_EQ(w[0][3].item<double>(), 0);
  EXPECT_EQ(SurfaceWeights(Row({1, 0.9f, -0.1f, -1}), t, 0.3)[0][2].item<double>(), 0);
}

TEST(Rays, APlaceIsSeenUnlessTheWayComesOutOfSomething) {
  const torch::Tensor ways = torch::tensor({{1.0f, 0.5f, 0.1f, -0.1f},    // to the surface
                                            {1.0f, 0.5f, 0.3f, 0.2f},     // in the open
                                            {1.0f, -0.5f, -0.2f, 0.5f},   // behind something
                                            {-1.0f, -0.5f, 0.5f, -0.1f},  // from within something
                                            {-1.0f, 0.5f, -0.5f, 0.1f},   // from within, behind something
                                            {0.0f, 0.0f, 0.5f, 0.0f}});   // from where nothing is known
  const torch::Tensor seen = SeenBySigns(ways);
  const bool expected[] = {true, true, false, true, false, true};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(seen[i].item<bool>(), expected[i]) << i;
}

TEST(Rays, CompositeIsTheWeightedSum) {
  ExpectClose(Composite(Row({0.25f, 0.5f}), torch::tensor({{{4.0f, 0.0f}, {2.0f, 8.0f}}})), Row({2, 4}));
}

TEST(Rays, MedianDistanceIsWhereHalfIsPassed) {
  const torch::Tensor weights = torch::tensor({{0.2, 0.4, 0.3}, {0.1, 0.2, 0.1}, {0.3, 0.3, 0.4}});
  const torch::Tensor distances = torch::tensor({{1.0, 2.0, 3.0}, {1.0, 2.0, 3.0}, {3.0, 2.0, 1.0}});
  EXPECT_TRUE(torch::equal(MedianDistance(weights, distances), torch::tensor({2.0, 0.0, 2.0})));
}

}  // namespace
}  // namespace semfield::nn
