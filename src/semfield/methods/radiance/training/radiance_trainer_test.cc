#include "semfield/methods/radiance/training/radiance_trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/methods/radiance/radiance_test_util.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

class RadianceTrainerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    room_ = new TestCapture({.views = 12, .width = 64, .height = 48});
    object_ = new TestCapture({.views = 12, .width = 64, .height = 48, .scene = "object"});
  }
  static void TearDownTestSuite() {
    delete room_;
    delete object_;
  }
  static RadianceOptions Options(const TestCapture& capture, int steps) {
    return ResolveRadianceOptions(SmallRadianceOptions(steps), capture.capture);
  }
  // Few samples: these tests are about bits, not about quality.
  static RadianceOptions FewSamples(int steps) {
    RadianceOptions options = SmallRadianceOptions(steps);
    options.samples_per_step = 4096;
    options.background = Background::kRandom;
    return ResolveRadianceOptions(options, room_->capture);
  }
  static std::unique_ptr<RadianceTrainer> TrainedRoom(const RadianceOptions& options) {
    auto trainer = std::make_unique<RadianceTrainer>(room_->capture, *room_->store, options);
    while (!trainer->Done()) trainer->Step();
    return trainer;
  }
  static std::vector<std::byte> TrainedBytes(const TestCapture& data, const RadianceOptions& options) {
    RadianceTrainer trainer(data.capture, *data.store, options);
    while (!trainer.Done()) trainer.Step();
    return BytesOf(trainer.Tensors());
  }
  // PSNR of the last 20 steps.
  static double PsnrAfter(const TestCapture& data, const RadianceOptions& options, double* first) {
    RadianceTrainer trainer(data.capture, *data.store, options);
    *first = trainer.Step().Psnr();
    double mse = 0;
    int counted = 0;
    while (!trainer.Done()) {
      const RadianceStepStats stats = trainer.Step();
      EXPECT_TRUE(std::isfinite(stats.mse));
      EXPECT_LE(stats.kept_samples, stats.marched_samples);
      if (trainer.step() > options.steps - 20) mse += stats.mse, ++counted;
    }
    return -10 * std::log10(mse / counted);
  }
  static TestCapture *room_, *object_;
};
TestCapture* RadianceTrainerTest::room_ = nullptr;
TestCapture* RadianceTrainerTest::object_ = nullptr;

TEST_F(RadianceTrainerTest, LearnsARoom) {
  double first = 0;
  const double psnr = PsnrAfter(*room_, Options(*room_, 250), &first);
  EXPECT_GT(psnr, first + 2);
  EXPECT_GT(psnr, 17);
}

TEST_F(RadianceTrainerTest, LearnsAnObjectOnNothing) {
  double first = 0;
  const double psnr = PsnrAfter(*object_, Options(*object_, 250), &first);
  EXPECT_GT(psnr, 22);
}

TEST_F(RadianceTrainerTest, SameBitsTwiceAndWithAnyNumberOfThreads) {
  const RadianceOptions options = FewSamples(110);  // past the first pruning of the occupancy grid
  std::vector<std::vector<std::byte>> bytes;
  for (int threads : {2, 2, 1}) {
    const ScopedThreads scoped(threads);
    bytes.push_back(TrainedBytes(*room_, options));
  }
  EXPECT_EQ(bytes[0], bytes[1]) << "two runs differ";
  EXPECT_EQ(bytes[0], bytes[2]) << "1 and 2 threads differ";
  RadianceOptions other = options;
  other.seed = 2;
  other.steps = 3;
  RadianceOptions same = options;
  same.steps = 3;
  EXPECT_NE(TrainedBytes(*room_, other), TrainedBytes(*room_, same));
}

// Mean squared difference of neighbours in a level that has an entry of its own for every vertex.
double Roughness(const RadianceModel& model, int level) {
  const ops::HashGridLevel& part = model.layout.levels[level];
  const auto features = static_cast<size_t>(model.layout.config.features_per_level);
  double sum = 0;
  int64_t count = 0;
  for (uint32_t z = 0; z < 8; ++z)
    for (uint32_t y = 0; y < 8; ++y)
      for (uint32_t x = 0; x < 8; ++x, ++count)
        for (size_t f = 0; f < features; ++f) {
          const size_t here = part.offset + features * ops::HashGridEntry(part, x, y, z) + f;
          const size_t there = part.offset + features * ops::HashGridEntry(part, x + 1, y, z) + f;
          sum += std::pow(model.grid.values[there] - model.grid.values[here], 2);
        }
  return sum / static_cast<double>(count);
}

TEST_F(RadianceTrainerTest, TotalVariationSmoothsTheGrid) {
  RadianceOptions options = FewSamples(40);
  const auto roughness = [&](double weight) {
    options.total_variation = weight;
    return Roughness(TrainedRoom(options)->model(), 0);
  };
  EXPECT_LT(roughness(1), 0.5 * roughness(0));
}

