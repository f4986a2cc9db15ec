#include "semfield/scenes/gnesf/gnesf_trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "semfield/base/any_options.h"
#include "semfield/base/error.h"
#include "semfield/scenes/training/ray_losses.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

constexpr double kLeast = 1e-4;

GnesfModel NewModel(const GnesfOptions& options, int64_t classes) {
  torch::manual_seed(static_cast<uint64_t>(options.seed));
  return GnesfModel(options.model, classes);
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
  const auto of = [&](const torch::Tensor& geometry, const torch::Tensor& weights,
                      const torch::Tensor& distances) {
    return options.model.surface == "sdf"
               ? SignedDistanceLoss(geometry, distances, truth, known, options.model.margin())
               : DepthLoss(weights, distances, truth, known);
  };
  losses.depth = of(rendered.coarse_geometry, rendered.coarse_weights, rendered.coarse_distances);
  if (with_truth) losses.depth = losses.depth + of(rendered.geometry, rendered.weights, rendered.distances);
  losses.total = losses.rgb + options.semantic_weight * losses.semantic +
                 (with_truth ? options.depth_weight : 0.1) * losses.depth;
  return losses;
}

GnesfLosses AddGradients(const GnesfOptions& options, const SceneBatch& batch, GnesfModel& model) {
  EncodedViews views{.cameras = batch.cameras, .rgb = batch.rgb, .classes = batch.classes};
  views.features = model->Features(batch.rgb);
  model->BuildVolume(batch.scene->sides(), &views);
  model->SeeSurfaces(&views);
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

GnesfNetwork::GnesfNetwork(const GnesfOptions& options, int64_t classes)
    : options_(options), model_(NewModel(options, classes)) {}

std::vector<nn::ParameterGroup> GnesfNetwork::Groups() {
  return {{.name = "features",
           .parameters = model_->FeatureParameters(),
           .learning_rate = options_.feature_learning_rate},
          {.name = "heads", .parameters = model_->HeadParameters(), .learning_rate = options_.learning_rate}};
}

StepLosses GnesfNetwork::AddGradients(const SceneBatch& batch) {
  const GnesfLosses losses = semfield::AddGradients(options_, batch, model_);
  return {.finite = std::isfinite(losses.total.item<double>()),
          .numbers = {{"mse", losses.rgb.item<double>()},
                      {"semantic_loss", losses.semantic.item<double>()},
                      {"depth_loss", losses.depth.item<double>()},
                      {"right", losses.right}}};
}

Json GnesfNetwork::State() const {
  return {{"gnesf", OptionsToJson(AnyOptions(options_.model))}};
}

std::string GnesfNetwork::Phrase(const Json& metrics) const {
  return fmt::format("PSNR {:.1f} dB, right {:.1f} %", metrics.value("psnr", 0.0),
                     100 * metrics.value("right", 0.0));
}

LoadedGnesf LoadGnesf(const SafetensorsFile& file) {
  const Json state = CheckpointState(file);
  if (!state.contains("gnesf") || !state.contains("classes") || !state["classes"].is_array())
    throw InputError("{}: not the weights of a GNeSF", file.path().string());
  GnesfModelOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, state["gnesf"], file.path().string());
  LoadedGnesf loaded;
  for (const Json& name : state["classes"]) {
    if (!name.is_string()) throw InputError("{}: classes: expected names", file.path().string());
    loaded.classes.push_back(name.get<std::string>());
  }
  if (loaded.classes.empty()) throw InputError("{}: classes: there are none", file.path().string());
  loaded.model = GnesfModel(options, static_cast<int64_t>(loaded.classes.size()));
  LoadTensors(file, loaded.model->FeatureParameters());
  LoadTensors(file, loaded.model->HeadParameters());
  loaded.model->eval();
  return loaded;
}

}  // namespace semfield
