#include "semfield/methods/radiance/radiance_method.h"

#include <numbers>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/methods/radiance/model/hash_radiance_field.h"
#include "semfield/methods/radiance/model/radiance_memory.h"
#include "semfield/methods/radiance/training/occupancy_update.h"
#include "semfield/methods/radiance/training/radiance_training.h"
#include "semfield/methods/radiance/views/pose_refinement.h"
#include "semfield/methods/radiance/views/view_exposure.h"
#include "semfield/methods/radiance/views/view_fit.h"

namespace semfield {
namespace {

constexpr int kSmallestTable = 14;

class HashViewFitter : public ViewFitter {
 public:
  // The model must outlive it.
  explicit HashViewFitter(const RadianceModel& model) : model_(model) {}

  FittedView FitLeftHalf(const UnseenPhoto& photo, const ViewFitOptions& options) const override {
    const ViewFit fit = semfield::FitLeftHalf(model_, photo, options);
    const double half_extent = model_.map.half_extent;
    FittedView view{.world_from_camera = fit.correction.Apply(photo.world_from_camera, half_extent),
                    .degrees = fit.correction.rotation.norm() * 180 / std::numbers::pi,
                    .distance = fit.correction.shift.norm() * half_extent,
                    .color = fit.exposure};
    return view;
  }

 private:
  const RadianceModel& model_;
};

std::vector<ColorMap> LearnedExposure(const SafetensorsFile& checkpoint, const Capture& capture,
                                      const RadianceOptions& options) {
  if (!checkpoint.Has("exposure")) return {};
  ViewExposure learned(capture.views.size(), capture.train, options.exposure_penalty);
  learned.Load(checkpoint);
  std::vector<ColorMap> maps(capture.views.size());
  for (size_t view = 0; view < maps.size(); ++view) maps[view] = learned.map(static_cast<int>(view));
  return maps;
}

}  // namespace

MethodInfo RadianceMethod::info() const {
  MethodInfo info{.name = "radiance",
                  .sentence = "Trains a hash-grid radiance field on the photos of one scene.",
                  .trains_on = MethodInfo::TrainsOn::kOneScene,
                  .presets = "train"};
  info.renders.rgb = info.renders.depth = true;
  return info;
}

AnyOptions RadianceMethod::NewOptions() const {
  return AnyOptions(RadianceOptions());
}

MemoryNeed RadianceMethod::Memory(const AnyOptions& options, const Capture&) const {
  const RadianceMemory memory = EstimateRadianceMemory(options.As<RadianceOptions>(), NumThreads());
  return {.parts = {{"field and optimizer", static_cast<double>(memory.field)},
                    {"samples of a step", static_cast<double>(memory.samples)},
                    {"checkpoints", static_cast<double>(memory.checkpoint)}}};
}

std::optional<Method::Smaller> RadianceMethod::MakeSmaller(const AnyOptions& options) const {
  RadianceOptions smaller = options.As<RadianceOptions>();
  if (smaller.log2_table_size <= kSmallestTable) return std::nullopt;
  --smaller.log2_table_size;
  return Smaller{.options = AnyOptions(smaller),
                 .changed = {"log2-table-size", std::to_string(smaller.log2_table_size)}};
}

AnyOptions RadianceMethod::Resolve(const AnyOptions& options, const Capture& capture) const {
  return AnyOptions(ResolveRadianceOptions(options.As<RadianceOptions>(), capture));
}

std::unique_ptr<SceneTraining> RadianceMethod::Prepare(const TrainingInputs& inputs,
                                                       const AnyOptions& options) const {
  return std::make_unique<RadianceTraining>(inputs, options.As<RadianceOptions>());
}

OpenedFields RadianceMethod::Open(const OpenInputs& inputs) const {
  SF_CHECK(inputs.checkpoint != nullptr);
  const SafetensorsFile& file = inputs.checkpoint->file;
  RadianceOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, inputs.section.at("options"), inputs.where);
  // Runs of before this was an option: what it would have been resolved to.
  options = ResolveRadianceOptions(options, inputs.capture);
  auto model = std::make_unique<RadianceModel>(options, MakeSceneMap(inputs.capture));
  ApplyPoseCorrections(file, model->map.half_extent, &inputs.capture);
  OpenedFields fields;
  fields.exposure = LearnedExposure(file, inputs.capture, options);
  model->LoadTensors(file);
  fields.step = CheckpointState(file).at("step").get<int>();
  fields.finished = fields.step >= options.steps;
  OccupancyUpdate(*model, OccupancyUpdate::kMinOpacityToView).Restore(fields.step, *model);
  fields.fitter = std::make_unique<HashViewFitter>(*model);
  fields.radiance = std::make_unique<HashRadianceField>(std::move(model));
  // Of a field that was trained over changing backgrounds, too, renderings show black.
  const float shade = options.background == Background::kWhite ? 1.0f : 0.0f;
  fields.background = {shade, shade, shade};
  return fields;
}

}  // namespace semfield
