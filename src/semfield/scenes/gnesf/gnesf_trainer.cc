#include "semfield/scenes/gnesf/gnesf_trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "semfield/base/any_options.h"
#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

constexpr int kWarmUp = 100;
constexpr double kLastRate = 0.03;
constexpr double kTrueWithin = 0.025;  // units around the true distance in which coarse weights are to lie
constexpr double kLeast = 1e-4;

GnesfModel NewModel(const GnesfOptions& options) {
  torch::manual_seed(static_cast<uint64_t>(options.seed));
  return GnesfModel(options.model);
}

torch::Tensor MeanWhere(const torch::Tensor& values, const torch::Tensor& mask) {
  const torch::Tensor weight = mask.to(values.dtype());
  return (values * weight).sum() / weight.sum().clamp_min(1);
}

// -log of the weight that lies near a distance, and how far the expected distance is from it.
torch::Tensor DepthLoss(const torch::Tensor& weights, const torch::Tensor& distances,
                        const torch::Tensor& truth, const torch::Tensor& known) {
  const torch::Tensor near = ((distances - truth.unsqueeze(1)).abs() < kTrueWithin).to(weights.dtype());
  const torch::Tensor mass = (weights * near).sum(1);
  const torch::Tensor some = known & (near.sum(1) > 0);
  const torch::Tensor expected = (weights * distances).sum(1) + (1 - weights.sum(1)) * distances.max();
  return MeanWhere(-(mass + kLeast).log(), some) + 10 * MeanWhere((expected - truth).abs(), known);
}

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

void Load(const SafetensorsFile& file, const std::vector<std::pair<std::string, torch::Tensor>>& tensors) {
  const torch::NoGradGuard no_gradient;
  for (const auto& [name, tensor] : tensors) {
    const std::vector<float> values = FloatsOf(file, name, tensor);
    std::copy(values.begin(), values.end(), tensor.data_ptr<float>());
  }
}

}  // namespace

GnesfLosses LossesOf(const GnesfOptions& options, const SceneBatch& batch, const RenderedRays& rendered) {
  GnesfLosses losses;
  losses.rgb = (rendered.rgb - batch.true_rgb).square().mean();
  const torch::Tensor labelled = batch.true_class >= 0;
  const torch::Tensor p = rendered.classes.gather(1, batch.true_class.clamp_min(0).unsqueeze(1)).squeeze(1);
  losses.semantic = MeanWhere(options.semantic_loss == "ce" ? -(p + kLeast).log() : 1 - p, labelled);
  losses.right =
      MeanWhere((rendered.classes.argmax(1) == batch.true_class).to(torch::kFloat), labelled).item<double>();
  // Without true depths the coarse samples follow the fine ones.
  const bool with_truth = options.depth_weight > 0;
  const torch::Tensor known =
      with_truth ? (batch.true_distance > 0) : torch::ones_like(batch.true_distance, torch::kBool);
  const torch::Tensor truth = with_truth ? batch.true_distance : rendered.depth.detach();
  losses.depth = DepthLoss(rendered.coarse_weights, rendered.coarse_distances, truth, known);
  if (with_truth) losses.depth = losses.depth + DepthLoss(rendered.weights, rendered.distances, truth, known);
  losses.total = losses.rgb + options.semantic_weight * losses.semantic +
                 (with_truth ? options.depth_weight : 0.1) * losses.depth;
  return losses;
}

GnesfLosses AddGradients(const GnesfOptions& options, const SceneBatch& batch, GnesfModel& model) {
  EncodedViews views{.cameras = batch.cameras, .rgb = batch.rgb, .classes = batch.classes};
  views.features = model->Features(batch.rgb);
  model->BuildVolume(batch.scene->sides(), &views);
  if (options.model.visibility == "depth") model->SeeDepths(&views);
  const int64_t rays = batch.true_rgb.size(0);
  const torch::Tensor units =
      (torch::arange(options.model.fine_samples, torch::kFloat).unsqueeze(0) + batch.fine_jitter) /
      static_cast<double>(options.model.fine_samples);
  const RenderedRays rendered =
      model->Render(views, {.origins = batch.rays.origins,
                            .directions = batch.rays.directions,
                            .jitter = batch.coarse_jitter.expand({rays, options.model.coarse_samples}),
                            .fine_units = units});
  GnesfLosses losses = LossesOf(options, batch, rendered);
  losses.total.backward();
  return losses;
}

