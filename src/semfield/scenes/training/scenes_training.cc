#include "semfield/scenes/training/scenes_training.h"

#include "semfield/base/error.h"
#include "semfield/perception/model_folders.h"

namespace semfield {

namespace fs = std::filesystem;

fs::path WeightsFile(const std::string& name, const std::string& method) {
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
      "Train it: semfield train LIST --method {} --out RUN",
      name, name, method);
}

}  // namespace semfield
