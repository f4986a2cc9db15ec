#include "semfield/methods/feature_field/feature_method.h"

#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/methods/feature_field/feature_model.h"
#include "semfield/methods/feature_field/imitation.h"
#include "semfield/methods/feature_field/pose_sampler.h"
#include "semfield/methods/feature_field/view_schedule.h"

namespace semfield {

MethodInfo FeatureMethod::info() const {
  MethodInfo info{.name = "feature_field",
                  .sentence = "Imitates a teacher's features in a field, so that clicks get masks (SAN).",
                  .trains_on = MethodInfo::TrainsOn::kOneScene,
                  .presets = "imitate",
                  .needs_radiance = true};
  info.renders.features = true;
  info.answers.clicks = true;
  return info;
}

AnyOptions FeatureMethod::NewOptions() const {
  return AnyOptions(FeatureOptions());
}

std::unique_ptr<SceneTraining> FeatureMethod::Prepare(const TrainingInputs& inputs,
                                                      const AnyOptions& options) const {
  return std::make_unique<Imitation>(inputs, options.As<FeatureOptions>());
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
  const PoseSampler poses(inputs.capture, options);
  int64_t views = 0;
  for (int step = 0; step < fields.step; ++step) views += ViewSchedule::WantsFresh(options, step, views);
  for (int64_t view = 0; view < views; ++view) fields.training_poses.push_back(poses.Sample(view).second);
  return fields;
}

}  // namespace semfield
