#include "semfield/scenes/gnesf/gnesf_method.h"

#include <fmt/format.h>

#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/scenes/gnesf/gnesf_field.h"
#include "semfield/scenes/gnesf/gnesf_trainer.h"
#include "semfield/scenes/training/network_training.h"

namespace semfield {
namespace {

constexpr int kSteps = 2000;

class GnesfTraining : public ScenesTraining<GnesfOptions> {
 public:
  using ScenesTraining::ScenesTraining;

 protected:
  SceneReaderOptions ReaderOptions(const GnesfOptions& options) const override {
    return {.words_model = options.words_model,
            .sources = options.sources,
            .rays = options.rays,
            .seed = options.seed};
  }
  std::unique_ptr<SceneNetwork> NewSceneNetwork(const GnesfOptions& options,
                                                const SceneReader& reader) const override {
    return std::make_unique<GnesfNetwork>(options, static_cast<int64_t>(reader.classes().size()));
  }
};

bool HasDepths(const ManyScenesInputs& inputs) {
  for (const ManyScenesInputs::Scene& scene : inputs.scenes) {
    for (const View& view : scene.capture->views) {
      if (!view.depth.empty()) return true;
    }
  }
  return false;
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
  if (resolved.model.visibility == "signs" && resolved.model.surface != "sdf")
    throw InputError("--visibility signs: a density has none; add --surface sdf");
  if (resolved.model.surface == "sdf" && resolved.depth_weight <= 0)
    throw InputError("--surface sdf: learns from true depths; --depth-weight must be more than 0");
  return AnyOptions(resolved);
}

std::unique_ptr<SceneTraining> GnesfMethod::PrepareMany(ManyScenesInputs inputs,
                                                        const AnyOptions& options) const {
  const auto& given = options.As<GnesfOptions>();
  if (given.model.surface == "sdf" && !HasDepths(inputs)) {
    throw InputError(
        "--surface sdf: learns from true depths, and no scene of the list has any. Train with --surface "
        "density");
  }
  return std::make_unique<GnesfTraining>(std::move(inputs), given);
}

OpenedFields GnesfMethod::Open(const OpenInputs& inputs) const {
  GnesfOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, inputs.section.at("options"), inputs.where);
  const SafetensorsFile file = SafetensorsFile::Read(WeightsFile(options.weights, "gnesf"));
  LoadedGnesf loaded = LoadGnesf(file);
  auto views =
      std::make_unique<SceneViews>(inputs.capture, *inputs.store,
                                   PhotoClassesOptions{.model = options.words_model, .folder = inputs.cache});
  if (views->classes().classes() != loaded.classes) {
    throw InputError("--words-model {}: knows other classes than those that the weights {} were trained with",
                     options.words_model, file.path().string());
  }
  const std::string shown = fmt::format("{} {} {} {}", file.Metadata("xxh3"), inputs.capture.hash,
                                        options.shown_sources, options.words_model);
  const auto scene = std::make_shared<const GnesfScene>(loaded.model, loaded.classes, std::move(views),
                                                        options.shown_sources);
  OpenedFields fields;
  fields.radiance = std::make_unique<GnesfRadianceField>(scene);
  fields.class_renderer = std::make_unique<GnesfClassRenderer>(scene);
  fields.checksum = fmt::format("{:016x}", FastHash(shown));
  fields.finished = true;
  return fields;
}

}  // namespace semfield
