#include "semfield/run/run_context.h"

#include <fmt/format.h>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/capture/reader.h"
#include "semfield/methods/radiance/training/occupancy_update.h"
#include "semfield/methods/radiance/views/pose_refinement.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

// A writer replaces a section and then the checkpoint that was made with it: both must be of one moment.
std::pair<Json, Checkpoint> ReadTogether(const RunFolder& folder, const std::string& section_name,
                                         const std::filesystem::path& path, const std::string& kind) {
  constexpr int kTries = 5;
  for (int tries = 1;; ++tries) {
    Json section = folder.ReadConfigSection(section_name);
    Checkpoint checkpoint = LoadCheckpoint(path, kind);
    if (tries == kTries || folder.ReadConfigSection(section_name) == section) {
      return {std::move(section), std::move(checkpoint)};
    }
  }
}

}  // namespace

void BackgroundColor(const std::string& background, float rgb[3]) {
  for (int k = 0; k < 3; ++k) rgb[k] = background == "white" ? 1.0f : 0.0f;
}

RunContext OpenRun(const std::filesystem::path& path) {
  RunContext run{.folder = RunFolder::Open(path)};
  run.train_config = run.folder.ReadConfigSection("train");
  if (run.train_config.is_null() || !CheckpointExists(run.folder.radiance_checkpoint())) {
    throw InputError("{}: nothing is trained here yet. Run: semfield train CAPTURE --out {}", path.string(),
                     path.string());
  }
  auto [section, checkpoint] =
      ReadTogether(run.folder, "train", run.folder.radiance_checkpoint(), "radiance");
  run.train_config = std::move(section);
  run.radiance_checksum = checkpoint.file.Metadata("xxh3");
  const std::string where = run.folder.config().string();
  CheckTrainSection(run.train_config, where);
  RadianceOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, run.train_config.at("options"), where);
  run.capture =
      std::make_unique<Capture>(ReadCapture(run.train_config.at("capture").get<std::string>(),
                                            {.format = run.train_config.at("format").get<std::string>(),
                                             .allow_outside = AllowedOutside(run.train_config)}));
  if (run.capture->hash != run.train_config.at("capture_hash").get<std::string>()) {
    LogWarning("{}: the capture {} changed since this run was trained; poses may not fit the field",
               path.string(), run.capture->path.string());
  }
  run.store = std::make_unique<ImageStore>(*run.capture, run.train_config.at("downscale").get<double>(),
                                           static_cast<size_t>(StoredImageCache(run.train_config)) << 20);
  auto model = std::make_unique<RadianceModel>(options, MakeSceneMap(*run.capture));
  ApplyPoseCorrections(checkpoint.file, model->map.half_extent, run.capture.get());
  if (checkpoint.file.Has("exposure")) {
    run.exposure = ViewExposure(run.capture->views.size(), run.capture->train, options.exposure_penalty);
    run.exposure.Load(checkpoint.file);
  }
  model->LoadTensors(checkpoint.file);
  OccupancyUpdate(*model, OccupancyUpdate::kMinOpacityToView)
      .Restore(CheckpointState(checkpoint.file).at("step").get<int>(), *model);
  run.field = std::make_unique<HashRadianceField>(std::move(model));
  BackgroundColor(options.background, run.background);
  return run;
}

bool IsOfFirstFeatures(const Json& section) {
  return section.is_object() && section.contains(kFirstFeaturesKey);
}

bool OfAnotherField(const Checkpoint& features, const RunContext& run) {
  const auto found = features.file.metadata().find(kRadianceKey);
  return found != features.file.metadata().end() && found->second != run.radiance_checksum;
}

bool HasFeatures(const RunContext& run, const std::string& teacher) {
  return CheckpointExists(run.folder.features_checkpoint(teacher));
}

FeatureRun OpenFeatures(const RunContext& run, const std::string& teacher) {
  FeatureRun features;
  features.config = run.folder.ReadConfigSection("imitate-" + teacher);
  if (features.config.is_null() || !HasFeatures(run, teacher)) {
    throw InputError("{}: no features of the teacher '{}' yet. Run: semfield imitate {} --teacher {}",
                     run.folder.path().string(), teacher, run.folder.path().string(), teacher);
  }
  auto [section, checkpoint] =
      ReadTogether(run.folder, "imitate-" + teacher, run.folder.features_checkpoint(teacher), "features");
  features.config = std::move(section);
  features.checksum = checkpoint.file.Metadata("xxh3");
  const std::string where = run.folder.config().string();
  for (const auto& [key, most] : {std::pair{"channels", 4096}, {"grid", 1024}}) {
    const Json value =
        features.config.is_object() && features.config.contains(key) ? features.config[key] : Json();
    if (!value.is_number_integer() || value.get<int64_t>() < 1 || value.get<int64_t>() > most) {
      throw InputError("{}: imitate-{}.{}: expected a whole number from 1 to {}", where, teacher, key, most);
    }
  }
  if (!features.config.contains("options"))
    throw InputError("{}: imitate-{}.options: missing", where, teacher);
  FeatureOptions options;
  OptionList list;
  options.Describe(list);
  OptionsFromJson(list, features.config.at("options"), where);
  const bool first = IsOfFirstFeatures(features.config);
  if (!first && OfAnotherField(checkpoint, run)) {
    LogWarning(
        "{}: the features of '{}' were imitated on another radiance field than the one here; make them anew "
        "with: semfield imitate {} --teacher {} --restart",
        run.folder.path().string(), teacher, run.folder.path().string(), teacher);
  }
  const FeatureSpace shape = {.encoder = teacher,
                              .channels = features.config.at("channels").get<int>(),
                              .grid = features.config.at("grid").get<int>()};
  features.model = std::make_unique<FeatureModel>(options, shape);
  features.model->LoadTensors(checkpoint.file);
  features.step = CheckpointState(checkpoint.file).at("step").get<int>();
  features.finished = !first && features.step >= options.steps;
  return features;
}

}  // namespace semfield