TEST_F(RadianceTrainerTest, LevelWeightsMoveFineLevelsFaster) {
  RadianceOptions options = FewSamples(1);  // Adam's first step does not hang on how large a gradient is
  const auto moved = [&](double weight, int level) {
    options.level_weight = weight;
    RadianceTrainer trainer(room_->capture, *room_->store, options);
    const Buffer<float>& grid = trainer.model().grid.values;
    const std::vector<float> before(grid.data(), grid.data() + grid.size());
    while (!trainer.Done()) trainer.Step();
    const size_t offset = trainer.model().layout.levels[level].offset;
    double sum = 0;
    for (size_t i = offset; i < offset + 2048; ++i) sum += std::abs(grid[i] - before[i]);
    return sum;
  };
  EXPECT_DOUBLE_EQ(moved(2, 0), moved(1, 0));
  EXPECT_NEAR(moved(2, 2) / moved(1, 2), 4, 0.01);
}

TEST_F(RadianceTrainerTest, DirectionDecayHoldsWhatColorsTakeFromTheDirection) {
  RadianceOptions options = FewSamples(60);
  // Sums of the first layer's weights of the constant harmonic, and of all others.
  const auto weights = [&](double decay) {
    options.direction_decay = decay;
    const std::unique_ptr<RadianceTrainer> trainer = TrainedRoom(options);
    const RadianceModel& model = trainer->model();
    std::pair<double, double> sums{0, 0};
    for (int out = 0; out < model.color_shape.hidden; ++out) {
      const float* row = model.color_mlp.values.data() + static_cast<size_t>(out) * model.color_shape.input;
      sums.first += std::abs(row[RadianceModel::kGeometryRows]);
      for (int in = RadianceModel::kGeometryRows + 1; in < model.color_shape.input; ++in)
        sums.second += std::abs(row[in]);
    }
    return sums;
  };
  const auto [free_constant, free_directions] = weights(0);
  const auto [held_constant, held_directions] = weights(10);
  EXPECT_LT(held_directions, 0.3 * free_directions);
  EXPECT_GT(held_constant, 0.7 * free_constant);
}

// Saved at step k and restored in a new trainer, training goes on as if nothing had happened: before and
// after the occupancy grid is first pruned, and between two of its updates.
TEST_F(RadianceTrainerTest, RestoredTrainingGoesOnBitForBit) {
  RadianceOptions options = FewSamples(125);
  options.average_last = 0.3;
  options.total_variation = 1e-4;
  options.level_weight = 1.15;
  const std::vector<std::byte> expected = TrainedBytes(*room_, options);
  for (int stop : {30, 101, 110}) {
    TestFolder folder;
    const std::filesystem::path path = folder / "radiance.safetensors";
    {
      RadianceTrainer trainer(room_->capture, *room_->store, options);
      while (trainer.step() < stop) trainer.Step();
      SaveCheckpoint(path, "radiance", trainer.Tensors(), {{"state", trainer.State().dump()}});
    }
    const Checkpoint checkpoint = LoadCheckpoint(path, "radiance");
    RadianceTrainer trainer(room_->capture, *room_->store, options);
    trainer.Restore(checkpoint.file, ParseJson(checkpoint.file.Metadata("state"), "state"));
    EXPECT_EQ(trainer.step(), stop);
    while (!trainer.Done()) trainer.Step();
    EXPECT_EQ(BytesOf(trainer.Tensors()), expected) << "resumed at step " << stop;
  }
}

TEST_F(RadianceTrainerTest, RefusesACheckpointOfAnotherShape) {
  TestFolder folder;
  RadianceOptions options = FewSamples(5);
  RadianceTrainer trainer(room_->capture, *room_->store, options);
  SaveCheckpoint(folder / "a", "radiance", trainer.Tensors(), {{"state", trainer.State().dump()}});
  options.hidden = 16;
  RadianceTrainer other(room_->capture, *room_->store, options);
  const Checkpoint checkpoint = LoadCheckpoint(folder / "a", "radiance");
  EXPECT_THROW(other.Restore(checkpoint.file, trainer.State()), Error);
}

TEST_F(RadianceTrainerTest, OptionsAreResolvedFromTheCapture) {
  const RadianceOptions room = ResolveRadianceOptions({}, room_->capture);
  const RadianceOptions object = ResolveRadianceOptions({}, object_->capture);
  EXPECT_EQ(object.background, Background::kWhite);
  EXPECT_EQ(room.background, Background::kRandom);
  for (const RadianceOptions& options : {room, object}) {
    EXPECT_GT(options.steps_across, 0);
    EXPECT_GE(options.cone_angle, 0);
    EXPECT_GE(options.coarse_phases, 0);
    EXPECT_GE(options.distortion, 0);
    EXPECT_TRUE(options.density_bias.has_value());
  }
  RadianceOptions chosen;
  chosen.steps_across = 77;
  chosen.background = Background::kBlack;
  EXPECT_EQ(ResolveRadianceOptions(chosen, object_->capture).steps_across, 77);
  EXPECT_EQ(ResolveRadianceOptions(chosen, object_->capture).background, Background::kBlack);
}

// Everything the capture says is inside must be inside the field's cube.
TEST_F(RadianceTrainerTest, SceneMapHoldsTheBounds) {
  const SceneMap map = MakeSceneMap(room_->capture);
  ASSERT_FALSE(map.contracted);
  for (const Vec3& corner : {room_->capture.bounds.min, room_->capture.bounds.max}) {
    const float p[3] = {static_cast<float>(corner.x()), static_cast<float>(corner.y()),
                        static_cast<float>(corner.z())};
    float u[3];
    map.UnitFromWorld(p, u);
    for (float v : u) {
      EXPECT_GE(v, 0);
      EXPECT_LE(v, 1);
    }
  }
}

}  // namespace
}  // namespace semfield
