#include "semfield/run/feed_forward.h"

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/text.h"
#include "semfield/base/version.h"
#include "semfield/capture/reader.h"
#include "semfield/capture/view_files.h"
#include "semfield/run/view_list.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

// "room" of "captures/room/" and of "captures/room/transforms.json".
std::string NameOf(const fs::path& capture) {
  fs::path path = fs::absolute(capture).lexically_normal();
  if (IsFile(path)) path = path.parent_path();
  if (path.filename().empty()) path = path.parent_path();
  return path.filename().string();
}

Json SectionOf(const Capture& capture, const RunFolder& folder, const Method& method,
               const FeedForwardOptions& options) {
  Json chosen = OptionsToJson(method.Resolve(method.NewOptions(), capture));
  if (!options.weights.empty()) {
    const bool is_path = fs::exists(options.weights);
    chosen["weights"] = is_path ? fs::absolute(options.weights).string() : options.weights;
  }
  if (!options.words_model.empty() && chosen.contains("words-model"))
    chosen["words-model"] = options.words_model;
  Json section = {{"semfield_version", Version()},
                  {"capture_hash", capture.hash},
                  {"format", capture.format},
                  {kMethodKey, method.info().name},
                  {"downscale", 1.0},
                  {"options", chosen}};
  SetCapturePlace(folder, capture.path, &section);
  return section;
}

}  // namespace

OpenedRun OpenRunOrCapture(const fs::path& path, const MethodList& methods, const RunSource& source,
                           const FeedForwardOptions& options) {
  const std::vector<std::string> known = methods.Names();
  const bool shows = std::find(known.begin(), known.end(), options.method) != known.end();
  // What is neither is told as a run that is not there.
  if (!shows || IsFile(path / "config.json") || !fs::exists(path)) return OpenRun(path, methods, source);
  const Method& method = methods.Find(options.method);
  if (method.info().trains_on == MethodInfo::TrainsOn::kManyObjects) {
    throw InputError(
        "{}: method '{}' knows single objects in single pictures: semfield render IMAGE --method {} "
        "--category NAME",
        path.string(), options.method, options.method);
  }
  if (method.info().trains_on != MethodInfo::TrainsOn::kManyScenes)
    throw InputError("{}: not a run, and method '{}' must be trained on a capture first: semfield train {}",
                     path.string(), options.method, ShellQuoted(path.string()));
  const Capture capture = ReadCapture(path, {.allow_outside = source.allow_outside});
  const fs::path place = NameOf(path) + "-" + method.info().name;
  const RunFolder folder = RunFolder::Create(place);
  {
    const RunLock lock(folder);
    const Json section = SectionOf(capture, folder, method, options);
    if (folder.ReadConfigSection("train") != section) {
      WriteJsonFile(folder.view_list(), ViewListJson(capture));
      folder.WriteConfigSection("train", section);
      LogInfo("{}: shown by {} without any training on it; what is made of it is kept in {}", path.string(),
              method.info().name, place.string());
    }
  }
  return OpenRun(place, methods, source);
}

}  // namespace semfield
