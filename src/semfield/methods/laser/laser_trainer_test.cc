#include "semfield/methods/laser/laser_trainer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "semfield/base/test_folder.h"
#include "semfield/base/test_threads.h"
#include "semfield/methods/feature_field/feature_field_test_util.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

constexpr int kClasses = 4, kGrid = 8;

LaserOptions SmallOptions(int steps) {
  LaserOptions options;
  options.log2_table_size = 12;
  options.finest_resolution = 32;
  options.head_width = 16;
  options.grid = kGrid;
  options.rank = 3;
  options.memory_tokens = 4;
  options.steps = steps;
  options.leaky_slope = 0.01;
  return options;
}

ClassTexts Texts() {
  ClassTexts texts{.once = Matrix(kClasses, kClasses), .twice = Matrix(kClasses, kClasses)};
  for (int i = 0; i < kClasses; ++i) {
    texts.once.At(i, i) = texts.twice.At(i, i) = 1;
  }
  return texts;
}

// Rays as RandomEntry; the class of a token is the quarter of the unit cube that its ray ends in.
TeacherEntry Entry(int64_t index) {
  TeacherEntry entry = *RandomEntry(index, kGrid, kClasses, 0);
  const RaySamples& samples = entry.inputs.samples;
  const int tokens = kGrid * kGrid;
  for (int token = 0; token < tokens; ++token) {
    const int first = samples.ray_begin[token];
    const bool is_empty = first == samples.ray_begin[token + 1];
    const int of = is_empty ? 0 : 2 * (samples.x[first] > 0.5f) + (samples.y[first] > 0.5f);
    for (int c = 0; c < kClasses; ++c)
      entry.target[static_cast<size_t>(c) * tokens + token] = FloatToHalf(c == of ? 0.91f : 0.03f);
  }
  return entry;
}

void Train(LaserTrainer& trainer, int until) {
  const std::vector<TeacherEntry> entries = {Entry(0), Entry(1)};
  while (trainer.step() < until) trainer.Step(entries[trainer.step() % 2]);
}

// Share of tokens behind which there is something whose likeliest class is the teacher's.
double Right(const LaserTrainer& trainer, const TeacherEntry& entry) {
  const Matrix classes = trainer.model().Classes(entry.inputs);
  int right = 0, all = 0;
  for (int token = 0; token < classes.rows; ++token) {
    if (entry.inputs.samples.ray_begin[token] == entry.inputs.samples.ray_begin[token + 1]) continue;
    int ours = 0, theirs = 0;
    for (int c = 1; c < kClasses; ++c) {
      if (classes.At(token, c) > classes.At(token, ours)) ours = c;
      if (HalfToFloat(entry.target[static_cast<size_t>(c) * classes.rows + token]) > 0.5f) theirs = c;
    }
    ++all;
    right += ours == theirs;
  }
  return static_cast<double>(right) / all;
}

TEST(LaserTrainer, LearnsClassesWithAndWithoutItsParts) {
  for (const bool with : {true, false}) {
    LaserOptions options = SmallOptions(300);
    options.adapter = options.attention = options.label_volume = options.text_augmentation = with;
    LaserTrainer trainer(options, "toy", Texts());
    Train(trainer, 300);
    EXPECT_GT(Right(trainer, Entry(0)), 0.9) << with;
  }
}

TEST(LaserTrainer, SameBitsTwiceAndWithAnyNumberOfThreads) {
  std::vector<std::vector<std::byte>> bytes;
  for (const int threads : {2, 2, 1}) {
    const ScopedThreads scoped(threads);
    LaserTrainer trainer(SmallOptions(12), "toy", Texts());
    Train(trainer, 12);
    bytes.emplace_back();
    for (const TensorView& tensor : trainer.Tensors())
      bytes.back().insert(bytes.back().end(), tensor.data.begin(), tensor.data.end());
  }
  EXPECT_EQ(bytes[0], bytes[1]) << "two runs differ";
  EXPECT_EQ(bytes[0], bytes[2]) << "1 and 2 threads differ";
}

TEST(LaserTrainer, RestoredTrainingGoesOnBitForBit) {
  LaserTrainer whole(SmallOptions(20), "toy", Texts());
  Train(whole, 20);
  TestFolder folder;
  {
    LaserTrainer trainer(SmallOptions(20), "toy", Texts());
    Train(trainer, 12);  // past the switch
    SaveCheckpoint(folder / "features", "features", trainer.Tensors(), {{"state", trainer.State().dump()}});
  }
  const Checkpoint checkpoint = LoadCheckpoint(folder / "features", "features");
  LaserTrainer trainer(SmallOptions(20), "toy", Texts());
  trainer.Restore(checkpoint.file, ParseJson(checkpoint.file.Metadata("state"), "state"));
  EXPECT_EQ(trainer.step(), 12);
  Train(trainer, 20);
  const TeacherEntry entry = Entry(0);
  EXPECT_EQ(trainer.model().Classes(entry.inputs).values, whole.model().Classes(entry.inputs).values);
}

}  // namespace
}  // namespace semfield
