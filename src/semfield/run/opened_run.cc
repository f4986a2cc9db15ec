#include "semfield/run/opened_run.h"

#include <fmt/format.h>

#include <optional>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/text.h"

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

// Whether a section is of a method that opens a scene without any training on it.
bool IsOverManyScenes(const Json& section, const MethodList& methods) {
  const MethodInfo::TrainsOn on = MethodOfSection(section, methods, /*on_radiance=*/false).info().trains_on;
  return on == MethodInfo::TrainsOn::kManyScenes || on == MethodInfo::TrainsOn::kManyObjects;
}

// Where what a model says of the photos is kept; nowhere for methods that ask none.
std::filesystem::path CacheOf(const OpenedRun& run) {
  const Json& options = run.train_config.at("options");
  const Json model = options.contains("words-model") ? options["words-model"] : Json();
  return model.is_string() ? run.folder.embeddings_dir(model.get<std::string>()) : std::filesystem::path();
}

}  // namespace

const Method& MethodOfSection(const Json& section, const MethodList& methods, bool on_radiance) {
  const Json name = section.is_object() && section.contains(kMethodKey) ? section[kMethodKey] : Json();
  return name.is_string() ? methods.Find(name.get<std::string>()) : methods.Default(on_radiance);
}

OpenedRun OpenRun(const std::filesystem::path& path, const MethodList& methods, const RunSource& source) {
  OpenedRun run{.folder = RunFolder::Open(path), .methods = methods};
  run.train_config = run.folder.ReadConfigSection("train");
  if (run.train_config.is_object() && run.train_config.contains("scene_list")) {
    throw InputError(
        "{}: holds weights that were trained over many scenes, and no scene of its own. Use them by: "
        "semfield render CAPTURE --weights {}",
        path.string(), ShellQuoted(path.string()));
  }
  const bool without_training = !run.train_config.is_null() && IsOverManyScenes(run.train_config, methods);
  if (run.train_config.is_null() ||
      (!without_training && !CheckpointExists(run.folder.radiance_checkpoint()))) {
    throw InputError("{}: nothing is trained here yet. Run: semfield train CAPTURE --out {}", path.string(),
                     ShellQuoted(path.string()));
  }
  std::optional<Checkpoint> checkpoint;
  if (!without_training) {
    auto [section, read] = ReadTogether(run.folder, "train", run.folder.radiance_checkpoint(), "radiance");
    run.train_config = std::move(section);
    run.radiance_checksum = read.file.Metadata("xxh3");
    checkpoint = std::move(read);
  }
  const std::string where = run.folder.config().string();
  CheckTrainSection(run.train_config, where);
  const Method& method = MethodOfSection(run.train_config, methods, /*on_radiance=*/false);
  run.capture = std::make_unique<Capture>(ReadRunCapture(run.folder, run.train_config, source));
  for (const View& view : run.capture->views) run.given_poses.push_back(view.world_from_camera);
  run.store = std::make_unique<ImageStore>(*run.capture, run.train_config.at("downscale").get<double>(),
                                           static_cast<size_t>(StoredImageCache(run.train_config)) << 20);
  OpenedFields fields = method.Open({.section = run.train_config,
                                     .where = where + ": train",
                                     .checkpoint = checkpoint ? &*checkpoint : nullptr,
                                     .capture = *run.capture,
                                     .encoder = "",
                                     .store = run.store.get(),
                                     .cache = CacheOf(run)});
  if (without_training) run.radiance_checksum = fields.checksum;
  run.field = std::move(fields.radiance);
  run.class_renderer = std::move(fields.class_renderer);
  run.fitter = std::move(fields.fitter);
  run.exposure = std::move(fields.exposure);
  run.background = fields.background;
  return run;
}

bool IsOfFirstFeatures(const Json& section) {
  return section.is_object() && section.contains(kFirstFeaturesKey);
}

bool OfAnotherField(const Checkpoint& features, const OpenedRun& run) {
  const auto found = features.file.metadata().find(kRadianceKey);
  return found != features.file.metadata().end() && found->second != run.radiance_checksum;
}

std::string FeaturesName(const std::string& teacher, const std::string& method) {
  return teacher + "." + method;
}

