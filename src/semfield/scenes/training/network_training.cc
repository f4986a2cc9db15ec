#include "semfield/scenes/training/network_training.h"

#include "semfield/base/error.h"
#include "semfield/perception/model_folders.h"

namespace semfield {

namespace fs = std::filesystem;

Json PlanSteps(SceneTrainer& trial, double minutes, const Stopwatch& started, const JobControl& control,
               int* steps) {
  constexpr int kWarm = 2, kTimed = 6;  // after those that warm up
  for (int i = 0; i < kWarm; ++i) trial.Step(control);
  const Stopwatch timed;
  for (int i = 0; i < kTimed; ++i) trial.Step(control);
  const double seconds = std::max(1.0, 60 * minutes - started.Seconds());
  *steps = std::max(1, static_cast<int>(seconds / (timed.Seconds() / kTimed)));
  return {{"minutes", minutes}, {"seconds", seconds}};
}

ManyScenesInputs CopyOf(const ManyScenesInputs& inputs) {
  ManyScenesInputs scenes{.scenes = {}, .onnxruntime = inputs.onnxruntime};
  for (const ManyScenesInputs::Scene& scene : inputs.scenes) {
    scenes.scenes.push_back(
        {.capture = std::make_unique<Capture>(*scene.capture), .store = nullptr, .cache = scene.cache});
    scenes.scenes.back().store = std::make_unique<ImageStore>(
        *scenes.scenes.back().capture, scene.store->downscale(), scene.store->max_bytes());
  }
  return scenes;
}

fs::path WeightsFile(const std::string& name, const std::string& method, const std::string& on) {
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
      "Train it: semfield train {} --method {} --out RUN",
      name, name, on, method);
}

}  // namespace semfield