GnesfTrainer::GnesfTrainer(const GnesfOptions& options, std::unique_ptr<SceneReader> reader)
    : options_(options),
      reader_(std::move(reader)),
      model_(NewModel(options)),
      adam_({{.name = "features",
              .parameters = model_->FeatureParameters(),
              .learning_rate = options.feature_learning_rate},
             {.name = "heads",
              .parameters = model_->HeadParameters(),
              .learning_rate = options.learning_rate}}) {}

void GnesfTrainer::Step(const JobControl& control) {
  control.ThrowIfStopped();
  const SceneBatch batch = reader_->Next(step_);
  adam_.ZeroGradients();
  const GnesfLosses losses = AddGradients(options_, batch, model_);
  if (with_gradients_) {
    std::vector<torch::Tensor> gradients;
    for (const nn::ParameterGroup& group : adam_.groups()) {
      for (const auto& [name, parameter] : group.parameters) {
        if (!parameter.grad().defined()) parameter.mutable_grad() = torch::zeros_like(parameter);
        gradients.push_back(parameter.grad());
      }
    }
    with_gradients_(gradients);
  }
  const double norm = adam_.ClipGradients(options_.clip);
  diverged_ = !std::isfinite(norm) || !std::isfinite(losses.total.item<double>());
  adam_.Step(step_ + 1, nn::WarmCosine(step_, options_.steps, kWarmUp, kLastRate));
  ++step_;
  ++interval_.steps;
  interval_.mse += losses.rgb.item<double>();
  interval_.semantic += losses.semantic.item<double>();
  interval_.depth += losses.depth.item<double>();
  interval_.right += losses.right;
}

void GnesfTrainer::ChangePlan(const PlanChange& change) {
  options_.steps = change.steps;
}

std::vector<TensorView> GnesfTrainer::Tensors() const {
  std::vector<TensorView> views;
  halves_.clear();
  for (const auto& [name, tensor] : adam_.Tensors(/*moments=*/!Done())) {
    const std::span<const float> values(tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel()));
    if (!Done()) {
      views.push_back(MakeTensorView<float>(name, tensor.sizes().vec(), values));
      continue;
    }
    std::vector<Half>& halves = halves_.emplace_back();
    for (const float value : values) halves.push_back(FloatToHalf(value));
    views.push_back(MakeTensorView<Half>(name, tensor.sizes().vec(), halves_.back()));
  }
  return views;
}

Json GnesfTrainer::State() const {
  return {{"step", step_},
          {"skipped", reader_->skipped()},
          {"gnesf", OptionsToJson(AnyOptions(options_.model))},
          {"classes", reader_->classes()}};
}

void GnesfTrainer::Restore(const SafetensorsFile& file) {
  step_ = CheckpointState(file).at("step").get<int>();
  Load(file, adam_.Tensors(/*moments=*/!Done()));
}

Json GnesfTrainer::Metrics(double seconds) const {
  const double n = std::max(1, interval_.steps);
  return {{"psnr", -10 * std::log10(std::max(1e-12, interval_.mse / n))},
          {"semantic_loss", interval_.semantic / n},
          {"depth_loss", interval_.depth / n},
          {"right", interval_.right / n},
          {"skipped", reader_->skipped()},
          {"steps_per_second", interval_.steps / std::max(1e-9, seconds)}};
}

std::string GnesfTrainer::Detail(double seconds) const {
  const double n = std::max(1, interval_.steps);
  return fmt::format("PSNR {:.1f} dB, right {:.1f} %", -10 * std::log10(std::max(1e-12, interval_.mse / n)),
                     100 * interval_.right / n);
}

LoadedGnesf LoadGnesf(const SafetensorsFile& file) {
  const Json state = CheckpointState(file);
  if (!state.contains("gnesf") || !state.contains("classes") || !state["classes"].is_array())
    throw InputError("{}: not the weights of a GNeSF", file.path().string());
  GnesfModelOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, state["gnesf"], file.path().string());
  LoadedGnesf loaded{.model = GnesfModel(options), .classes = {}};
  for (const Json& name : state["classes"]) {
    if (!name.is_string()) throw InputError("{}: classes: expected names", file.path().string());
    loaded.classes.push_back(name.get<std::string>());
  }
  Load(file, loaded.model->FeatureParameters());
  Load(file, loaded.model->HeadParameters());
  loaded.model->eval();
  return loaded;
}

}  // namespace semfield
