#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "semfield/base/half.h"
#include "semfield/methods/scene_trainer.h"
#include "semfield/scenes/gnesf/gnesf_model.h"
#include "semfield/scenes/training/adam.h"
#include "semfield/scenes/training/scene_reader.h"

namespace semfield {

// What a step is measured by, each a tensor of one number.
struct GnesfLosses {
  torch::Tensor rgb, semantic, depth, total;
  double right = 0;  // share of the labelled rays whose likeliest class is right
};
GnesfLosses LossesOf(const GnesfOptions& options, const SceneBatch& batch, const RenderedRays& rendered);

// The gradient of a batch is left in the model's parameters.
GnesfLosses AddGradients(const GnesfOptions& options, const SceneBatch& batch, GnesfModel& model);

// Training of GNeSF over many scenes.
class GnesfTrainer : public SceneTrainer {
 public:
  GnesfTrainer(const GnesfOptions& options, std::unique_ptr<SceneReader> reader);

  void Step(const JobControl& control) override;
  void ChangePlan(const PlanChange& change) override;
  int step() const override { return step_; }
  int num_steps() const override { return options_.steps; }
  SceneSnapshot Snapshot() const override {
    return {.step = step_, .radiance = nullptr, .features = nullptr};
  }
  std::vector<TensorView> Tensors() const override;
  Json State() const override;
  void Restore(const SafetensorsFile& file) override;
  Json Metrics(double seconds) const override;
  std::string Detail(double seconds) const override;
  void StartInterval() override { interval_ = {}; }
  int metrics_interval() const override { return 20; }
  bool Diverged() const override { return diverged_; }
  std::vector<std::string> StepSizeOptions() const override {
    return {"learning-rate", "feature-learning-rate"};
  }

  // Called with all gradients between backward and the step of the optimizer.
  void OnGradients(std::function<void(std::vector<torch::Tensor>&)> with) {
    with_gradients_ = std::move(with);
  }
  GnesfModel& model() { return model_; }

 private:
  struct Interval {
    int steps = 0;
    double mse = 0, semantic = 0, depth = 0, right = 0;
  };
  GnesfOptions options_;
  std::unique_ptr<SceneReader> reader_;
  GnesfModel model_;
  nn::Adam adam_;
  std::function<void(std::vector<torch::Tensor>&)> with_gradients_;
  int step_ = 0;
  bool diverged_ = false;
  Interval interval_;
  mutable std::vector<std::vector<Half>> halves_;  // what Tensors() of a finished training points into
};

// A model with the weights of a checkpoint, in half or single precision. Not of a GNeSF, or what does not
// fit: Error naming the file.
struct LoadedGnesf {
  GnesfModel model{nullptr};
  std::vector<std::string> classes;
};
LoadedGnesf LoadGnesf(const SafetensorsFile& file);

}  // namespace semfield
