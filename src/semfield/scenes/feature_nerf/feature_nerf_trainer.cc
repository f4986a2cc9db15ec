#include "semfield/scenes/feature_nerf/feature_nerf_trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "semfield/base/any_options.h"
#include "semfield/base/error.h"
#include "semfield/scenes/nn/rays.h"
#include "semfield/scenes/training/ray_losses.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

constexpr double kLastRate = 0.02;
constexpr double kOpaque = 0.98;

FeatureNerfModel NewModel(const FeatureNerfOptions& options, size_t categories) {
  torch::manual_seed(static_cast<uint64_t>(options.seed));
  return FeatureNerfModel(options.model, static_cast<int64_t>(categories));
}

torch::Tensor MeanSquareWhere(const torch::Tensor& a, const torch::Tensor& b, const torch::Tensor& mask) {
  return MeanWhere((a - b).square().mean(1), mask);
}

// Places of the samples in the object's own frame.
torch::Tensor TruePlaces(const ObjectBatch& batch, const torch::Tensor& places) {
  const int64_t pictures = batch.object_from_picture.size(0);
  return torch::bmm(places.reshape({pictures, -1, 3}), batch.object_from_picture.transpose(1, 2))
      .reshape(places.sizes());
}

}  // namespace

torch::Tensor CoordinateLoss(const std::string& kind, const torch::Tensor& weights,
                             const torch::Tensor& coordinates, const torch::Tensor& truth) {
  if (kind == "averaged") return (coordinates - truth).mean(1).square().sum(1).mean();
  const torch::Tensor squares = (coordinates - truth).square().sum(2);
  if (kind == "each") return squares.mean();
  return (weights.detach() * squares).sum(1).mean();
}

FeatureNerfLosses LossesOf(const FeatureNerfOptions& options, const ObjectBatch& batch,
                           const SeenRays& seen) {
  FeatureNerfLosses losses;
  losses.rgb = (seen.rgb - batch.true_rgb).square().mean();
  if (seen.coarse_rgb.defined()) losses.rgb = losses.rgb + (seen.coarse_rgb - batch.true_rgb).square().mean();
  losses.teacher = losses.coordinate = losses.alpha = losses.depth = torch::zeros({});
  if (seen.teacher.defined() && options.teacher_weight > 0) {
    losses.teacher = MeanSquareWhere(seen.teacher, batch.true_teacher, batch.has_teacher);
    if (seen.coarse_teacher.defined()) {
      losses.teacher =
          losses.teacher + MeanSquareWhere(seen.coarse_teacher, batch.true_teacher, batch.has_teacher);
    }
  }
  const torch::Tensor truth = TruePlaces(batch, seen.places);
  if (options.coordinate_weight > 0)
    losses.coordinate = CoordinateLoss(options.coordinate_loss, seen.weights, seen.coordinates, truth);
  if (options.alpha_weight > 0) losses.alpha = (seen.opacity - batch.true_alpha).square().mean();
  if (options.depth_weight > 0) {
    losses.depth = DepthLoss(seen.weights, seen.distances, batch.true_distance, batch.true_distance > 0);
  }
  losses.total = losses.rgb + options.teacher_weight * losses.teacher +
                 options.coordinate_weight * losses.coordinate + options.alpha_weight * losses.alpha +
                 options.depth_weight * losses.depth;
  const torch::NoGradGuard no_gradient;
  const torch::Tensor place = (seen.weights.unsqueeze(2) * truth).sum(1);
  losses.coordinate_error =
      MeanWhere((seen.coordinate - place).norm(2, 1), batch.true_alpha > kOpaque).item<double>();
  return losses;
}

FeatureNerfNetwork::FeatureNerfNetwork(const FeatureNerfOptions& options, std::vector<std::string> categories,
                                       TeacherProjection projection, std::unique_ptr<ObjectBatches> batches)
    : options_(options),
      categories_(std::move(categories)),
      projection_(std::move(projection)),
      batches_(std::move(batches)),
      model_(NewModel(options, categories_.size())) {}

