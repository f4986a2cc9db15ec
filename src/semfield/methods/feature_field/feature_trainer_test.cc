#include "semfield/methods/feature_field/feature_trainer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/error.h"
#include "semfield/methods/feature_field/feature_field_test_util.h"
#include "semfield/methods/radiance/model/hash_radiance_field.h"
#include "semfield/methods/radiance/radiance_test_util.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

FeatureOptions SmallOptions(int steps) {
  FeatureOptions options;
  options.log2_table_size = 12;
  options.finest_resolution = 64;
  options.head_width = 32;
  options.steps = steps;
  options.cache_size = 4;
  return options;
}
FeatureSpace Shape(int grid) {
  return {.encoder = "toy", .channels = 12, .grid = grid};
}

double Train(FeatureTrainer& trainer, int until, int grid, int extra_rows, int views,
             double* first = nullptr) {
  std::vector<std::shared_ptr<TeacherEntry>> entries;
  for (int i = 0; i < views; ++i) entries.push_back(RandomEntry(i, grid, 12, extra_rows));
  double error = 0;
  while (trainer.step() < until) {
    error = trainer.Step(*entries[trainer.step() % views]);
    if (first != nullptr && trainer.step() == 1) *first = error;
  }
  return error;
}

TEST(FeatureTrainer, LearnsWhatIsConstantInSpace) {
  FeatureTrainer trainer(SmallOptions(300), Shape(8));
  double first = 0;
  const double last = Train(trainer, 300, 8, 0, 1, &first);
  EXPECT_GT(first, 0.2);
  EXPECT_LT(last, 0.02 * first);
  // What is rendered is what was trained on.
  const auto entry = RandomEntry(0, 8, 12, 0);
  const FeatureMap map = trainer.model().Render(entry->inputs);
  ASSERT_EQ(map.channels, 12);
  ASSERT_EQ(map.data.size(), entry->target.size());
  double error = 0;
  for (size_t i = 0; i < map.data.size(); ++i)
    error += std::pow(map.data[i] - HalfToFloat(entry->target[i]), 2);
  EXPECT_LT(error / static_cast<double>(map.data.size()), 1.5 * last + 1e-4);
}

TEST(FeatureTrainer, ReleasedFormLearnsToo) {
  FeatureOptions options = SmallOptions(300);
  options.head_layers = 5;
  options.head_skip = options.layer_norm = true;
  options.leaky_slope = 0.01;
  options.head_inputs = {"geometry", "direction", "color", "depth"};
  FeatureTrainer trainer(options, Shape(8));
  double first = 0;
  const double last = Train(trainer, 300, 8, NumExtraRows(options), 1, &first);
  EXPECT_LT(last, 0.2 * first);
}

// What the head sees of the pixels beside a token is a neighbour's, and learning E_sem goes on beside it.
TEST(FeatureTrainer, LearnsFromPixelsOfNeighbors) {
  constexpr int kGrid = 8, kChannels = 12;
  FeatureOptions options = SmallOptions(400);
  options.context_rings = 1;
  options.token_pixels = 1;
  const auto entry = RandomEntry(0, kGrid, kChannels, 0, NumPixelRows(options));
  // Half of the channels say what the pixel to the right shows, the others keep the function of the place.
  for (int channel = 0; channel < kChannels; channel += 2) {
    for (int token = 0; token < kGrid * kGrid; ++token) {
      const bool inside = token % kGrid + 1 < kGrid;
      const float right = inside ? entry->inputs.pixels[(channel % 3) * kGrid * kGrid + token + 1] : 0.0f;
      entry->target[static_cast<size_t>(channel) * kGrid * kGrid + token] = FloatToHalf(right);
    }
  }
  FeatureTrainer trainer(options, Shape(kGrid));
  const double first = trainer.Step(*entry);
  double last = 0;
  while (trainer.step() < options.steps) last = trainer.Step(*entry);
  EXPECT_LT(last, 0.02 * first);
}

