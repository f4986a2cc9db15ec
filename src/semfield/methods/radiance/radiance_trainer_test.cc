#include "semfield/methods/radiance/radiance_trainer.h"

#include <gtest/gtest.h>

#include <cmath>

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
    options.background = "random";
    return ResolveRadianceOptions(options, room_->capture);
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

// Saved at step k and restored in a new trainer, training goes on as if nothing had happened: before and
// after the occupancy grid is first pruned, and between two of its updates.
TEST_F(RadianceTrainerTest, RestoredTrainingGoesOnBitForBit) {
  RadianceOptions options = FewSamples(125);
  options.average_last = 0.3;
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
  EXPECT_EQ(object.background, "white");
  EXPECT_NE(room.background, "auto");
  for (const RadianceOptions& options : {room, object}) {
    EXPECT_GT(options.steps_across, 0);
    EXPECT_GE(options.cone_angle, 0);
    EXPECT_GE(options.coarse_phases, 0);
    EXPECT_GE(options.distortion, 0);
    EXPECT_GT(options.density_bias, -100);
  }
  RadianceOptions chosen;
  chosen.steps_across = 77;
  chosen.background = "black";
  EXPECT_EQ(ResolveRadianceOptions(chosen, object_->capture).steps_across, 77);
  EXPECT_EQ(ResolveRadianceOptions(chosen, object_->capture).background, "black");
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
