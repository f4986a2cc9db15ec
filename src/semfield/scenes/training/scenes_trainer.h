#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "semfield/base/half.h"
#include "semfield/methods/scene_trainer.h"
#include "semfield/scenes/training/adam.h"
#include "semfield/scenes/training/scene_reader.h"

namespace semfield {

// What a step is measured by.
struct StepLosses {
  bool finite = true;                     // the loss is a number
  std::map<std::string, double> numbers;  // for the log; "mse" of the colors is logged as "psnr"
};

// What a method is to a training over many scenes.
class TrainedNetwork {
 public:
  virtual ~TrainedNetwork() = default;
  // Its parameters, as they step; called once.
  virtual std::vector<nn::ParameterGroup> Groups() = 0;
  // Leaves the gradient of a batch in the parameters.
  virtual StepLosses AddGradients(const SceneBatch& batch) = 0;
  // Keys of a checkpoint's state that tell what the network is.
  virtual Json State() const = 0;
  // Of a log's numbers: a phrase for the progress line.
  virtual std::string Phrase(const Json& metrics) const = 0;
};

struct ScenesTrainerOptions {
  int steps = 0;
  double clip = 1;  // norm of the gradient
};

// Training of a network over many scenes: warm-up, half a cosine, and after the last step half precision.
class ScenesTrainer : public SceneTrainer {
 public:
  ScenesTrainer(const ScenesTrainerOptions& options, std::unique_ptr<SceneReader> reader,
                std::unique_ptr<TrainedNetwork> network);

  void Step(const JobControl& control) override;
  void ChangePlan(const PlanChange& change) override { options_.steps = change.steps; }
  int step() const override { return step_; }
  int num_steps() const override { return options_.steps; }
  SceneSnapshot Snapshot() const override {
    return {.step = step_, .radiance = nullptr, .features = nullptr};
  }
  std::vector<TensorView> Tensors() const override;
  Json State() const override;
  void Restore(const SafetensorsFile& file) override;
  Json Metrics(double seconds) const override;
  std::string Detail(double seconds) const override { return network_->Phrase(Metrics(seconds)); }
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

 private:
  struct Interval {
    int steps = 0;
    std::map<std::string, double> sums;
  };
  ScenesTrainerOptions options_;
  std::unique_ptr<SceneReader> reader_;
  std::unique_ptr<TrainedNetwork> network_;
  nn::Adam adam_;
  std::function<void(std::vector<torch::Tensor>&)> with_gradients_;
  int step_ = 0;
  bool diverged_ = false;
  Interval interval_;
  mutable std::vector<std::vector<Half>> halves_;  // what Tensors() of a finished training points into
};

// What a checkpoint of a training holds: its parameters with the optimizer's moments or, once it is finished,
// the parameters alone in half precision. They point into `adam` and `halves`.
std::vector<TensorView> CheckpointTensors(const nn::Adam& adam, bool finished,
                                          std::vector<std::vector<Half>>* halves);

// Copies what a file has under their names, in half or single precision, into tensors. One that is missing or
// of another shape: Error naming file and tensor.
void LoadTensors(const SafetensorsFile& file,
                 const std::vector<std::pair<std::string, torch::Tensor>>& tensors);

}  // namespace semfield
