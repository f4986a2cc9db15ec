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

namespace semfield {

// What a step is measured by.
struct StepLosses {
  bool finite = true;                     // the loss is a number
  std::map<std::string, double> numbers;  // for the log; "mse" of the colors is logged as "psnr"
};

// What a method is to a training over many scenes or objects.
class TrainedNetwork {
 public:
  virtual ~TrainedNetwork() = default;
  // Its parameters, as they step; called once.
  virtual std::vector<nn::ParameterGroup> Groups() = 0;
  // Leaves the gradient of the batch of a step, which seed and step alone decide, in the parameters.
  virtual StepLosses AddGradients(int step) = 0;
  // Tensors of a checkpoint that do not step, kept in single precision.
  virtual std::vector<std::pair<std::string, torch::Tensor>> Constants() const { return {}; }
  // Keys of a checkpoint's state that tell what the network is.
  virtual Json State() const = 0;
  // What is counted from the beginning, for the log.
  virtual Json Counts() const { return Json::object(); }
  // Of a log's numbers: a phrase for the progress line.
  virtual std::string Phrase(const Json& metrics) const = 0;
  // Options that make its steps shorter.
  virtual std::vector<std::string> StepSizeOptions() const = 0;
};

struct NetworkTrainerOptions {
  int steps = 0;
  double clip = 1;          // norm of the gradient; 0: any
  bool constant = false;    // the step size stays
  double last_rate = 0.03;  // else of the step size, what is left at the end of half a cosine
};

// Training of a network: warm-up, half a cosine, and after the last step half precision.
class NetworkTrainer : public SceneTrainer {
 public:
  NetworkTrainer(const NetworkTrainerOptions& options, std::unique_ptr<TrainedNetwork> network);

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
  std::vector<std::string> StepSizeOptions() const override { return network_->StepSizeOptions(); }

  // Called with all gradients between backward and the step of the optimizer.
  void OnGradients(std::function<void(std::vector<torch::Tensor>&)> with) {
    with_gradients_ = std::move(with);
  }

 private:
  struct Interval {
    int steps = 0;
    std::map<std::string, double> sums;
  };
  NetworkTrainerOptions options_;
  std::unique_ptr<TrainedNetwork> network_;
  nn::Adam adam_;
  std::function<void(std::vector<torch::Tensor>&)> with_gradients_;
  int step_ = 0;
  bool diverged_ = false;
  Interval interval_;
  mutable std::vector<std::vector<Half>> halves_;  // what Tensors() of a finished training points into
};

// Copies what a file has under their names, in half or single precision, into tensors. One that is missing or
// of another shape: Error naming file and tensor.
void LoadTensors(const SafetensorsFile& file,
                 const std::vector<std::pair<std::string, torch::Tensor>>& tensors);

}  // namespace semfield
