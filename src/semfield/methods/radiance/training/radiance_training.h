#pragma once

#include <memory>
#include <string>
#include <vector>

#include "semfield/methods/method.h"
#include "semfield/methods/radiance/training/radiance_trainer.h"

namespace semfield {

// The training of a radiance field before its first step.
class RadianceTraining : public SceneTraining {
 public:
  // Options are resolved.
  RadianceTraining(const TrainingInputs& inputs, const RadianceOptions& options)
      : inputs_(inputs), options_(options) {}

  const AnyOptions& options() const override { return options_; }
  Json PlanByMinutes(double minutes, const Stopwatch& started, const JobControl& control) override;
  std::unique_ptr<SceneTrainer> MakeTrainer() override;

 private:
  const TrainingInputs inputs_;
  AnyOptions options_;
};

// RadianceTrainer as a SceneTrainer.
class RadianceSceneTrainer : public SceneTrainer {
 public:
  RadianceSceneTrainer(const TrainingInputs& inputs, const RadianceOptions& options)
      : trainer_(inputs.capture, inputs.store, options) {}

  void Step(const JobControl& control) override;
  void ChangePlan(const PlanChange& change) override { trainer_.ChangePlan(change); }
  int step() const override { return trainer_.step(); }
  int num_steps() const override { return trainer_.model().options.steps; }
  SceneSnapshot Snapshot() const override;

  std::vector<TensorView> Tensors() const override { return trainer_.Tensors(); }
  Json State() const override { return trainer_.State(); }
  void Restore(const SafetensorsFile& file) override;

  Json Metrics(double seconds) const override;
  std::string Detail(double seconds) const override;
  void StartInterval() override;
  int metrics_interval() const override { return 50; }
  bool Diverged() const override;
  std::vector<std::string> StepSizeOptions() const override {
    return {"grid-learning-rate", "mlp-learning-rate"};
  }

 private:
  double Psnr() const;

  RadianceTrainer trainer_;
  RadianceStepStats last_;
  double mse_ = 0, rays_ = 0;  // sums over the interval
  int counted_ = 0;
};

}  // namespace semfield
