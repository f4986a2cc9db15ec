#include "semfield/training/parameter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "semfield/base/error.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

Parameter Ramp(const std::string& name, std::vector<int64_t> shape, Parameter::HalfCopy half) {
  Parameter block(name, std::move(shape), half);
  for (size_t i = 0; i < block.size(); ++i) block.values[i] = 0.25f * static_cast<float>(i) - 1;
  block.UpdateHalf();
  return block;
}

// Adam's first step is the learning rate against the gradient's sign, whatever its size (Kingma & Ba 2015,
// Algorithm 1 with both moments corrected).
TEST(Parameter, TheFirstStepIsTheLearningRateInEveryNumberOfItsPart) {
  Parameter block = Ramp("block", {3, 16}, Parameter::HalfCopy::kYes);
  block.PrepareTraining();
  for (size_t i = 0; i < block.size(); ++i) block.gradient[i] = i % 2 == 0 ? 3.0f : -0.01f;
  block.Step({.learning_rate = 0.5f}, 16, 16);
  for (size_t i = 0; i < block.size(); ++i) {
    const float before = 0.25f * static_cast<float>(i) - 1;
    const bool within = i >= 16 && i < 32;
    EXPECT_NEAR(block.values[i], within ? before - (i % 2 == 0 ? 0.5f : -0.5f) : before, 1e-5) << i;
    EXPECT_EQ(block.half[i], FloatToHalf(block.values[i])) << i;
    EXPECT_EQ(block.gradient[i] == 0, within) << i;
  }
}

TEST(Parameter, GoesOnFromACheckpointAsIfItHadNotStopped) {
  const fs::path path = fs::path(testing::TempDir()) / "parameter_test.safetensors";
  Parameter straight = Ramp("block", {2, 16}, Parameter::HalfCopy::kYes);
  straight.PrepareTraining();
  const auto step = [](Parameter* block, int number) {
    for (size_t i = 0; i < block->size(); ++i) block->gradient[i] = std::sin(static_cast<float>(i * number));
    block->Step({.learning_rate = 0.1f, .step = number});
  };
  step(&straight, 1);
  std::vector<TensorView> tensors = {straight.ValueTensor()};
  straight.AppendMomentTensors(&tensors);
  WriteSafetensors(path, tensors, {});
  step(&straight, 2);

  const SafetensorsFile file = SafetensorsFile::Read(path);
  Parameter resumed("block", {2, 16}, Parameter::HalfCopy::kYes);
  resumed.PrepareTraining();
  resumed.LoadValues(file);
  resumed.LoadMoments(file);
  step(&resumed, 2);
  EXPECT_TRUE(std::equal(straight.values.begin(), straight.values.end(), resumed.values.begin()));
  EXPECT_TRUE(std::equal(straight.half.begin(), straight.half.end(), resumed.half.begin()));

  EXPECT_THROW(Parameter("block", {32}).LoadValues(file), Error);
  EXPECT_THROW(Parameter("another", {2, 16}).LoadValues(file), Error);
  fs::remove(path);
}

TEST(Parameter, CopiesValuesAndTellsItsBytes) {
  const Parameter from = Ramp("from", {40}, Parameter::HalfCopy::kNo);
  Parameter to("to", {40}, Parameter::HalfCopy::kYes);
  to.CopyValues(from);
  EXPECT_EQ(to.values[39], from.values[39]);
  EXPECT_EQ(to.half[39], FloatToHalf(from.values[39]));
  to.PrepareTraining();
  const size_t held = sizeof(float) * (to.values.size() + to.gradient.size() + to.first_moment.size() +
                                       to.second_moment.size()) +
                      sizeof(Half) * to.half.size();
  EXPECT_EQ(Parameter::TrainingBytes(40, Parameter::HalfCopy::kYes), held);
  std::vector<TensorView> tensors = {to.ValueTensor()};
  to.AppendMomentTensors(&tensors);
  size_t stored = 0;
  for (const TensorView& tensor : tensors) stored += tensor.data.size();
  EXPECT_EQ(Parameter::CheckpointBytes(40), stored);
}

}  // namespace
}  // namespace semfield
