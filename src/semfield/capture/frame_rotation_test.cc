#include "semfield/capture/frame_rotation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>

#include "semfield/base/error.h"

namespace semfield {
namespace {

// Loads frames that know their number, counting how many are alive at a time.
class Loader {
 public:
  FrameRotation::Loader Function() {
    return [this](int frame) {
      ++loads_;
      const int alive = ++alive_;
      int most = most_alive_;
      while (alive > most && !most_alive_.compare_exchange_weak(most, alive)) {
      }
      std::this_thread::sleep_for(std::chrono::microseconds(frame % 3 == 0 ? 300 : 10));
      if (frame == broken_) {
        --alive_;
        throw InputError("frame {} is broken", frame);
      }
      auto loaded = new ResidentFrame;
      loaded->frame = frame;
      return std::shared_ptr<const ResidentFrame>(loaded, [this](const ResidentFrame* f) {
        delete f;
        --alive_;
      });
    };
  }
  std::atomic<int> loads_{0}, alive_{0}, most_alive_{0};
  int broken_ = -1;
};

std::vector<int> Frames(const FrameRotation::Window& window) {
  std::vector<int> frames;
  for (const auto& frame : window) frames.push_back(frame->frame);
  return frames;
}

std::vector<int> Expected(const RotationPlan& plan, int64_t step) {
  std::vector<int> frames;
  for (int k = 0; k < plan.resident; ++k) frames.push_back(plan.Frame(plan.Start(step) + k));
  return frames;
}

TEST(RotationPlan, EveryFrameIsResidentForTheSameNumberOfSteps) {
  for (const auto& [frames, resident, steps, rate] : {std::tuple{12, 3, 480, 0.1},
                                                      {12, 5, 240, 0.0},
                                                      {7, 7, 70, 1.0},
                                                      {10, 4, 200, 0.05},
                                                      {9, 2, 36, 3.0}}) {
    const RotationPlan plan = RotationPlan::Make(3, frames, resident, steps, rate);
    std::vector<int> use(frames);
    for (int step = 0; step < steps; ++step) {
      const std::vector<int> window = Expected(plan, step);
      EXPECT_EQ(std::set<int>(window.begin(), window.end()).size(), window.size());
      for (const int frame : window) ++use[frame];
    }
    for (const int count : use) EXPECT_EQ(count, steps * resident / frames);
  }
}

TEST(RotationPlan, IsAPermutationOfTheSeedAndAsFastAsAsked) {
  const RotationPlan a = RotationPlan::Make(5, 100, 10, 10000, 0.33),
                     b = RotationPlan::Make(5, 100, 10, 10000, 0.33),
                     c = RotationPlan::Make(6, 100, 10, 10000, 0.33);
  EXPECT_EQ(a.order, b.order);
  EXPECT_NE(a.order, c.order);
  std::vector<int> sorted = a.order;
  std::sort(sorted.begin(), sorted.end());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sorted[i], i);
  EXPECT_EQ(a.cycles, 33);
  EXPECT_EQ(a.Start(0), 0);
  EXPECT_EQ(a.Start(10000), 3300);
  // Once round even when that is faster than asked: no frame may be left out.
  EXPECT_EQ(RotationPlan::Make(1, 2000, 10, 500, 0.1).cycles, 1);
  // Far beyond 32 bits.
  const RotationPlan large = RotationPlan::Make(1, 100000, 10, 1'000'000'000'000, 1);
  EXPECT_EQ(large.Start(1'000'000'000'000), 1'000'000'000'000);
}

TEST(FrameRotation, ShowsTheWindowOfTheStepAndHoldsNoMoreThanItMay) {
  for (const int workers : {1, 3}) {
    Loader loader;
    {
      FrameRotation rotation(RotationPlan::Make(1, 20, 6, 400, 0.3), 2, workers, loader.Function());
      for (int step = 0; step < 400; ++step) {
        ASSERT_EQ(Frames(rotation.At(step)), Expected(rotation.plan(), step)) << step;
        ASSERT_EQ(Frames(rotation.At(step)), Expected(rotation.plan(), step)) << step;
      }
      EXPECT_EQ(rotation.plan().cycles, 6);
      // Nothing is loaded twice on the way: the first window, what came, and what was fetched ahead.
      EXPECT_LE(loader.loads_, 6 + 6 * 20 + 2);
    }
    EXPECT_LE(loader.most_alive_, 6 + 2);
    EXPECT_EQ(loader.alive_, 0);
  }
}

TEST(FrameRotation, JumpsLoadTheWindowOfTheirStep) {
  Loader loader;
  FrameRotation rotation(RotationPlan::Make(2, 30, 5, 300, 1), 3, 2, loader.Function());
  for (const int step : {200, 201, 204, 290, 10, 11, 0, 299, 100}) {
    ASSERT_EQ(Frames(rotation.At(step)), Expected(rotation.plan(), step)) << step;
  }
  EXPECT_LE(loader.most_alive_, 5 + 3 + 2);  // what two workers had in hand at a jump comes on top
}

TEST(FrameRotation, ABrokenFrameIsAnErrorOfTheFirstStepThatNeedsIt) {
  Loader loader;
  const RotationPlan plan = RotationPlan::Make(4, 16, 4, 160, 0.1);
  loader.broken_ = plan.Frame(9);
  FrameRotation rotation(plan, 2, 2, loader.Function());
  for (int step = 0; step < 160; ++step) {
    if (plan.Start(step) + 4 <= 9) {
      EXPECT_NO_THROW(rotation.At(step)) << step;
    } else {
      EXPECT_THROW(rotation.At(step), Error) << step;
      EXPECT_THROW(rotation.At(step), Error) << step;
      break;
    }
  }
  loader.broken_ = -1;
  EXPECT_EQ(Frames(rotation.At(60)), Expected(plan, 60));
}

}  // namespace
}  // namespace semfield
