#include "semfield/scenes/feature_nerf/feature_nerf_method.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/scenes/feature_nerf/feature_nerf_objects.h"
#include "semfield/scenes/feature_nerf/feature_nerf_trainer.h"
#include "semfield/scenes/feature_nerf/teacher_maps.h"
#include "semfield/scenes/training/process_group.h"
#include "semfield/scenes/training/scenes_training.h"

namespace semfield {
namespace {

constexpr int kSteps = 3000;
constexpr char kWeights[] = "feature_nerf";  // in models/

FeatureNerfOptions Resolved(FeatureNerfOptions options) {
  if (options.steps == 0) options.steps = kSteps;
  return options;
}

class FeatureNerfTraining : public SceneTraining {
 public:
  FeatureNerfTraining(ManyScenesInputs inputs, const FeatureNerfOptions& options)
      : inputs_(std::move(inputs)), given_(Resolved(options)), options_(AnyOptions(given_)) {}

  const AnyOptions& options() const override { return options_; }

  Json PlanByMinutes(double minutes, const Stopwatch& started, const JobControl& control) override {
    const Json plan = PlanSteps(*MakeTrainer(), minutes, started, control, &given_.steps);
    options_ = AnyOptions(given_);
    return plan;
  }

  std::unique_ptr<SceneTrainer> MakeTrainer() override {
    TrainingObjects all = ReadTrainingObjects(inputs_.categories,
                                              {.teacher = given_.teacher,
                                               .teacher_channels = given_.model.teacher_channels,
                                               .teacher_views = given_.teacher_views,
                                               .onnxruntime = inputs_.onnxruntime,
                                               .cache = inputs_.cache},
                                              {});
    auto batches = std::make_unique<ObjectBatches>(
        std::move(all.objects), ObjectBatchOptions{.objects = given_.objects,
                                                   .rays = given_.rays,
                                                   .seed = given_.seed,
                                                   .rank = inputs_.processes.rank,
                                                   .coarse_samples = given_.model.coarse_samples,
                                                   .fine_samples = given_.model.fine_samples,
                                                   .depth_samples = given_.model.depth_samples});
    auto trainer = std::make_unique<FeatureNerfTrainer>(given_, std::move(all.categories),
                                                        std::move(all.projection), std::move(batches));
    if (inputs_.processes.world_size > 1) {
      if (!group_) group_ = std::make_unique<ProcessGroup>(inputs_.processes);
      trainer->OnGradients([this](std::vector<torch::Tensor>& gradients) { group_->Average(gradients); });
    }
    return trainer;
  }

 private:
  const ManyScenesInputs inputs_;
  FeatureNerfOptions given_;
  AnyOptions options_;
  std::unique_ptr<ProcessGroup> group_;  // where there are several processes
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
  return std::make_unique<FeatureNerfTraining>(std::move(inputs), options.As<FeatureNerfOptions>());
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
