#include "semfield/methods/language_field/language_trainer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/test_folder.h"
#include "semfield/base/test_threads.h"
#include "semfield/methods/feature_field/feature_field_test_util.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

constexpr int kChannels = 6;

LanguageOptions SmallOptions(int steps) {
  LanguageOptions options;
  options.log2_table_size = 10;
  options.finest_resolution = 32;
  options.head_width = 16;
  options.cross_positions = 20;
  options.steps = steps;
  return options;
}

PyramidSpace Space(const std::vector<int>& grids) {
  return {.encoder = "toy", .channels = kChannels, .grids = grids};
}

// Rays as RandomEntry; every coarse token's target is the mean of the fine ones' times a sign of the scale,
// so that scales are correlated.
TeacherEntry PyramidEntry(int64_t index, const std::vector<int>& grids, const LanguageOptions& options) {
  TeacherEntry entry = *RandomEntry(index, grids[0], kChannels, NumExtraRows(options), NumPixelRows(options));
  const std::vector<Half> finest = entry.target;
  for (size_t s = 1; s < grids.size(); ++s) {
    const int grid = grids[s], factor = grids[0] / grid;
    for (int channel = 0; channel < kChannels; ++channel) {
      for (int token = 0; token < grid * grid; ++token) {
        float sum = 0;
        for (int i = 0; i < factor * factor; ++i) {
          const int y = token / grid * factor + i / factor, x = token % grid * factor + i % factor;
          sum += HalfToFloat(finest[(channel * grids[0] + y) * grids[0] + x]);
        }
        entry.target.push_back(
            FloatToHalf(sum / static_cast<float>(factor * factor) * (s % 2 == 0 ? 1.0f : -1.0f)));
      }
    }
  }
  return entry;
}

double Train(LanguageTrainer& trainer, int until, const std::vector<int>& grids, double* first = nullptr) {
  std::vector<TeacherEntry> entries;
  for (int i = 0; i < 2; ++i) entries.push_back(PyramidEntry(i, grids, trainer.model().options()));
  double loss = 0;
  while (trainer.step() < until) {
    loss = trainer.Step(entries[trainer.step() % 2]);
    if (first != nullptr && trainer.step() == 1) *first = loss;
  }
  return loss;
}

TEST(LanguageTrainer, LearnsAllScales) {
  const std::vector<int> grids = {16, 8, 4};
  LanguageOptions options = SmallOptions(400);
  options.log2_table_size = 14;  // as many as there are places
  LanguageTrainer trainer(options, Space(grids));
  double first = 0;
  const double last = Train(trainer, 400, grids, &first);
  EXPECT_LT(last, 0.1 * first);
  // What is rendered is what was trained on.
  const TeacherEntry entry = PyramidEntry(0, grids, trainer.model().options());
  const std::vector<FeatureMap> maps = trainer.model().Render(entry.inputs);
  ASSERT_EQ(maps.size(), 3u);
  size_t at = 0;
  for (size_t s = 0; s < 3; ++s) {
    ASSERT_EQ(maps[s].width, grids[s]);
    double error = 0;
    for (const float value : maps[s].data) error += std::pow(value - HalfToFloat(entry.target[at++]), 2);
    EXPECT_LT(error / static_cast<double>(maps[s].data.size()), 0.02) << s;
  }
  EXPECT_EQ(at, entry.target.size());
}

// Eq. 9 to 11 of what the model renders, written out.
TEST(LanguageTrainer, LossIsTheSumOfBothParts) {
  const std::vector<int> grids = {8, 4, 2};
  LanguageOptions options = SmallOptions(10);
  options.cross_positions = 64;  // all of them
  options.cross_weight = 0.5;
  LanguageTrainer trainer(options, Space(grids));
  const TeacherEntry entry = PyramidEntry(1, grids, options);
  const std::vector<FeatureMap> maps = trainer.model().Render(entry.inputs);
  double single = 0;
  size_t at = 0;
  std::vector<PlacedFeatures> ours, theirs, ignored;
  for (const FeatureMap& map : maps) {
    double error = 0;
    ours.push_back({map.width * map.width, map.data});
    theirs.push_back({map.width * map.width, {}});
    for (const float value : map.data) {
      theirs.back().values.push_back(HalfToFloat(entry.target[at++]));
      error += std::pow(value - theirs.back().values.back(), 2);
    }
    single += error / static_cast<double>(map.data.size());
  }
  const double cross = CrossCorrelation(kChannels, ours, theirs, &ignored);
  EXPECT_GT(cross, 0.01);
  EXPECT_NEAR(trainer.Losses(entry), single + 0.5 * cross, 1e-5);
}

// Features as long as those of a trained field: as first drawn they are so short that a cosine turns within
// the step of a difference.
void Lengthen(LanguageTrainer& trainer) {
  LanguageModel& model = trainer.model();
  Random random(5, 1);
  for (float& value : model.grid().values.span()) value = random.Uniform(-0.5f, 0.5f);
  model.grid().UpdateHalf();
  for (int s = 0; s < model.num_scales(); ++s) {
    for (float& value : model.head_parameters(s).values.span()) value += random.Uniform(-0.2f, 0.2f);
  }
}

