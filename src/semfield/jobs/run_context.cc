#include "semfield/jobs/run_context.h"

#include <fmt/format.h>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/capture/reader.h"
#include "semfield/methods/radiance/occupancy_update.h"
#include "semfield/training/checkpoint.h"

namespace semfield {
namespace {

constexpr size_t kPoseFileBytes = 1 << 20;

std::string SafeName(std::string name) {
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '_';
  }
  const size_t dot = name.rfind('.');
  return dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
}

double Number(const Json& json, const char* key, const std::string& file) {
  if (!json.contains(key) || !json[key].is_number()) {
    throw InputError(
        "{}: {}: expected a number. A pose file needs w, h, fl_x (fl_y, cx, cy) and transform_matrix", file,
        key);
  }
  return json[key].get<double>();
}

Pose ReadMatrix(const Json& json, const std::string& file) {
  const bool ours = json.contains("world_from_camera");
  const char* key = ours ? "world_from_camera" : "transform_matrix";
  Pose pose;
  const Json matrix = json.contains(key) ? json[key] : Json();
  if (!matrix.is_array() || matrix.size() < 3) throw InputError("{}: {}: expected a 4x4 matrix", file, key);
  for (int row = 0; row < 3; ++row) {
    if (!matrix[row].is_array() || matrix[row].size() != 4)
      throw InputError("{}: {}[{}]: expected 4 numbers", file, key, row);
    for (int column = 0; column < 4; ++column) {
      const Json& value = matrix[row][column];
      if (!value.is_number()) throw InputError("{}: {}[{}][{}]: expected a number", file, key, row, column);
      (column < 3 ? pose.rotation(row, column) : pose.translation[row]) = value.get<double>();
    }
  }
  if (!IsRigid(pose)) throw InputError("{}: {}: not a rotation and a finite translation", file, key);
  pose.rotation = NearestRotation(pose.rotation);
  return ours ? pose : FlipOpenGlOpenCv(pose);
}

NamedView ReadPoseFile(const std::filesystem::path& path) {
  const std::string file = path.string();
  const Json json = ReadJsonFile(path, kPoseFileBytes);
  if (!json.is_object()) throw InputError("{}: expected an object with a camera and transform_matrix", file);
  NamedView view;
  view.name = SafeName(path.filename().string());
  Camera& camera = view.camera;
  const double width = Number(json, "w", file), height = Number(json, "h", file);
  if (!(width >= 1 && width <= 16384 && height >= 1 && height <= 16384)) {
    throw InputError("{}: w, h: expected 1 to 16384, got {} x {}", file, width, height);
  }
  camera.width = static_cast<int>(width);
  camera.height = static_cast<int>(height);
  camera.fx = Number(json, "fl_x", file);
  camera.fy = json.contains("fl_y") ? Number(json, "fl_y", file) : camera.fx;
  if (!(camera.fx > 0 && camera.fy > 0)) throw InputError("{}: fl_x, fl_y: expected positive numbers", file);
  camera.cx = json.contains("cx") ? Number(json, "cx", file) : camera.width / 2.0;
  camera.cy = json.contains("cy") ? Number(json, "cy", file) : camera.height / 2.0;
  view.world_from_camera = ReadMatrix(json, file);
  return view;
}

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

void CheckTrainSection(const Json& section, const std::string& where) {
  const auto check = [&](const char* key, bool good, const char* expected) {
    if (!good)
      throw InputError("{}: train.{}: expected {}; is this the config.json of a run?", where, key, expected);
  };
  const auto get = [&](const char* key) { return section.contains(key) ? section[key] : Json(); };
  if (!section.is_object()) throw InputError("{}: train: missing; is this the config.json of a run?", where);
  for (const char* key : {"capture", "capture_hash", "format"}) check(key, get(key).is_string(), "a text");
  const Json downscale = get("downscale");
  check("downscale", downscale.is_number() && downscale.get<double>() >= 1, "a number of at least 1");
  check("options", get("options").is_object(), "an object");
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
                                            {.format = run.train_config.at("format").get<std::string>()}));
  if (run.capture->hash != run.train_config.at("capture_hash").get<std::string>()) {
    LogWarning("{}: the capture {} changed since this run was trained; poses may not fit the field",
               path.string(), run.capture->path.string());
  }
  run.store = std::make_unique<ImageStore>(*run.capture, run.train_config.at("downscale").get<double>());
  auto model = std::make_unique<RadianceModel>(options, MakeSceneMap(*run.capture));
  model->LoadTensors(checkpoint.file);
  OccupancyUpdate(*model).Restore(Json::parse(checkpoint.file.Metadata("state")).at("step").get<int>(),
                                  *model);
  run.field = std::make_unique<HashRadianceField>(std::move(model));
  BackgroundColor(options.background, run.background);
  return run;
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
  if (OfAnotherField(checkpoint, run)) {
    LogWarning(
        "{}: the features of '{}' were imitated on another radiance field than the one here; make them anew "
        "with: semfield imitate {} --teacher {} --restart",
        run.folder.path().string(), teacher, run.folder.path().string(), teacher);
  }
  const TeacherShape shape = {.name = teacher,
                              .channels = features.config.at("channels").get<int>(),
                              .grid = features.config.at("grid").get<int>()};
  features.model = std::make_unique<FeatureModel>(options, shape);
  features.model->LoadTensors(checkpoint.file);
  features.step = Json::parse(checkpoint.file.Metadata("state")).at("step").get<int>();
  features.finished = features.step >= options.steps;
  return features;
}

NamedView FindNamedView(const Capture& capture, const std::string& text) {
  const std::filesystem::path path(text);
  if (path.extension() == ".json" && std::filesystem::is_regular_file(path)) return ReadPoseFile(path);
  const int index = capture.FindView(text);
  const View& view = capture.views[index];
  return {.name = SafeName(view.name),
          .camera = view.camera,
          .world_from_camera = view.world_from_camera,
          .index = index};
}

std::vector<NamedView> FindNamedViews(const Capture& capture, const std::string& text) {
  std::vector<NamedView> views;
  const auto add = [&](int index) { views.push_back(FindNamedView(capture, capture.views[index].name)); };
  if (text == "all") {
    for (size_t i = 0; i < capture.views.size(); ++i) add(static_cast<int>(i));
  } else if (text == "train" || text == "test") {
    for (int index : text == "train" ? capture.train : capture.held_out) add(index);
  } else {
    size_t begin = 0;
    while (begin <= text.size()) {
      const size_t end = std::min(text.find(',', begin), text.size());
      if (end > begin) views.push_back(FindNamedView(capture, text.substr(begin, end - begin)));
      begin = end + 1;
    }
  }
  if (views.empty())
    throw InputError("--views {}: names no view. Use all, train, test or names separated by commas", text);
  return views;
}

}  // namespace semfield
