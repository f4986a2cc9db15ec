#include "semfield/scenes/gp_nerf/gp_nerf_trainer.h"

#include <fmt/format.h>

#include <cmath>

#include "semfield/base/any_options.h"
#include "semfield/base/error.h"
#include "semfield/scenes/training/network_training.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

GpNerfModel NewModel(const GpNerfOptions& options, const std::vector<std::string>& classes) {
  if (options.init.empty()) {
    torch::manual_seed(static_cast<uint64_t>(options.seed));
    return GpNerfModel(options.model, static_cast<int64_t>(classes.size()));
  }
  LoadedGpNerf loaded = LoadGpNerf(SafetensorsFile::Read(WeightsFile(options.init, "gp_nerf")));
  if (options.instances == 0) {
    if (loaded.classes != classes)
      throw InputError("--init {}: knows other classes than the training", options.init);
    return loaded.model;
  }
  // All but what names the answers.
  torch::manual_seed(static_cast<uint64_t>(options.seed));
  GpNerfModel model(loaded.model->options(), static_cast<int64_t>(classes.size()));
  const torch::NoGradGuard no_gradient;
  for (auto& item : model->named_parameters()) {
    if (item.key().rfind("head.last.", 0) != 0)
      item.value().copy_(loaded.model->named_parameters()[item.key()]);
  }
  return model;
}

}  // namespace

GpNerfNetwork::GpNerfNetwork(const GpNerfOptions& options, const std::vector<std::string>& classes)
    : options_(options), model_(NewModel(options, classes)) {
  model_->train();
}

std::vector<nn::ParameterGroup> GpNerfNetwork::Groups() {
  return {{.name = "features",
           .parameters = model_->FeatureParameters(),
           .learning_rate = options_.feature_learning_rate},
          {.name = "transformers",
           .parameters = model_->TransformerParameters(),
           .learning_rate = options_.learning_rate}};
}

StepLosses GpNerfNetwork::AddGradients(const SceneBatch& batch) {
  const GpLosses losses = semfield::AddGradients(options_, batch, model_);
  return {.finite = std::isfinite(losses.total.item<double>()),
          .numbers = {{"mse", losses.mse},
                      {"semantic_loss", losses.semantic.item<double>()},
                      {"distill_loss", losses.distill.item<double>()},
                      {"guide_loss", losses.guide.item<double>()},
                      {"ray_depth_loss", losses.ray_depth.item<double>()},
                      {"right", losses.right},
                      {"right_rendered", losses.right_rendered},
                      {"right_source", losses.right_source}}};
}

Json GpNerfNetwork::State() const {
  return {{"gp_nerf", OptionsToJson(AnyOptions(model_->options()))}};
}

std::string GpNerfNetwork::Phrase(const Json& metrics) const {
  return fmt::format("PSNR {:.1f} dB, right {:.1f} %", metrics.value("psnr", 0.0),
                     100 * metrics.value("right_rendered", 0.0));
}

LoadedGpNerf LoadGpNerf(const SafetensorsFile& file) {
  const Json state = CheckpointState(file);
  if (!state.contains("gp_nerf") || !state.contains("classes") || !state["classes"].is_array())
    throw InputError("{}: not the weights of a GP-NeRF", file.path().string());
  GpNerfModelOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, state["gp_nerf"], file.path().string());
  LoadedGpNerf loaded;
  for (const Json& name : state["classes"]) {
    if (!name.is_string()) throw InputError("{}: classes: expected names", file.path().string());
    loaded.classes.push_back(name.get<std::string>());
  }
  if (loaded.classes.empty()) throw InputError("{}: classes: none", file.path().string());
  loaded.model = GpNerfModel(options, static_cast<int64_t>(loaded.classes.size()));
  LoadTensors(file, loaded.model->FeatureParameters());
  LoadTensors(file, loaded.model->TransformerParameters());
  loaded.model->eval();
  return loaded;
}

}  // namespace semfield
