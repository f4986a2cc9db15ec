#include "semfield/methods/laser/laser_method.h"

#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/methods/feature_field/imitation.h"
#include "semfield/methods/laser/class_eye.h"
#include "semfield/methods/laser/laser_trainer.h"
#include "semfield/perception/model_card.h"
#include "semfield/perception/text_encoder.h"

namespace semfield {
namespace {

constexpr size_t kMostClasses = 1024;

class LaserImitation : public Imitation {
 public:
  LaserImitation(const TrainingInputs& inputs, const LaserOptions& options)
      : Imitation(inputs, AnyOptions(options), options, OpenClassEyes(inputs, options.grid)),
        teacher_(inputs.teacher),
        onnxruntime_(inputs.onnxruntime),
        classes_(FindModelCard(inputs.teacher).dense.classes) {}
  Json Section() const override { return {{"classes", classes_}}; }

 protected:
  FeatureOptions& values() override { return options_.As<LaserOptions>(); }
  const FeatureOptions& values() const override { return options_.As<LaserOptions>(); }
  std::unique_ptr<Student> MakeStudent() const override {
    const auto& options = options_.As<LaserOptions>();
    const auto encoder = LoadTextEncoder(options.text_model, {.onnxruntime = onnxruntime_});
    return std::make_unique<LaserTrainer>(options, teacher_, EncodeClassTexts(classes_, *encoder));
  }
  ImitationMemory EstimateMemory() const override {
    const auto& options = options_.As<LaserOptions>();
    const double tokens = static_cast<double>(options.grid) * options.grid;
    ImitationMemory memory = EstimateImitationMemory(options, maker().eye().space(), maker().num_workers());
    // The adapter's shares between all tokens, twice, with gradients and transposed ones.
    memory.rest += 8 * tokens * tokens * sizeof(float);
    return memory;
  }

 private:
  const std::string teacher_, onnxruntime_;
  const std::vector<std::string> classes_;
};

}  // namespace

MethodInfo LaserMethod::info() const {
  MethodInfo info{.name = "laser",
                  .sentence =
                      "Distils a dense encoder's classes as language features, so that words get masks "
                      "(Laser).",
                  .trains_on = MethodInfo::TrainsOn::kOneScene,
                  .presets = "imitate-laser",
                  .needs_radiance = true,
                  .teacher_kind = "dense"};
  info.renders.classes = true;
  info.answers.words = info.answers.classes = true;
  return info;
}

AnyOptions LaserMethod::NewOptions() const {
  return AnyOptions(LaserOptions());
}

std::unique_ptr<SceneTraining> LaserMethod::Prepare(const TrainingInputs& inputs,
                                                    const AnyOptions& options) const {
  return std::make_unique<LaserImitation>(inputs, options.As<LaserOptions>());
}

OpenedFields LaserMethod::Open(const OpenInputs& inputs) const {
  SF_CHECK(inputs.checkpoint != nullptr);
  const Json classes = inputs.section.contains("classes") ? inputs.section["classes"] : Json();
  if (!classes.is_array() || classes.empty() || classes.size() > kMostClasses)
    throw InputError("{}.classes: expected 1 to {} names", inputs.where, kMostClasses);
  LaserOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, inputs.section.at("options"), inputs.where);
  auto model = std::make_unique<LaserModel>(options, inputs.encoder, static_cast<int>(classes.size()));
  model->LoadTensors(inputs.checkpoint->file);
  OpenedFields fields;
  fields.step = CheckpointState(inputs.checkpoint->file).at("step").get<int>();
  fields.finished = fields.step >= options.steps;
  fields.training_poses = TeacherPoses(inputs.capture, options, fields.step);
  fields.classes = std::move(model);
  return fields;
}

}  // namespace semfield
