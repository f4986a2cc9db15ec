#include "semfield/scenes/gp_nerf/gp_nerf_method.h"

#include <fmt/format.h>

#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/scenes/gp_nerf/gp_nerf_field.h"
#include "semfield/scenes/gp_nerf/gp_nerf_trainer.h"
#include "semfield/scenes/training/network_training.h"

namespace semfield {
namespace {

constexpr const char* kName = "gp_nerf";
constexpr int kSteps = 2000;

class GpNerfTraining : public ScenesTraining<GpNerfOptions> {
 public:
  using ScenesTraining::ScenesTraining;

 protected:
  SceneReaderOptions ReaderOptions(const GpNerfOptions& options) const override {
    SceneReaderOptions reading{
        .sources = options.sources, .rays = options.rays, .seed = options.seed, .cell = kGpNerfCell};
    if (options.instances > 0) {
      reading.instances = true;
      for (int i = 1; i <= options.instances; ++i) reading.classes.push_back(fmt::format("thing {}", i));
    } else if (!options.init.empty()) {
      reading.classes = LoadGpNerf(SafetensorsFile::Read(WeightsFile(options.init, kName))).classes;
    }
    return reading;
  }
  std::unique_ptr<SceneNetwork> NewSceneNetwork(const GpNerfOptions& options,
                                                const SceneReader& reader) const override {
    return std::make_unique<GpNerfNetwork>(options, reader.classes());
  }
};

}  // namespace

MethodInfo GpNerfMethod::info() const {
  MethodInfo info{
      .name = kName,
      .sentence =
          "Renders colors and classes of a scene that it was not trained on, by attention over photos and "
          "along rays, and a head that sees the whole view (GP-NeRF).",
      .trains_on = MethodInfo::TrainsOn::kManyScenes,
      .presets = kName};
  info.renders.rgb = info.renders.depth = info.renders.classes = true;
  info.answers.classes = true;
  return info;
}

AnyOptions GpNerfMethod::NewOptions() const {
  return AnyOptions(GpNerfOptions());
}

AnyOptions GpNerfMethod::Resolve(const AnyOptions& options, const Capture&) const {
  GpNerfOptions resolved = options.As<GpNerfOptions>();
  if (resolved.steps == 0) resolved.steps = kSteps;
  if (resolved.instances > 0 && resolved.init.empty())
    throw InputError("--instances {}: things are of one scene: name it with --finetune", resolved.instances);
  return AnyOptions(resolved);
}

std::unique_ptr<SceneTraining> GpNerfMethod::PrepareMany(ManyScenesInputs inputs,
                                                         const AnyOptions& options) const {
  return std::make_unique<GpNerfTraining>(std::move(inputs), options.As<GpNerfOptions>());
}

OpenedFields GpNerfMethod::Open(const OpenInputs& inputs) const {
  GpNerfOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, inputs.section.at("options"), inputs.where);
  const SafetensorsFile file = SafetensorsFile::Read(WeightsFile(options.weights, kName));
  LoadedGpNerf loaded = LoadGpNerf(file);
  const std::string weights = file.Metadata("xxh3");
  const std::string shown = fmt::format("{} {} {}", weights, inputs.capture.hash, options.sources);
  const auto scene = std::make_shared<const GpNerfScene>(GpNerfScene::Parts{
      .model = loaded.model,
      .classes = std::move(loaded.classes),
      .name = fmt::format("{} {}", kName, weights),
      .views = std::make_unique<SceneViews>(inputs.capture, *inputs.store, PhotoClassesOptions{.model = ""}),
      .sources = options.sources});
  OpenedFields fields;
  fields.radiance = std::make_unique<GpNerfRadianceField>(scene);
  fields.class_renderer = std::make_unique<GpNerfClassRenderer>(scene);
  fields.checksum = fmt::format("{:016x}", FastHash(shown));
  fields.finished = true;
  return fields;
}

}  // namespace semfield
