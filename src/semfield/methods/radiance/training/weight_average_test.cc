#include "semfield/methods/radiance/training/weight_average.h"

#include <gtest/gtest.h>

#include "semfield/base/test_folder.h"
#include "semfield/base/test_threads.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

// Parameters that say which step they are of.
void SetTo(Parameter& parameters, int step) {
  for (size_t k = 0; k < parameters.size(); ++k) parameters.values[k] = static_cast<float>(step) + 0.5f * k;
}

class WeightAverageTest : public testing::Test {
 protected:
  WeightAverage Average(int first, int last) { return WeightAverage({&parameters_}, first, last); }
  Parameter parameters_{"grid", {100}};
};

TEST_F(WeightAverageTest, IsTheMeanOfEverySixteenthState) {
  WeightAverage average = Average(100, 150);
  for (int step = 1; step <= 150; ++step) {
    SetTo(parameters_, step);
    EXPECT_EQ(average.AfterStep(step), step == 150);
    if (step < 150) {
      EXPECT_EQ(parameters_.values[7], step + 3.5f) << "training itself is left alone";
    }
  }
  for (size_t k = 0; k < parameters_.size(); ++k) {  // steps 116, 132, 148
    EXPECT_NEAR(parameters_.values[k], 132 + 0.5 * k, 1e-3);
  }
}

TEST_F(WeightAverageTest, TooShortAnEndChangesNothing) {
  WeightAverage average = Average(100, 110);
  for (int step = 1; step <= 110; ++step) {
    SetTo(parameters_, step);
    EXPECT_FALSE(average.AfterStep(step));
  }
  EXPECT_EQ(parameters_.values[0], 110);
}

TEST_F(WeightAverageTest, GoesOnFromItsTensors) {
  const auto run = [&](WeightAverage& average, int from, int to) {
    for (int step = from; step <= to; ++step) {
      SetTo(parameters_, step);
      average.AfterStep(step);
    }
  };
  WeightAverage whole = Average(20, 100);
  run(whole, 1, 100);
  const std::vector<float> expected(parameters_.values.data(),
                                    parameters_.values.data() + parameters_.size());
  for (const int stop : {10, 36, 70}) {
    TestFolder folder;
    WeightAverage before = Average(20, 100);
    run(before, 1, stop);
    SaveCheckpoint(folder / "a", "mean", before.Tensors(stop), {});
    WeightAverage after = Average(20, 100);
    after.Load(LoadCheckpoint(folder / "a", "mean").file, stop);
    run(after, stop + 1, 100);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), parameters_.values.data()))
        << "stopped at " << stop;
  }
  EXPECT_TRUE(whole.Tensors(100).empty());
}

}  // namespace
}  // namespace semfield
