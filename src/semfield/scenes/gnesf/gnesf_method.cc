#include "semfield/scenes/gnesf/gnesf_method.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/perception/model_folders.h"
#include "semfield/scenes/gnesf/gnesf_field.h"
#include "semfield/scenes/gnesf/gnesf_trainer.h"
#include "semfield/scenes/training/process_group.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr int kSteps = 2000;

class GnesfTraining : public SceneTraining {
 public:
  GnesfTraining(ManyScenesInputs inputs, const GnesfOptions& options)
      : inputs_(std::move(inputs)), given_(options), options_(AnyOptions(options)) {}

  const AnyOptions& options() const override { return options_; }

  Json PlanByMinutes(double minutes, const Stopwatch& started, const JobControl& control) override {
    // The first steps of a trial, after those that warm up.
    std::unique_ptr<SceneTrainer> trial = MakeTrainer();
    constexpr int kWarm = 2, kTimed = 6;
    for (int i = 0; i < kWarm; ++i) trial->Step(control);
    const Stopwatch timed;
    for (int i = 0; i < kTimed; ++i) trial->Step(control);
    const double seconds = std::max(1.0, 60 * minutes - started.Seconds());
    given_.steps = std::max(1, static_cast<int>(seconds / (timed.Seconds() / kTimed)));
    options_ = AnyOptions(given_);
    return {{"minutes", minutes}, {"seconds", seconds}};
  }

  std::unique_ptr<SceneTrainer> MakeTrainer() override {
    ManyScenesInputs scenes{.scenes = {}, .onnxruntime = inputs_.onnxruntime};
    for (const ManyScenesInputs::Scene& scene : inputs_.scenes) {
      scenes.scenes.push_back(
          {.capture = std::make_unique<Capture>(*scene.capture), .store = nullptr, .cache = scene.cache});
      scenes.scenes.back().store = std::make_unique<ImageStore>(
          *scenes.scenes.back().capture, scene.store->downscale(), scene.store->max_bytes());
    }
    auto reader =
        std::make_unique<SceneReader>(std::move(scenes), SceneReaderOptions{.words_model = given_.words_model,
                                                                            .sources = given_.sources,
                                                                            .rays = given_.rays,
                                                                            .seed = given_.seed,
                                                                            .rank = inputs_.processes.rank});
    auto trainer = std::make_unique<GnesfTrainer>(given_, std::move(reader));
    if (inputs_.processes.world_size > 1) {
      if (!group_) group_ = std::make_unique<ProcessGroup>(inputs_.processes);
      trainer->OnGradients([this](std::vector<torch::Tensor>& gradients) { group_->Average(gradients); });
    }
    return trainer;
  }

 private:
  const ManyScenesInputs inputs_;
  GnesfOptions given_;
  AnyOptions options_;
  std::unique_ptr<ProcessGroup> group_;  // where there are several processes
};

// A file, a run of a training, or a name of models/.
fs::path WeightsFile(const std::string& name) {
  std::error_code error;
  if (fs::is_regular_file(name, error)) return name;
  if (fs::is_regular_file(fs::path(name) / "radiance.safetensors", error))
    return fs::path(name) / "radiance.safetensors";
  for (const fs::path& folder : ModelFolders()) {
    const fs::path file = folder / name / "weights.safetensors";
    if (fs::is_regular_file(file, error)) return file;
  }
  throw InputError(
      "--weights {}: no such file or run, and no {}/weights.safetensors in the folders of models. "
      "Train it: semfield train LIST --method gnesf --out RUN",
      name, name);
}

}  // namespace

MethodInfo GnesfMethod::info() const {
  MethodInfo info{
      .name = "gnesf",
      .sentence =
          "Renders colors and classes of a scene that it was not trained on, by a learned vote of "
          "photos (GNeSF).",
      .trains_on = MethodInfo::TrainsOn::kManyScenes,
      .presets = "gnesf"};
  info.renders.rgb = info.renders.depth = info.renders.classes = true;
  info.answers.classes = true;
  return info;
}

AnyOptions GnesfMethod::NewOptions() const {
  return AnyOptions(GnesfOptions());
}

AnyOptions GnesfMethod::Resolve(const AnyOptions& options, const Capture&) const {
  GnesfOptions resolved = options.As<GnesfOptions>();
  if (resolved.steps == 0) resolved.steps = kSteps;
  return AnyOptions(resolved);
}

std::unique_ptr<SceneTraining> GnesfMethod::PrepareMany(ManyScenesInputs inputs,
                                                        const AnyOptions& options) const {
  return std::make_unique<GnesfTraining>(std::move(inputs), options.As<GnesfOptions>());
}

OpenedFields GnesfMethod::Open(const OpenInputs& inputs) const {
  GnesfOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, inputs.section.at("options"), inputs.where);
  const SafetensorsFile file = SafetensorsFile::Read(WeightsFile(options.weights));
  LoadedGnesf loaded = LoadGnesf(file);
  auto views =
      std::make_unique<SceneViews>(inputs.capture, *inputs.store,
                                   PhotoClassesOptions{.model = options.words_model, .folder = inputs.cache});
  if (views->classes().classes() != loaded.classes) {
    throw InputError("--words-model {}: knows other classes than those that the weights {} were trained with",
                     options.words_model, file.path().string());
  }
  const std::string shown = fmt::format("{} {} {} {}", file.Metadata("xxh3"), inputs.capture.hash,
                                        options.sources, options.words_model);
  const auto scene =
      std::make_shared<const GnesfScene>(loaded.model, loaded.classes, std::move(views), options.sources);
  OpenedFields fields;
  fields.radiance = std::make_unique<GnesfRadianceField>(scene);
  fields.class_renderer = std::make_unique<GnesfClassRenderer>(scene);
  fields.checksum = fmt::format("{:016x}", FastHash(shown));
  fields.finished = true;
  return fields;
}

}  // namespace semfield
