#include "semfield/methods/language_field/language_method.h"

#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/methods/feature_field/imitation.h"
#include "semfield/methods/feature_field/pose_sampler.h"
#include "semfield/methods/feature_field/view_schedule.h"
#include "semfield/methods/language_field/dense_eye.h"
#include "semfield/methods/language_field/language_trainer.h"

namespace semfield {
namespace {

constexpr int kMostChannels = 4096, kMostScales = 8, kLargestGrid = 1024;

// As the memory of one map, with all maps' numbers and every scale's head.
ImitationMemory EstimateLanguageMemory(const LanguageOptions& options, const PyramidSpace& space,
                                       int num_workers) {
  const double finest = static_cast<double>(space.grids[0]) * space.grids[0];
  double tokens = 0;
  for (const int grid : space.grids) tokens += static_cast<double>(grid) * grid;
  const FeatureSpace one{.encoder = space.encoder, .channels = space.channels, .grid = space.grids[0]};
  ImitationMemory memory = EstimateImitationMemory(options, one, num_workers);
  memory.view += (tokens - finest) * space.channels * sizeof(Half);
  const LanguageParameterCounts counts = CountLanguageParameters(options, space);
  memory.rest += static_cast<double>(Parameter::TrainingBytes(counts.heads, Parameter::HalfCopy::kNo) +
                                     Parameter::CheckpointBytes(counts.heads));
  // Rows of every token and their gradients, while a step works.
  const double rows = options.levels * options.features_per_level * (1.0 + 8 * options.context_rings);
  memory.rest += 2 * tokens * rows * sizeof(float);
  return memory;
}

class LanguageImitation : public Imitation {
 public:
  LanguageImitation(const TrainingInputs& inputs, const LanguageOptions& options)
      : Imitation(inputs, AnyOptions(options), options, OpenDenseEyes(inputs)),
        space_(PyramidSpaceOf(FindModelCard(inputs.teacher))) {}
  Json Section() const override { return {{"channels", space_.channels}, {"grids", space_.grids}}; }

 protected:
  FeatureOptions& values() override { return options_.As<LanguageOptions>(); }
  const FeatureOptions& values() const override { return options_.As<LanguageOptions>(); }
  std::unique_ptr<Student> MakeStudent() const override {
    return std::make_unique<LanguageTrainer>(options_.As<LanguageOptions>(), space_);
  }
  ImitationMemory EstimateMemory() const override {
    return EstimateLanguageMemory(options_.As<LanguageOptions>(), space_, maker().num_workers());
  }

 private:
  const PyramidSpace space_;
};

int64_t WholeNumber(const Json& value, const std::string& where, int64_t most) {
  if (!value.is_number_integer() || value.get<int64_t>() < 1 || value.get<int64_t>() > most)
    throw InputError("{}: expected a whole number from 1 to {}", where, most);
  return value.get<int64_t>();
}

// What Section wrote, checked.
PyramidSpace ReadSpace(const Json& section, const std::string& where, const std::string& encoder) {
  PyramidSpace space{.encoder = encoder};
  const Json channels = section.contains("channels") ? section["channels"] : Json();
  space.channels = static_cast<int>(WholeNumber(channels, where + ".channels", kMostChannels));
  const Json grids = section.contains("grids") ? section["grids"] : Json();
  if (!grids.is_array() || grids.empty() || grids.size() > kMostScales)
    throw InputError("{}.grids: expected 1 to {} whole numbers", where, kMostScales);
  for (const Json& grid : grids) {
    space.grids.push_back(static_cast<int>(WholeNumber(grid, where + ".grids", kLargestGrid)));
    if (space.grids[0] % space.grids.back() != 0)
      throw InputError("{}.grids: expected numbers that divide the first, {}, got {}", where, space.grids[0],
                       space.grids.back());
  }
  return space;
}

}  // namespace

MethodInfo LanguageMethod::info() const {
  MethodInfo info{
      .name = "language_field",
      .sentence = "Imitates a dense encoder's maps of several strides, so that words get masks (SAN).",
      .trains_on = MethodInfo::TrainsOn::kOneScene,
      .presets = "imitate-words",
      .needs_radiance = true,
      .teacher_kind = "dense"};
  info.renders.classes = true;
  info.answers.words = info.answers.classes = true;
  return info;
}

AnyOptions LanguageMethod::NewOptions() const {
  return AnyOptions(LanguageOptions());
}

std::unique_ptr<SceneTraining> LanguageMethod::Prepare(const TrainingInputs& inputs,
                                                       const AnyOptions& options) const {
  return std::make_unique<LanguageImitation>(inputs, options.As<LanguageOptions>());
}

OpenedFields LanguageMethod::Open(const OpenInputs& inputs) const {
  SF_CHECK(inputs.checkpoint != nullptr);
  const PyramidSpace space = ReadSpace(inputs.section, inputs.where, inputs.encoder);
  LanguageOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, inputs.section.at("options"), inputs.where);
  auto model = std::make_unique<LanguageModel>(options, space);
  model->LoadTensors(inputs.checkpoint->file);
  OpenedFields fields;
  fields.pyramid = std::move(model);
  fields.step = CheckpointState(inputs.checkpoint->file).at("step").get<int>();
  fields.finished = fields.step >= options.steps;
  fields.training_poses = TeacherPoses(inputs.capture, options, fields.step);
  return fields;
}

}  // namespace semfield