std::vector<nn::ParameterGroup> FeatureNerfNetwork::Groups() {
  return {{.name = "all", .parameters = model_->NamedParameters(), .learning_rate = options_.learning_rate}};
}

StepLosses FeatureNerfNetwork::AddGradients(int step) {
  const ObjectBatch batch = batches_->Next(step);
  const SeenRays seen = model_->Render(model_->Encode(batch.pictures), batch.rays, /*with_coarse=*/true);
  const FeatureNerfLosses losses = LossesOf(options_, batch, seen);
  losses.total.backward();
  return {.finite = std::isfinite(losses.total.item<double>()),
          .numbers = {{"mse", (seen.rgb.detach() - batch.true_rgb).square().mean().item<double>()},
                      {"teacher_loss", losses.teacher.item<double>()},
                      {"coordinate_error", losses.coordinate_error},
                      {"depth_loss", losses.depth.item<double>()}}};
}

std::vector<std::pair<std::string, torch::Tensor>> FeatureNerfNetwork::Constants() const {
  if (!projection_.basis.defined()) return {};
  return projection_.Tensors();
}

Json FeatureNerfNetwork::State() const {
  Json state = {{"feature_nerf", OptionsToJson(AnyOptions(options_.model))}, {"categories", categories_}};
  if (projection_.basis.defined())
    state["teacher"] = {{"name", projection_.teacher}, {"channels", projection_.mean.size(0)}};
  return state;
}

std::string FeatureNerfNetwork::Phrase(const Json& metrics) const {
  return fmt::format("PSNR {:.1f} dB, coordinates {:.3f} off", metrics.value("psnr", 0.0),
                     metrics.value("coordinate_error", 0.0));
}

NetworkTrainerOptions FeatureNerfTrainerOptions(const FeatureNerfOptions& options) {
  return {.steps = options.steps,
          .clip = options.clip,
          .constant = options.schedule == "constant",
          .last_rate = kLastRate};
}

LoadedFeatureNerf LoadFeatureNerf(const SafetensorsFile& file) {
  const std::string where = file.path().string();
  const Json state = CheckpointState(file);
  if (!state.contains("feature_nerf") || !state.contains("categories") || !state["categories"].is_array())
    throw InputError("{}: not the weights of a FeatureNeRF", where);
  FeatureNerfModelOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, state["feature_nerf"], where);
  LoadedFeatureNerf loaded;
  for (const Json& name : state["categories"]) {
    if (!name.is_string()) throw InputError("{}: categories: expected names", where);
    loaded.categories.push_back(name.get<std::string>());
  }
  loaded.model = FeatureNerfModel(options, static_cast<int64_t>(loaded.categories.size()));
  LoadTensors(file, loaded.model->NamedParameters());
  loaded.model->eval();
  if (!state.contains("teacher")) return loaded;
  const Json& teacher = state["teacher"];
  if (!teacher.is_object() || !teacher.contains("name") || !teacher["name"].is_string() ||
      !teacher.contains("channels") || !teacher["channels"].is_number_unsigned())
    throw InputError("{}: teacher: expected its name and channels", where);
  constexpr int64_t kMostChannels = 1 << 16;
  const int64_t channels = teacher["channels"].get<int64_t>();
  if (channels < 1 || channels > kMostChannels)
    throw InputError("{}: teacher.channels: {}, expected 1 to {}", where, channels, kMostChannels);
  loaded.projection = {.teacher = teacher["name"].get<std::string>(),
                       .mean = torch::zeros({channels}),
                       .basis = torch::zeros({channels, options.teacher_channels}),
                       .scale = torch::zeros({1})};
  LoadTensors(file, loaded.projection.Tensors());
  return loaded;
}

}  // namespace semfield
