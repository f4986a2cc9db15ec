#include "semfield/jobs/run_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/memory.h"
#include "semfield/base/text.h"
#include "semfield/capture/view_files.h"
#include "semfield/evaluation/protocol.h"
#include "semfield/jobs/evaluate.h"
#include "semfield/run/opened_run.h"
#include "semfield/run/view_list.h"
#include "semfield/training/metrics_log.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr const char* kImitate = "imitate-";
constexpr size_t kEvaluationBytes = size_t{64} << 20;

std::string Minutes(double seconds) {
  return seconds < 120 ? fmt::format("{:.0f} s", seconds) : fmt::format("{:.1f} min", seconds / 60);
}

uint64_t FileBytes(const fs::path& file) {
  std::error_code code;
  const uintmax_t bytes = fs::file_size(file, code);
  return code ? 0 : bytes;
}

// Steps, time and quality so far, from the log's entries.
void TakeLog(const std::vector<Json>& log, RunState::Stage* stage) {
  const bool is_training = stage->name == "train";
  const char* key = is_training ? "psnr" : "feature_mse";
  stage->quality_name = is_training ? "training PSNR" : "feature error";
  for (const Json& entry : log) {
    if (entry["stage"] != stage->name) continue;
    if (entry.contains("seconds") && entry["seconds"].is_number())
      stage->seconds = entry["seconds"].get<double>();
    if (entry.contains(key) && entry[key].is_number()) stage->quality = entry[key].get<double>();
  }
}

RunState::Stage StageOf(const std::string& name, const Json& section, const fs::path& checkpoint,
                        const std::vector<Json>& log) {
  RunState::Stage stage{.name = name, .method = {}, .quality_name = {}, .problem = {}};
  if (section.is_object()) {
    if (section.contains(kMethodKey) && section[kMethodKey].is_string())
      stage.method = section[kMethodKey].get<std::string>();
    const Json options = section.value("options", Json());
    const Json steps = options.is_object() ? options.value("steps", Json()) : Json();
    if (steps.is_number_integer()) stage.steps = steps.get<int>();
    stage.first_features = IsOfFirstFeatures(section);
  }
  TakeLog(log, &stage);
  if (!CheckpointExists(checkpoint)) return stage;
  try {
    const Checkpoint read = LoadCheckpoint(checkpoint, name == "train" ? "radiance" : "features");
    stage.step = CheckpointState(read.file).at("step").get<int>();
    stage.bytes = FileBytes(checkpoint);
  } catch (const Error& error) {
    stage.problem = error.what();
    stage.bytes = FileBytes(checkpoint);
  }
  return stage;
}

std::vector<RunState::Evaluation> EvaluationsOf(const RunFolder& folder) {
  std::vector<RunState::Evaluation> found;
  std::string checksum;
  try {
    checksum = LoadCheckpoint(folder.radiance_checkpoint(), "radiance").file.Metadata("xxh3");
  } catch (const Error&) {
  }
  for (const auto& protocol : Protocols()) {
    const fs::path file = EvaluationFile(folder, protocol->name());
    if (!IsFile(file)) continue;
    try {
      const Json json = ReadJsonFile(file, kEvaluationBytes);
      if (!json.is_object() || !json.contains("metrics") || !json["metrics"].is_object()) continue;
      found.push_back({.protocol = protocol->name(),
                       .metrics = json["metrics"],
                       .is_current = json.value("radiance_checkpoint", Json()) == checksum});
    } catch (const Error& error) {
      LogWarning("{}", error.what());
    }
  }
  return found;
}

// Files of the run itself; nothing is followed out of it.
void CountFiles(const RunFolder& folder, RunState* state) {
  std::error_code code;
  for (fs::recursive_directory_iterator entry(folder.path(), code), end; !code && entry != end;
       entry.increment(code)) {
    std::error_code own;
    if (entry->is_symlink(own) || !entry->is_regular_file(own)) continue;
    state->bytes += FileBytes(entry->path());
    const fs::path parent = entry->path().parent_path();
    if (parent == folder.masks_dir()) ++state->mask_files;
  }
  const fs::path selections = folder.selections_dir();
  if (!IsFile(selections / "selections.json")) return;
  for (fs::directory_iterator entry(selections, code), end; !code && entry != end; entry.increment(code))
    state->selections += entry->path().extension() == ".safetensors";
}

void TakeViews(const RunFolder& folder, const Json& section, RunState* state) {
  if (!section.is_object() || !section.contains("capture") || !section["capture"].is_string()) return;
  const fs::path place = CapturePlace(folder, section);
  std::error_code code;
  state->capture = place.string();
  state->has_capture = fs::exists(place, code) && !code;
  if (!IsFile(folder.view_list())) return;
  try {
    const Capture capture = CaptureOfViewList(ReadJsonFile(folder.view_list()), folder.view_list().string());
    state->train_views = static_cast<int>(capture.train.size());
    state->held_out_views = static_cast<int>(capture.held_out.size());
  } catch (const Error& error) {
    LogWarning("{}", error.what());
  }
}

