#include "semfield/scenes/training/network_trainer.h"

#include <algorithm>
#include <cmath>

#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

constexpr int kWarmUp = 100;
constexpr double kAnyNorm = 1e30;

std::vector<float> FloatsOf(const SafetensorsFile& file, const std::string& name, const torch::Tensor& like) {
  const TensorView* found = file.Find(name);
  if (found != nullptr && found->dtype == "F16") {
    const std::span<const Half> halves = file.Get<Half>(name, like.sizes().vec());
    std::vector<float> values(halves.size());
    for (size_t i = 0; i < halves.size(); ++i) values[i] = HalfToFloat(halves[i]);
    return values;
  }
  const std::span<const float> floats = file.Get<float>(name, like.sizes().vec());
  return {floats.begin(), floats.end()};
}

}  // namespace

void LoadTensors(const SafetensorsFile& file,
                 const std::vector<std::pair<std::string, torch::Tensor>>& tensors) {
  const torch::NoGradGuard no_gradient;
  for (const auto& [name, tensor] : tensors) {
    const std::vector<float> values = FloatsOf(file, name, tensor);
    std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
  }
}

NetworkTrainer::NetworkTrainer(const NetworkTrainerOptions& options, std::unique_ptr<TrainedNetwork> network)
    : options_(options), network_(std::move(network)), adam_(network_->Groups()) {}

void NetworkTrainer::Step(const JobControl& control) {
  control.ThrowIfStopped();
  adam_.ZeroGradients();
  const StepLosses losses = network_->AddGradients(step_);
  if (with_gradients_) {
    std::vector<torch::Tensor> gradients = adam_.Gradients();
    with_gradients_(gradients);
  }
  const double norm = adam_.ClipGradients(options_.clip > 0 ? options_.clip : kAnyNorm);
  diverged_ = !std::isfinite(norm) || !losses.finite;
  adam_.Step(step_ + 1,
             options_.constant ? 1 : nn::WarmCosine(step_, options_.steps, kWarmUp, options_.last_rate));
  ++step_;
  ++interval_.steps;
  for (const auto& [name, number] : losses.numbers) interval_.sums[name] += number;
}

std::vector<TensorView> NetworkTrainer::Tensors() const {
  std::vector<TensorView> views;
  halves_.clear();
  const auto add = [&](const std::string& name, const torch::Tensor& tensor, bool half) {
    const std::span<const float> values(tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel()));
    if (!half) {
      views.push_back(MakeTensorView<float>(name, tensor.sizes().vec(), values));
      return;
    }
    std::vector<Half>& halves = halves_.emplace_back();
    for (const float value : values) halves.push_back(FloatToHalf(value));
    views.push_back(MakeTensorView<Half>(name, tensor.sizes().vec(), halves));
  };
  for (const auto& [name, tensor] : adam_.Tensors(/*moments=*/!Done())) add(name, tensor, Done());
  for (const auto& [name, tensor] : network_->Constants()) add(name, tensor, false);
  return views;
}

Json NetworkTrainer::State() const {
  Json state = network_->State();
  state["step"] = step_;
  return state;
}

void NetworkTrainer::Restore(const SafetensorsFile& file) {
  step_ = CheckpointState(file).at("step").get<int>();
  LoadTensors(file, adam_.Tensors(/*moments=*/!Done()));
}

Json NetworkTrainer::Metrics(double seconds) const {
  const double n = std::max(1, interval_.steps);
  Json metrics = network_->Counts();
  for (const auto& [name, sum] : interval_.sums) {
    if (name == "mse") {
      metrics["psnr"] = -10 * std::log10(std::max(1e-12, sum / n));
    } else {
      metrics[name] = sum / n;
    }
  }
  metrics["steps_per_second"] = interval_.steps / std::max(1e-9, seconds);
  return metrics;
}

}  // namespace semfield
