#include "semfield/methods/feature_field/imitation.h"

#include <fmt/format.h>

#include <algorithm>

#include "semfield/base/hash.h"
#include "semfield/base/log.h"
#include "semfield/base/memory.h"
#include "semfield/base/version.h"
#include "semfield/methods/feature_field/imitation_trainer.h"
#include "semfield/training/plan.h"

namespace semfield {
namespace {

// With a plan by minutes: steps for each view the teacher sees. Distinct views are what quality hangs on.
constexpr int kStepsPerView = 14;
constexpr int kPlannedPrefill = 8;
constexpr int kFewViews = 24;
constexpr int kTimedViews = 3;         // for the plan, of each worker, after its first
constexpr double kTimingShare = 0.15;  // of the time asked for, at most
constexpr double kFewestTimingSeconds = 8;
constexpr double kSecondsToClose = 1.5;  // last checkpoint, folder of the cache

}  // namespace

std::vector<Pose> TeacherPoses(const Capture& capture, const FeatureOptions& options, int steps) {
  const PoseSampler sampler(capture, options);
  int64_t views = 0;
  for (int step = 0; step < steps; ++step) views += ViewSchedule::WantsFresh(options, step, views);
  std::vector<Pose> poses;
  for (int64_t view = 0; view < views; ++view) poses.push_back(sampler.Sample(view).second);
  return poses;
}

// Where the teacher's answers lie: the name holds everything they depend on, so that an imitation with
// another head or schedule finds them again and one on another field does not.
std::filesystem::path Imitation::CacheFolder() const {
  if (inputs_.cache.empty()) return {};
  std::string key = inputs_.radiance->checksum + inputs_.teacher + maker_.eye().Fingerprint();
  key += inputs_.capture.hash + ";" + Version() + ";";
  for (const float channel : inputs_.radiance->background) key += fmt::format("{};", channel);
  const Json all = OptionsToJson(options_);
  for (const char* name :
       {"pairs", "neighbours", "augment", "field-of-view-jitter", "teacher-resolution", "seed"}) {
    key += all.at(name).dump() + ";";
  }
  return inputs_.cache / fmt::format("{}-{:016x}", inputs_.teacher, FastHash(key));
}

// Seconds that one fresh view and the steps that go with it take together, each making the other slower. The
// views made here are kept: they are the first that the imitation itself will ask for.
// Timing ends after `budget` seconds, with what was seen until then: views of a field that is still fog may
// take minutes each.
double Imitation::TimeRound(TeacherCache& cache, double budget, const JobControl& control) const {
  const int workers = maker_.num_workers();
  const auto produce = [&](int64_t index, int worker, const StopToken* stop) {
    std::shared_ptr<const TeacherEntry> entry =
        maker_.Make(index, worker, nullptr, stop);  // never from the folder: it is timed
    cache.Store(*entry);
    return entry;
  };
  // The first view of every worker is slower: pages and plans are made.
  const Stopwatch all;
  TeacherStream stream(produce, 0, (1 + kTimedViews) * workers, workers, 2 * workers);
  int first = 0;
  for (; first < workers && (first == 0 || all.Seconds() < budget); ++first)
    cache.Add(stream.Take(control.stop));
  const std::unique_ptr<Student> student = MakeStudent();
  const double of_views = all.Seconds() / first;
  student->Step(cache[0]);
  const double of_steps = kStepsPerView * (all.Seconds() - of_views * first);
  const Stopwatch stopwatch;
  int timed = 0;
  for (; timed < kTimedViews * workers && all.Seconds() < budget; ++timed) {
    for (int step = 0; step < kStepsPerView; ++step) {
      control.ThrowIfStopped();
      student->Step(cache[cache.size() - 1]);
    }
    cache.Add(stream.Take(control.stop));
  }
  return timed > 0 ? stopwatch.Seconds() / timed : of_views + of_steps;
}

// Makes a planned cache no larger than memory, by what the views made so far take.
void Imitation::FitCache(const TeacherCache& made, int num_views) {
  ImitationMemory memory = EstimateMemory();
  double bytes = 0;
  for (size_t i = 0; i < made.size(); ++i) bytes += static_cast<double>(made[i].bytes());
  memory.view = std::max(memory.view, bytes / static_cast<double>(made.size()));
  const int largest = LargestCache(memory, static_cast<double>(AvailableMemory().bytes));
  FeatureOptions& options = values();
  if (largest < 1 || options.cache_size <= largest) return;
  options.cache_size = largest;
  if (num_views > largest)
    LogWarning("memory holds the newest {} of {} views of the teacher; earlier ones are forgotten", largest,
               num_views);
}

// Fixes steps and the share of fresh views so that making the views takes all the time the steps leave.
Json Imitation::PlanByMinutes(double minutes, const Stopwatch& started, const JobControl& control) {
  control.Report({.stage = "imitate", .detail = "timing a few views and steps for the plan"});
  TeacherCache cache((1 + kTimedViews) * maker_.num_workers(), CacheFolder(), /*keep_all=*/true);
  const double budget = std::max(kFewestTimingSeconds, kTimingShare * 60 * minutes);
  const double round = TimeRound(cache, budget, control);
  // What is made already need not be made again, but for its steps.
  const double credit = 0.9 * round * static_cast<double>(cache.size());
  const double spent = started.Seconds() + kSecondsToClose - credit;
  const StepPlan rounds = semfield::PlanByMinutes(minutes, round, std::max(0.0, spent), 4, 1000000);
  FeatureOptions& options = values();
  options.steps = rounds.steps * kStepsPerView;
  options.prefill = std::min(kPlannedPrefill, rounds.steps);
  options.fresh_probability = 1.0 / kStepsPerView;
  options.cache_size =
      std::clamp(rounds.steps + rounds.steps / 4, options.cache_size, FeatureOptions::kMaxCacheSize);
  FitCache(cache, rounds.steps);
  if (rounds.steps < kFewViews) {
    LogWarning(
        "--minutes {:g} is {} views of the teacher here, of {:.1f} s each with their steps; masks will be "
        "rough. {} views would take {:.1f} minutes",
        minutes, rounds.steps, round, kFewViews, (kFewViews * round + std::max(0.0, spent)) / 60);
  }
  return {{"minutes", minutes},
          {"seconds", std::max(0.0, 60 * minutes - started.Seconds() - kSecondsToClose)},
          {"seconds_per_view_and_its_steps", round},
          {"views", rounds.steps},
          {"steps", options.steps}};
}

MemoryNeed Imitation::Memory() const {
  const ImitationMemory memory = EstimateMemory();
  const int64_t views = std::min<int64_t>(values().cache_size, FreshViewsOf(values()));
  return {.parts = {{fmt::format("{} views of the teacher", views), static_cast<double>(views) * memory.view},
                    {"encoders and student", memory.rest}}};
}

std::optional<FittingOption> Imitation::OptionThatFits(double bytes) const {
  const int largest = LargestCache(EstimateMemory(), bytes);
  if (largest < 1) return std::nullopt;
  return FittingOption{"cache-size", std::to_string(largest)};
}

std::unique_ptr<SceneTrainer> Imitation::MakeTrainer() {
  return std::make_unique<ImitationTrainer>(maker_, values(), MakeStudent(), CacheFolder(),
                                            inputs_.keep_cache);
}

}  // namespace semfield