std::string NextOf(const RunState& state) {
  const std::string run = ShellQuoted(state.run);
  const auto stage = [&](const auto& is_it) {
    return std::find_if(state.stages.begin(), state.stages.end(), is_it);
  };
  const auto train = stage([](const RunState::Stage& s) { return s.name == "train"; });
  if (train == state.stages.end()) return fmt::format("semfield train CAPTURE --out {}", run);
  if (!train->problem.empty()) return fmt::format("semfield train --out {} --restart", run);
  if (!train->finished()) return fmt::format("semfield train --out {} --resume", run);
  const auto imitation = stage([](const RunState::Stage& s) { return s.name != "train"; });
  if (imitation == state.stages.end()) return fmt::format("semfield imitate {}", run);
  const std::string teacher = imitation->name.substr(std::string_view(kImitate).size());
  const std::string option = teacher == "sam" ? "" : " --teacher " + ShellQuoted(teacher);
  if (!imitation->problem.empty()) return fmt::format("semfield imitate {}{} --restart", run, option);
  if (imitation->first_features) return fmt::format("semfield imitate {}{}", run, option);
  if (!imitation->finished()) return fmt::format("semfield imitate {}{} --resume", run, option);
  if (state.evaluations.empty()) return fmt::format("semfield evaluate {} --protocol all", run);
  return fmt::format("semfield segment {}{} --view test:0 --click X,Y", run, option);
}

std::string LineOf(const RunState::Stage& stage) {
  std::string line = fmt::format("{:<11}", stage.name == "train" ? "train" : stage.name);
  if (stage.bytes == 0) return line + fmt::format("begun, no checkpoint yet; {} steps planned", stage.steps);
  if (!stage.problem.empty()) return line + stage.problem;
  line += stage.first_features ? fmt::format("first features, step {}", stage.step)
          : stage.finished()   ? fmt::format("done, {} steps", stage.step)
                               : fmt::format("step {} of {}", stage.step, stage.steps);
  if (stage.seconds > 0) line += " in " + Minutes(stage.seconds);
  if (stage.quality)
    line +=
        fmt::format(", {} {:.4g}{}", stage.quality_name, *stage.quality, stage.name == "train" ? " dB" : "");
  return line + fmt::format(", {}", BytesText(static_cast<double>(stage.bytes)));
}

}  // namespace

bool IsRunFolder(const fs::path& path) {
  if (!IsFile(path / "config.json")) return false;
  try {
    RunFolder::Open(path);
    return true;
  } catch (const Error&) {
    return false;
  }
}

RunState ReadRunState(const fs::path& path) {
  const RunFolder folder = RunFolder::Open(path);
  const Json config = folder.ReadConfig();
  RunState state{.run = path.string(), .version = {}, .capture = {}, .next = {}};
  if (const Json version = config.value("semfield_version", Json()); version.is_string())
    state.version = version.get<std::string>();
  const std::vector<Json> log = MetricsLog::Read(folder.metrics());
  for (const auto& [name, section] : config.items()) {
    if (name == "train") {
      TakeViews(folder, section, &state);
      state.stages.push_back(StageOf(name, section, folder.radiance_checkpoint(), log));
    } else if (name.rfind(kImitate, 0) == 0) {
      const std::string teacher = name.substr(std::string_view(kImitate).size());
      state.stages.push_back(StageOf(name, section, folder.features_checkpoint(teacher), log));
    }
  }
  state.evaluations = EvaluationsOf(folder);
  CountFiles(folder, &state);
  state.next = NextOf(state);
  return state;
}

std::vector<std::string> RunState::Text() const {
  std::vector<std::string> text = {fmt::format("run        {}, {} on disk, by semfield {}", run,
                                               BytesText(static_cast<double>(bytes)), version)};
  if (!capture.empty()) {
    text.push_back(
        fmt::format("capture    {}{}", capture,
                    has_capture ? "" : "  is not there any more; name its new place with --capture"));
  }
  if (train_views > 0)
    text.push_back(fmt::format("views      {} trained on, {} held out", train_views, held_out_views));
  for (const Stage& stage : stages) text.push_back(LineOf(stage));
  for (const Evaluation& evaluation : evaluations) {
    std::vector<std::string> numbers;
    for (const auto& [key, value] : evaluation.metrics.items()) {
      if (value.is_number() && numbers.size() < 4)
        numbers.push_back(fmt::format("{} {:.4g}", key, value.get<double>()));
    }
    text.push_back(fmt::format("evaluated  {}: {}{}", evaluation.protocol, fmt::join(numbers, ", "),
                               evaluation.is_current ? "" : "  (of an earlier state)"));
  }
  if (selections > 0) text.push_back(fmt::format("things     {} states of selections", selections));
  if (mask_files > 0) text.push_back(fmt::format("masks      {} files", mask_files));
  text.push_back("next       " + next);
  return text;
}

Json RunState::ToJson() const {
  Json json = {{"run", run},
               {"semfield_version", version},
               {"capture", capture},
               {"has_capture", has_capture},
               {"views", {{"train", train_views}, {"held_out", held_out_views}}},
               {"stages", Json::array()},
               {"evaluations", Json::array()},
               {"selections", selections},
               {"mask_files", mask_files},
               {"bytes", bytes},
               {"next", next}};
  for (const Stage& stage : stages) {
    json["stages"].push_back({{"name", stage.name},
                              {"method", stage.method},
                              {"step", stage.step},
                              {"steps", stage.steps},
                              {"finished", stage.finished()},
                              {"first_features", stage.first_features},
                              {"seconds", stage.seconds},
                              {"quality", stage.quality ? Json(*stage.quality) : Json()},
                              {"quality_name", stage.quality_name},
                              {"bytes", stage.bytes},
                              {"problem", stage.problem}});
  }
  for (const Evaluation& evaluation : evaluations) {
    json["evaluations"].push_back({{"protocol", evaluation.protocol},
                                   {"metrics", evaluation.metrics},
                                   {"is_current", evaluation.is_current}});
  }
  return json;
}

}  // namespace semfield
