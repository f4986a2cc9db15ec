#include "semfield/methods/feature_field/feature_method.h"

#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/methods/feature_field/feature_model.h"
#include "semfield/methods/feature_field/feature_trainer.h"
#include "semfield/methods/feature_field/imitation.h"
#include "semfield/methods/feature_field/pose_sampler.h"
#include "semfield/methods/feature_field/view_schedule.h"

namespace semfield {
namespace {

class FeatureImitation : public Imitation {
 public:
  FeatureImitation(const TrainingInputs& inputs, const FeatureOptions& options)
      : Imitation(inputs, AnyOptions(options), options, OpenEncoderEyes(inputs)) {}
  Json Section() const override { return {{"channels", space().channels}, {"grid", space().grid}}; }

 protected:
  FeatureOptions& values() override { return options_.As<FeatureOptions>(); }
  const FeatureOptions& values() const override { return options_.As<FeatureOptions>(); }
  std::unique_ptr<Student> MakeStudent() const override {
    return std::make_unique<FeatureTrainer>(values(), space());
  }
  ImitationMemory EstimateMemory() const override {
    return EstimateImitationMemory(values(), space(), maker().num_workers());
  }

 private:
  const FeatureSpace& space() const { return maker().eye().space(); }
};

}  // namespace

MethodInfo FeatureMethod::info() const {
  MethodInfo info{.name = "feature_field",
                  .sentence = "Imitates a teacher's features in a field, so that clicks get masks (SAN).",
                  .trains_on = MethodInfo::TrainsOn::kOneScene,
                  .presets = "imitate",
                  .needs_radiance = true,
                  .teacher_kind = "sam"};
  info.renders.features = true;
  info.answers.clicks = true;
  return info;
}

AnyOptions FeatureMethod::NewOptions() const {
  return AnyOptions(FeatureOptions());
}

std::unique_ptr<SceneTraining> FeatureMethod::Prepare(const TrainingInputs& inputs,
                                                      const AnyOptions& options) const {
  return std::make_unique<FeatureImitation>(inputs, options.As<FeatureOptions>());
}

OpenedFields FeatureMethod::Open(const OpenInputs& inputs) const {
  SF_CHECK(inputs.checkpoint != nullptr);
  for (const auto& [key, most] : {std::pair{"channels", 4096}, {"grid", 1024}}) {
    const Json value = inputs.section.contains(key) ? inputs.section[key] : Json();
    if (!value.is_number_integer() || value.get<int64_t>() < 1 || value.get<int64_t>() > most) {
      throw InputError("{}.{}: expected a whole number from 1 to {}", inputs.where, key, most);
    }
  }
  FeatureOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, inputs.section.at("options"), inputs.where);
  const FeatureSpace space = {.encoder = inputs.encoder,
                              .channels = inputs.section.at("channels").get<int>(),
                              .grid = inputs.section.at("grid").get<int>()};
  auto model = std::make_unique<FeatureModel>(options, space);
  model->LoadTensors(inputs.checkpoint->file);
  OpenedFields fields;
  fields.features = std::move(model);
  fields.step = CheckpointState(inputs.checkpoint->file).at("step").get<int>();
  fields.finished = fields.step >= options.steps;
  fields.training_poses = TeacherPoses(inputs.capture, options, fields.step);
  return fields;
}

}  // namespace semfield
