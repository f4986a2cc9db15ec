#include "semfield/methods/radiance/training/radiance_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/log.h"
#include "semfield/base/stopwatch.h"
#include "semfield/methods/radiance/model/hash_radiance_field.h"
#include "semfield/training/checkpoint.h"
#include "semfield/training/plan.h"

namespace semfield {
namespace {

// Throw-away steps go through the coarse phases at the run's own pace where time allows: hurried, they would
// end in fog, where a step may cost twice what later ones do. A run of a minute has to hurry.
constexpr double kThrowAwayShare = 0.08;  // of the time asked for
constexpr double kFewestThrowAwaySeconds = 1.5, kMostThrowAwaySeconds = 16;
constexpr double kPhaseStepsPerMinute = 75;
constexpr int kFewestPhaseSteps = 40;
constexpr double kSecondsToSave = 2;  // the last checkpoint

struct StepTime {
  double first = 0;  // seconds of the first step, which loads photos if not all stay in memory
  double step = 0;   // seconds of a step later on
};

// From throw-away steps of a trainer that is then forgotten.
StepTime MeasureStep(const TrainingInputs& inputs, RadianceOptions options, double minutes,
                     const JobControl& control) {
  options.steps = 100000;
  const int hurried =
      std::max(kFewestPhaseSteps, static_cast<int>(std::min(kPhaseStepsPerMinute * minutes, 1e6)));
  options.phase_steps = std::min(options.phase_steps, hurried);
  RadianceTrainer trainer(inputs.capture, inputs.store, options);
  const double budget =
      std::clamp(minutes * 60 * kThrowAwayShare, kFewestThrowAwaySeconds, kMostThrowAwaySeconds);
  const Stopwatch stopwatch;
  std::vector<double> ends;
  while (ends.size() < 4 || stopwatch.Seconds() < budget) {
    control.ThrowIfStopped();
    trainer.Step();
    ends.push_back(stopwatch.Seconds());
  }
  const size_t from = ends.size() * 3 / 4 - 1;
  return {.first = ends[0], .step = (ends.back() - ends[from]) / static_cast<double>(ends.size() - 1 - from)};
}

// Coarse phases are for the first half of a training. One that is too short for them at their own pace
// hurries through them, and its owner is told: it would end in steps that are too long to see anything with.
void FitPhases(double minutes, const StepPlan& plan, RadianceOptions* options) {
  const int phases = std::max(1, options->coarse_phases.value());
  const int wanted = 2 * phases * options->phase_steps;
  if (plan.steps >= wanted) return;
  options->phase_steps = std::max(1, plan.steps / (2 * phases));
  if (plan.steps >= wanted / 2) return;
  LogWarning(
      "--minutes {:g} is {} steps of {:.2f} s here, after {:.0f} s to load and to time them; the field will "
      "be "
      "rough. {} steps would take {:.1f} minutes; a larger --downscale or fewer --samples-per-step make "
      "steps "
      "shorter",
      minutes, plan.steps, plan.seconds_per_step, plan.overhead_seconds, wanted,
      (wanted * plan.seconds_per_step + plan.overhead_seconds) / 60);
}

}  // namespace

Json RadianceTraining::PlanByMinutes(double minutes, const Stopwatch& started, const JobControl& control) {
  control.Report({.stage = "train", .detail = "timing a few throw-away steps for the plan"});
  RadianceOptions& options = options_.As<RadianceOptions>();
  const StepTime time = MeasureStep(inputs_, options, minutes, control);
  const StepPlan plan = semfield::PlanByMinutes(
      minutes, time.step, started.Seconds() + time.first + kSecondsToSave, /*min_steps=*/100, 10000000);
  options.steps = plan.steps;
  FitPhases(minutes, plan, &options);
  return {{"minutes", minutes},
          {"seconds", std::max(0.0, 60 * minutes - started.Seconds() - kSecondsToSave)},
          {"seconds_per_step", time.step},
          {"steps", plan.steps}};
}

std::unique_ptr<SceneTrainer> RadianceTraining::MakeTrainer() {
  return std::make_unique<RadianceSceneTrainer>(inputs_, options_.As<RadianceOptions>());
}

void RadianceSceneTrainer::Step(const JobControl&) {
  last_ = trainer_.Step();
  mse_ += last_.mse;
  rays_ += static_cast<double>(last_.rays);
  ++counted_;
}

SceneSnapshot RadianceSceneTrainer::Snapshot() const {
  auto model = trainer_.model().Copy();
  OccupancyUpdate(*model, OccupancyUpdate::kMinOpacityToView).Restore(step(), *model);
  return {.step = step(),
          .radiance = std::make_shared<const HashRadianceField>(std::move(model)),
          .features = nullptr};
}

void RadianceSceneTrainer::Restore(const SafetensorsFile& file) {
  trainer_.Restore(file, CheckpointState(file, {"samples_per_ray"}));
}

double RadianceSceneTrainer::Psnr() const {
  return -10 * std::log10(std::max(mse_ / std::max(1, counted_), 1e-12));
}

Json RadianceSceneTrainer::Metrics(double seconds) const {
  return {{"psnr", Psnr()},
          {"distortion", last_.distortion},
          {"depth", last_.depth},
          {"rays_per_second", rays_ / std::max(1e-9, seconds)},
          {"rays", last_.rays},
          {"marched_samples", last_.marched_samples},
          {"kept_samples", last_.kept_samples},
          {"cut_rays", last_.cut_rays},
          {"occupied", trainer_.model().occupancy.OccupiedFraction()}};
}

std::string RadianceSceneTrainer::Detail(double seconds) const {
  return fmt::format("step {} of {}, PSNR {:.2f} dB, {:.0f} k rays/s", step(), num_steps(), Psnr(),
                     rays_ / std::max(1e-9, seconds) / 1e3);
}

void RadianceSceneTrainer::StartInterval() {
  mse_ = rays_ = 0;
  counted_ = 0;
}

bool RadianceSceneTrainer::Diverged() const {
  return !std::isfinite(mse_);
}

}  // namespace semfield