// The step's answer is Eq. 8 up to the constant that N counts rays and not numbers.
TEST(FeatureTrainer, ErrorIsTheMeanSquaredError) {
  FeatureTrainer trainer(SmallOptions(10), Shape(6));
  const auto entry = RandomEntry(3, 6, 12, 0);
  const FeatureMap map = trainer.model().Render(entry->inputs);
  double expected = 0;
  for (size_t i = 0; i < map.data.size(); ++i)
    expected += std::pow(map.data[i] - HalfToFloat(entry->target[i]), 2);
  EXPECT_NEAR(trainer.Step(*entry), expected / static_cast<double>(map.data.size()), 1e-6);
}

// 40 x 40 tokens fill two tiles, whose gradients are summed in order.
TEST(FeatureTrainer, SameBitsTwiceAndWithAnyNumberOfThreads) {
  std::vector<std::vector<std::byte>> bytes;
  for (int threads : {2, 2, 1}) {
    const ScopedThreads scoped(threads);
    FeatureTrainer trainer(SmallOptions(20), Shape(40));
    Train(trainer, 20, 40, 0, 3);
    bytes.push_back(BytesOf(trainer.Tensors()));
  }
  EXPECT_EQ(bytes[0], bytes[1]) << "two runs differ";
  EXPECT_EQ(bytes[0], bytes[2]) << "1 and 2 threads differ";
}

TEST(FeatureTrainer, RestoredTrainingGoesOnBitForBit) {
  FeatureTrainer whole(SmallOptions(30), Shape(8));
  Train(whole, 30, 8, 0, 3);
  TestFolder folder;
  {
    FeatureTrainer trainer(SmallOptions(30), Shape(8));
    Train(trainer, 13, 8, 0, 3);
    SaveCheckpoint(folder / "features", "features", trainer.Tensors(), {{"state", trainer.State().dump()}});
  }
  const Checkpoint checkpoint = LoadCheckpoint(folder / "features", "features");
  FeatureTrainer trainer(SmallOptions(30), Shape(8));
  trainer.Restore(checkpoint.file, ParseJson(checkpoint.file.Metadata("state"), "state"));
  EXPECT_EQ(trainer.step(), 13);
  Train(trainer, 30, 8, 0, 3);
  EXPECT_EQ(BytesOf(trainer.Tensors()), BytesOf(whole.Tensors()));

  FeatureOptions wider = SmallOptions(30);
  wider.head_width = 48;
  FeatureTrainer other(wider, Shape(8));
  EXPECT_THROW(other.Restore(checkpoint.file, whole.State()), Error);
}

TEST(FeatureTrainer, LeavesTheRadianceFieldAlone) {
  RadianceOptions options = SmallRadianceOptions(1);
  options.cone_angle = 0;
  options.density_bias = 1;
  auto model = std::make_unique<RadianceModel>(WithoutCapture(options), SceneMap{.half_extent = 2});
  const HashRadianceField field(std::move(model));
  const std::vector<std::byte> before = BytesOf(field.model().Tensors());
  const std::vector<Half> shadow(field.model().grid.half.begin(), field.model().grid.half.end());
  FeatureTrainer trainer(SmallOptions(5), Shape(8));
  const Camera square = EnclosingSquareCamera(PinholeCamera(40, 30, 0.9), 64);
  for (int i = 0; i < 3; ++i) {
    const Pose pose{.translation = {0.1 * i, 0, 0}};
    EXPECT_EQ(field.Render(square, pose, {}).rgb.width, 64);
    TeacherEntry entry;
    entry.inputs = MakeTokenInputs(field, square, pose, 8, trainer.model().options());
    entry.target.assign(12 * 64, FloatToHalf(0.5f));
    trainer.Step(entry);
  }
  EXPECT_EQ(BytesOf(field.model().Tensors()), before);
  EXPECT_TRUE(std::equal(shadow.begin(), shadow.end(), field.model().grid.half.begin()));
}

}  // namespace
}  // namespace semfield