bool HasFeatures(const OpenedRun& run, const std::string& features_name) {
  return CheckpointExists(run.folder.features_checkpoint(features_name));
}

namespace {

// method: empty: the first for teachers of its kind.
OpenedFeatures OpenAnyFeatures(const OpenedRun& run, const std::string& teacher,
                               const std::string& method_name = "") {
  OpenedFeatures features;
  const std::string name = method_name.empty() ? teacher : FeaturesName(teacher, method_name);
  features.config = run.folder.ReadConfigSection("imitate-" + name);
  if (features.config.is_null() || !HasFeatures(run, name)) {
    throw InputError("{}: no features of the teacher '{}' yet. Run: semfield imitate {} --teacher {}{}",
                     run.folder.path().string(), name, ShellQuoted(run.folder.path().string()),
                     ShellQuoted(teacher), method_name.empty() ? "" : " --method " + method_name);
  }
  auto [section, checkpoint] =
      ReadTogether(run.folder, "imitate-" + name, run.folder.features_checkpoint(name), "features");
  features.config = std::move(section);
  features.checksum = checkpoint.file.Metadata("xxh3");
  const std::string where = fmt::format("{}: imitate-{}", run.folder.config().string(), name);
  if (!features.config.is_object() || !features.config.contains("options"))
    throw InputError("{}.options: missing", where);
  const bool first = IsOfFirstFeatures(features.config);
  if (!first && OfAnotherField(checkpoint, run)) {
    LogWarning(
        "{}: the features of '{}' were imitated on another radiance field than the one here; make them anew "
        "with: semfield imitate {} --teacher {} --restart",
        run.folder.path().string(), teacher, ShellQuoted(run.folder.path().string()), ShellQuoted(teacher));
  }
  const Method& method = MethodOfSection(features.config, run.methods, /*on_radiance=*/true);
  OpenedFields fields = method.Open({.section = features.config,
                                     .where = where,
                                     .checkpoint = &checkpoint,
                                     .capture = *run.capture,
                                     .encoder = teacher});
  features.field = std::move(fields.features);
  features.pyramid = std::move(fields.pyramid);
  features.classes = std::move(fields.classes);
  features.training_poses = std::move(fields.training_poses);
  features.step = fields.step;
  features.finished = !first && fields.finished;
  return features;
}

}  // namespace

OpenedFeatures OpenFeatures(const OpenedRun& run, const std::string& teacher) {
  OpenedFeatures features = OpenAnyFeatures(run, teacher);
  if (!features.field)
    throw InputError(
        "{}: '{}' was imitated for words and answers no clicks: ask with --text or --class, or click with "
        "another --teacher",
        run.folder.path().string(), teacher);
  return features;
}

OpenedFeatures OpenPyramid(const OpenedRun& run, const std::string& teacher) {
  OpenedFeatures features = OpenAnyFeatures(run, teacher);
  if (!features.pyramid)
    throw InputError("{}: '{}' was imitated for clicks and knows no classes", run.folder.path().string(),
                     teacher);
  return features;
}

OpenedFeatures OpenClassField(const OpenedRun& run, const std::string& teacher, const std::string& method) {
  OpenedFeatures features = OpenAnyFeatures(run, teacher, method);
  if (!features.classes)
    throw InputError("{}: '{}' was imitated by '{}', which gives no classes by itself",
                     run.folder.path().string(), teacher, method);
  return features;
}

std::vector<std::string> PyramidTeachers(const OpenedRun& run) {
  constexpr std::string_view kSection = "imitate-";
  std::vector<std::string> teachers;
  const Json config = ReadJsonFile(run.folder.config());
  for (const auto& [name, section] : config.items()) {
    if (name.rfind(kSection, 0) != 0 || !section.is_object()) continue;
    const std::string teacher = name.substr(kSection.size());
    if (section.value("teacher", Json()) != teacher) continue;  // made by another method, without a decoder
    const MethodInfo method = MethodOfSection(section, run.methods, /*on_radiance=*/true).info();
    if (method.renders.classes && HasFeatures(run, teacher)) teachers.push_back(teacher);
  }
  return teachers;
}

}  // namespace semfield
