#include "semfield/scenes/feature_nerf/feature_nerf_method.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/scenes/feature_nerf/feature_nerf_objects.h"
#include "semfield/scenes/feature_nerf/feature_nerf_trainer.h"
#include "semfield/scenes/feature_nerf/teacher_maps.h"
#include "semfield/scenes/training/network_training.h"

namespace semfield {
namespace {

constexpr int kSteps = 3000;
constexpr char kWeights[] = "feature_nerf";  // in models/

FeatureNerfOptions Resolved(FeatureNerfOptions options) {
  if (options.steps == 0) options.steps = kSteps;
  return options;
}

class FeatureNerfTraining : public NetworkTraining<FeatureNerfOptions> {
 public:
  using NetworkTraining::NetworkTraining;

 protected:
  std::unique_ptr<TrainedNetwork> NewNetwork(const FeatureNerfOptions& options) const override {
    TrainingObjects all = ReadTrainingObjects(inputs().categories,
                                              {.teacher = options.teacher,
                                               .teacher_channels = options.model.teacher_channels,
                                               .teacher_views = options.teacher_views,
                                               .onnxruntime = inputs().onnxruntime,
                                               .cache = inputs().cache},
                                              {});
    auto batches = std::make_unique<ObjectBatches>(
        std::move(all.objects), ObjectBatchOptions{.objects = options.objects,
                                                   .rays = options.rays,
                                                   .seed = options.seed,
                                                   .rank = inputs().processes.rank,
                                                   .coarse_samples = options.model.coarse_samples,
                                                   .fine_samples = options.model.fine_samples,
                                                   .depth_samples = options.model.depth_samples});
    return std::make_unique<FeatureNerfNetwork>(options, std::move(all.categories), std::move(all.projection),
                                                std::move(batches));
  }
  NetworkTrainerOptions TrainerOptions(const FeatureNerfOptions& options) const override {
    return FeatureNerfTrainerOptions(options);
  }
};

}  // namespace

MethodInfo FeatureNerfMethod::info() const {
  MethodInfo info{.name = "feature_nerf",
                  .sentence =
                      "Makes of one picture of an object its colors, depth and features for any camera, "
                      "trained over many objects (FeatureNeRF).",
                  .trains_on = MethodInfo::TrainsOn::kManyObjects,
                  .presets = "feature_nerf"};
  info.renders.rgb = info.renders.depth = info.renders.features = true;
  return info;
}

AnyOptions FeatureNerfMethod::NewOptions() const {
  return AnyOptions(FeatureNerfOptions());
}

std::unique_ptr<SceneTraining> FeatureNerfMethod::PrepareMany(ManyScenesInputs inputs,
                                                              const AnyOptions& options) const {
  return std::make_unique<FeatureNerfTraining>(std::move(inputs), Resolved(options.As<FeatureNerfOptions>()));
}

std::unique_ptr<ObjectFeatures> FeatureNerfMethod::OpenObjects(const ObjectInputs& inputs) const {
  const std::string weights = inputs.weights.empty() ? kWeights : inputs.weights;
  const SafetensorsFile file = SafetensorsFile::Read(WeightsFile(weights, "feature_nerf", "OBJECTS"));
  const std::string features = inputs.features.empty() ? kFeatureNerfFeatures.front() : inputs.features;
  if (std::count(kFeatureNerfFeatures.begin(), kFeatureNerfFeatures.end(), features) == 0) {
    throw InputError("feature_nerf has the features {}, not '{}'", fmt::join(kFeatureNerfFeatures, ", "),
                     features);
  }
  return std::make_unique<FeatureNerfObjects>(
      LoadFeatureNerf(file),
      FeatureNerfObjectsOptions{.category = inputs.category,
                                .features = features,
                                .onnxruntime = inputs.onnxruntime,
                                .name = inputs.name.empty() ? "feature_nerf" : inputs.name});
}

OpenedFields FeatureNerfMethod::Open(const OpenInputs& inputs) const {
  throw InputError(
      "{}: feature_nerf shows single pictures of objects, and no capture: semfield render IMAGE "
      "--method feature_nerf --category NAME",
      inputs.where);
}

}  // namespace semfield