// Of every head and, through pooling and context, of what is composited at the finest tokens.
TEST(LanguageTrainer, GradientsAreThoseOfDifferences) {
  const std::vector<int> grids = {8, 4, 2};
  LanguageOptions options = SmallOptions(10);
  options.context_rings = 1;
  options.cross_positions = 5;
  options.leaky_slope = 0.5;  // few kinks
  LanguageTrainer trainer(options, Space(grids));
  Lengthen(trainer);
  const TeacherEntry entry = PyramidEntry(2, grids, options);
  trainer.Losses(entry);
  const auto check = [&](Buffer<float>& values, size_t i, double gradient) {
    constexpr float kStep = 2e-3f;
    const float value = values[i];
    values[i] = value + kStep;
    const double more = trainer.Losses(entry);
    values[i] = value - kStep;
    const double less = trainer.Losses(entry);
    values[i] = value;
    const double difference = (more - less) / (2 * kStep);
    EXPECT_NEAR(gradient, difference, 1e-3 + 0.02 * std::abs(difference)) << i;
  };
  Random random(7, 1);
  for (int s = 0; s < 3; ++s) {
    Parameter& head = trainer.model().head_parameters(s);
    std::vector<std::pair<size_t, float>> some;
    for (int k = 0; k < 12; ++k) {
      const size_t i = random.Below(static_cast<uint32_t>(head.size()));
      some.emplace_back(i, 0.0f);
    }
    std::fill_n(head.gradient.data(), head.size(), 0.0f);
    trainer.Losses(entry);
    for (auto& [i, gradient] : some) gradient = head.gradient[i];
    for (const auto& [i, gradient] : some) check(head.values, i, gradient);
  }
}

// Moving E_sem against the gradient of the composited rows lowers the loss, by what the gradient says.
TEST(LanguageTrainer, GradientOfTheGridIsThatOfDifferences) {
  const std::vector<int> grids = {8, 4};
  LanguageOptions options = SmallOptions(10);
  options.context_rings = 1;
  options.leaky_slope = 0.5;
  LanguageTrainer trainer(options, Space(grids));
  Lengthen(trainer);
  const TeacherEntry entry = PyramidEntry(3, grids, options);
  trainer.Losses(entry);
  LanguageModel& model = trainer.model();
  const RaySamples& samples = entry.inputs.samples;
  const ops::GridPoints points = {samples.x.data(), samples.y.data(), samples.z.data(),
                                  static_cast<int64_t>(samples.x.size())};
  Buffer<float> gradient;
  gradient.Resize(model.grid().size());
  const ops::HashGridLayout& layout = model.layout();
  for (int level = 0; level < layout.config.num_levels; ++level) {
    const size_t row = static_cast<size_t>(level) * layout.config.features_per_level;
    ops::HashGridRaysBackward(
        layout, level, {points, samples.weight.data(), samples.ray_begin.data(), entry.inputs.num_tokens},
        trainer.gradient_of_rows().data() + row * ops::kTileStride, ops::kTileStride, gradient.data());
  }
  double square = 0;
  for (size_t i = 0; i < gradient.size(); ++i) square += static_cast<double>(gradient[i]) * gradient[i];
  ASSERT_GT(square, 0);
  const auto step = static_cast<float>(0.1 / std::sqrt(square));
  const std::vector<float> before(model.grid().values.begin(), model.grid().values.end());
  const auto loss_at = [&](float along) {
    for (size_t i = 0; i < before.size(); ++i) model.grid().values[i] = before[i] + along * gradient[i];
    model.grid().UpdateHalf();
    return trainer.Losses(entry);
  };
  const double difference = (loss_at(step) - loss_at(-step)) / (2 * step);
  EXPECT_NEAR(difference, square, 0.05 * square);
}

TEST(LanguageTrainer, SameBitsTwiceAndWithAnyNumberOfThreads) {
  const std::vector<int> grids = {40, 20, 10};  // the finest fill two tiles
  std::vector<std::vector<std::byte>> bytes;
  for (const int threads : {2, 2, 1}) {
    const ScopedThreads scoped(threads);
    LanguageTrainer trainer(SmallOptions(12), Space(grids));
    Train(trainer, 12, grids);
    bytes.emplace_back();
    for (const TensorView& tensor : trainer.Tensors())
      bytes.back().insert(bytes.back().end(), tensor.data.begin(), tensor.data.end());
  }
  EXPECT_EQ(bytes[0], bytes[1]) << "two runs differ";
  EXPECT_EQ(bytes[0], bytes[2]) << "1 and 2 threads differ";
}

TEST(LanguageTrainer, RestoredTrainingGoesOnBitForBit) {
  const std::vector<int> grids = {8, 4};
  LanguageTrainer whole(SmallOptions(20), Space(grids));
  Train(whole, 20, grids);
  TestFolder folder;
  {
    LanguageTrainer trainer(SmallOptions(20), Space(grids));
    Train(trainer, 8, grids);
    SaveCheckpoint(folder / "features", "features", trainer.Tensors(), {{"state", trainer.State().dump()}});
  }
  const Checkpoint checkpoint = LoadCheckpoint(folder / "features", "features");
  LanguageTrainer trainer(SmallOptions(20), Space(grids));
  trainer.Restore(checkpoint.file, ParseJson(checkpoint.file.Metadata("state"), "state"));
  EXPECT_EQ(trainer.step(), 8);
  Train(trainer, 20, grids);
  const TeacherEntry entry = PyramidEntry(0, grids, whole.model().options());
  EXPECT_EQ(trainer.model().Render(entry.inputs)[1].data, whole.model().Render(entry.inputs)[1].data);
  LanguageTrainer other(SmallOptions(20), Space({8, 4, 2}));
  EXPECT_THROW(other.Restore(checkpoint.file, whole.State()), Error);
}

TEST(DrawPlaces, AreDistinctAndRising) {
  Random random(1, 1);
  const std::vector<int> places = DrawPlaces(100, 30, random);
  ASSERT_EQ(places.size(), 30u);
  for (size_t i = 1; i < places.size(); ++i) EXPECT_LT(places[i - 1], places[i]);
  EXPECT_GE(places.front(), 0);
  EXPECT_LT(places.back(), 100);
  EXPECT_EQ(DrawPlaces(5, 30, random).size(), 5u);
}

}  // namespace
}  // namespace semfield
