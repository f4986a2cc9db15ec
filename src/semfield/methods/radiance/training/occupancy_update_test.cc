#include "semfield/methods/radiance/training/occupancy_update.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/methods/radiance/radiance_test_util.h"

namespace semfield {
namespace {

RadianceModel Model(Background background, Surroundings surroundings) {
  RadianceOptions options = SmallRadianceOptions(1000);
  options.cone_angle = 0;
  options.density_bias = 0;
  options.background = background;
  options.surroundings = surroundings;
  return RadianceModel(WithoutCapture(options), SceneMap{.half_extent = 1});
}

int64_t Occupied(const RadianceModel& model) {
  int64_t count = 0;
  for (uint32_t cell = 0; cell < model.occupancy.num_cells(); ++cell) count += model.occupancy.Occupied(cell);
  return count;
}

// Densities that rise along x: cell by cell 0, 1/n, ... of `most`.
void SetDensities(float most, RadianceModel* model) {
  const int n = model->occupancy.resolution();
  Buffer<float>& density = model->occupancy.density();
  for (size_t cell = 0; cell < density.size(); ++cell)
    density[cell] = most * static_cast<float>(cell % n) / static_cast<float>(n);
}

// Share of the cells of such a ramp whose density is above a threshold.
double ShareAbove(double threshold, double most, int n) {
  int count = 0;
  for (int x = 0; x < n; ++x) count += most * x / n > threshold;
  return static_cast<double>(count) / n;
}

TEST(OccupancyUpdate, NoCellGoesBeforeAllWereLookedAt) {
  RadianceModel model = Model(Background::kRandom, Surroundings::kScene);
  OccupancyUpdate update(model);
  for (int step = 1; step < OccupancyUpdate::kFirstSweepEnd; ++step) update.AfterStep(step, 1, model);
  EXPECT_EQ(Occupied(model), static_cast<int64_t>(model.occupancy.num_cells()));
  const Buffer<float>& density = model.occupancy.density();
  // All but the last part of the sweep have a density by then; a new field's is about exp(0).
  const auto looked_at = std::count_if(density.begin(), density.end(), [](float d) { return d > 0; });
  EXPECT_GT(static_cast<double>(looked_at), 0.85 * static_cast<double>(density.size()));
  for (const float value : density.span()) EXPECT_LT(value, 10);
}

// A cell stays where a step of training through it may have more than the least opacity.
TEST(OccupancyUpdate, ASceneKeepsCellsByTheirOpacity) {
  RadianceModel model = Model(Background::kRandom, Surroundings::kScene);
  const OccupancyUpdate unused(model);
  const double threshold = OccupancyUpdate::kMinOpacity / (model.March(1).step * model.LengthScale());
  const float most = static_cast<float>(4 * threshold);
  SetDensities(most, &model);
  OccupancyUpdate(model).Restore(1000, model);
  const double expected = ShareAbove(threshold, most, model.occupancy.resolution());
  EXPECT_NEAR(static_cast<double>(Occupied(model)) / static_cast<double>(model.occupancy.num_cells()),
              expected, 1e-9);
  EXPECT_GT(expected, 0.6);
  EXPECT_LT(expected, 0.8);
}

// Around a thing on nothing the mean says better what stands out, while that is less.
TEST(OccupancyUpdate, AThingOnNothingIsPrunedByTheMean) {
  RadianceModel model = Model(Background::kWhite, Surroundings::kNothing);
  const double threshold = OccupancyUpdate::kMinOpacity / (model.March(1).step * model.LengthScale());
  const float most = static_cast<float>(0.9 * threshold);  // fog: by opacity nothing would stay
  SetDensities(most, &model);
  OccupancyUpdate(model).Restore(1000, model);
  const int n = model.occupancy.resolution();
  const double mean = 0.5 * most * (n - 1) / n;
  EXPECT_NEAR(static_cast<double>(Occupied(model)) / static_cast<double>(model.occupancy.num_cells()),
              ShareAbove(mean, most, n), 1e-9);
  RadianceModel scene = Model(Background::kWhite, Surroundings::kScene);
  SetDensities(most, &scene);
  OccupancyUpdate(scene).Restore(1000, scene);
  EXPECT_EQ(Occupied(scene), 0);
}

// What is behind a scene changes nothing of what is pruned.
TEST(OccupancyUpdate, TheBackgroundHasNoSay) {
  RadianceModel random = Model(Background::kRandom, Surroundings::kScene),
                black = Model(Background::kBlack, Surroundings::kScene);
  OccupancyUpdate of_random(random), of_black(black);
  for (int step = 1; step <= 200; ++step) {
    of_random.AfterStep(step, 2, random);
    of_black.AfterStep(step, 2, black);
  }
  EXPECT_EQ(Occupied(random), Occupied(black));
  for (uint32_t cell = 0; cell < random.occupancy.num_cells(); ++cell)
    ASSERT_EQ(random.occupancy.Occupied(cell), black.occupancy.Occupied(cell)) << cell;
}

TEST(OccupancyUpdate, RestoreGivesTheBitsThatATrainingHad) {
  RadianceModel model = Model(Background::kRandom, Surroundings::kScene);
  for (float& value : model.density_mlp.values.span()) value *= 3;  // densities that differ
  OccupancyUpdate update(model, 0.05f);
  for (int step = 1; step <= 160; ++step) update.AfterStep(step, 2, model);
  std::vector<bool> before;
  for (uint32_t cell = 0; cell < model.occupancy.num_cells(); ++cell)
    before.push_back(model.occupancy.Occupied(cell));
  model.occupancy.Fill();
  update.Restore(160, model);
  for (uint32_t cell = 0; cell < model.occupancy.num_cells(); ++cell)
    ASSERT_EQ(model.occupancy.Occupied(cell), before[cell]) << cell;
  update.Restore(5, model);
  EXPECT_EQ(Occupied(model), static_cast<int64_t>(model.occupancy.num_cells()));
}

TEST(ResolveRadianceOptions, AlphaDecidesWhatIsAround) {
  const TestCapture object({.views = 9, .width = 32, .height = 24, .scene = "object"});
  const TestCapture room({.views = 9, .width = 32, .height = 24});
  EXPECT_TRUE(ResolveRadianceOptions({}, object.capture).IsObject());
  RadianceOptions black;
  black.background = Background::kBlack;
  EXPECT_FALSE(ResolveRadianceOptions(black, room.capture).IsObject());
  EXPECT_TRUE(ResolveRadianceOptions(black, object.capture).IsObject());
}

TEST(ResolveRadianceOptions, DepthThatIsNotThereIsRefused) {
  const TestCapture room({.views = 9, .width = 32, .height = 24});
  RadianceOptions options;
  options.depth_supervision = DepthSource::kMaps;
  EXPECT_EQ(ResolveRadianceOptions(options, room.capture).depth_supervision, DepthSource::kMaps);
  Capture bare = room.capture;
  for (View& view : bare.views) view.depth.clear();
  EXPECT_THROW(ResolveRadianceOptions(options, bare), Error);
  options.depth_supervision = DepthSource::kPoints;
  EXPECT_THROW(ResolveRadianceOptions(options, bare), Error);
}

}  // namespace
}  // namespace semfield
