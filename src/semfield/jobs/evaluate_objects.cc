#include "semfield/jobs/evaluate_objects.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/capture/readers/object_sheets.h"
#include "semfield/evaluation/object_pairs.h"
#include "semfield/views/picture_features.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;
constexpr char kAll[] = "all", kNone[] = "none";

// The folders of the corpus whose category is asked for.
std::vector<fs::path> ChosenCategories(const std::string& folder, const std::string& category) {
  std::vector<fs::path> folders = FindObjectCategories(folder);
  if (category == kAll) return folders;
  std::vector<std::string> known;
  for (const fs::path& one : folders) {
    known.push_back(ReadObjectCategory(one).name);
    if (known.back() == category) return {one};
  }
  throw InputError("{}: no category '{}'; there are: {}", folder, category, fmt::join(known, ", "));
}

// "NAME=WEIGHTS" or "NAME=WEIGHTS:FEATURES".
ObjectInputs InputsOf(const std::string& row, const std::string& category, const std::string& onnxruntime) {
  const size_t equals = row.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == row.size())
    throw InputError("--object-weights {}: expected NAME=WEIGHTS or NAME=WEIGHTS:FEATURES", row);
  ObjectInputs inputs{.weights = row.substr(equals + 1),
                      .category = category,
                      .features = "",
                      .onnxruntime = onnxruntime,
                      .name = row.substr(0, equals)};
  const size_t colon = inputs.weights.rfind(':');
  if (colon == std::string::npos) return inputs;
  inputs.features = inputs.weights.substr(colon + 1);
  inputs.weights.resize(colon);
  return inputs;
}

}  // namespace

void EvaluateObjectsOptions::Describe(OptionList& list) {
  list.Group("Features of objects");
  list.Text("category", &category,
            "Of a folder of categories of objects (protocols parts and keypoints): which one, or all.");
  list.Text("pairs", &pairs, "Which pairs of pictures.",
            {.choices = {kAll, kCrossInstance, kNovelView, kOtherView}});
  list.Int("max-pairs", &max_pairs, "At most so many pairs of each list and category, evenly spread. 0: all.",
           {.min = 0, .max = 1e6});
  list.Flag("surface", &surface, "Compare points of surfaces too.");
  list.Text("object-teacher", &teacher,
            "Models whose features of the pictures themselves are a row, joined by +; none: no such row.");
  list.TextList(
      "features", &features,
      "Further rows: folders with OBJECT/VIEW.safetensors, a tensor \"features\" [channels, height, "
      "width] each.");
  list.TextList("object-weights", &weights,
                "Further rows: NAME=WEIGHTS of --object-method, or NAME=WEIGHTS:FEATURES (of feature_nerf: "
                "internal, teacher, joined or aligned).");
  list.Text("object-method", &object_method, "Method over many objects that --object-weights are of.",
            {.choices = {"feature_nerf"}});
  list.Text("teacher-cache", &cache,
            "Folder in which what the models say of pictures is kept for the next time. Empty: nowhere.");
}

ProtocolResult EvaluateObjects(const ObjectProtocol& protocol, const std::string& folder,
                               const EvaluateObjectsOptions& options, const MethodList& methods,
                               const std::string& onnxruntime, const JobControl& control) {
  const Stopwatch stopwatch;
  ObjectProtocolInputs inputs{.categories = ChosenCategories(folder, options.category),
                              .lists = {options.pairs},
                              .max_pairs = options.max_pairs,
                              .surface = options.surface,
                              .features = {}};
  if (options.pairs == kAll) inputs.lists = {kCrossInstance, kNovelView, kOtherView};
  std::vector<std::shared_ptr<const ObjectFeatures>> rows;
  if (options.teacher != kNone) {
    rows.push_back(std::make_shared<TeacherFeatures>(TeacherFeaturesOptions{
        .teacher = {.models = options.teacher, .onnxruntime = onnxruntime}, .folder = options.cache}));
  }
  for (const std::string& one : options.features) rows.push_back(std::make_shared<FileFeatures>(one));
  inputs.features = [&](const std::string& category) {
    std::vector<std::shared_ptr<const ObjectFeatures>> all = rows;
    for (const std::string& one : options.weights)
      all.push_back(methods.Find(options.object_method).OpenObjects(InputsOf(one, category, onnxruntime)));
    return all;
  };
  ProtocolResult result = protocol.Run(inputs, control);
  result.facts = {{"objects", folder},
                  {"category", options.category},
                  {"pairs", options.pairs},
                  {"max_pairs", options.max_pairs},
                  {"object_teacher", options.teacher},
                  {"features", options.features},
                  {"object_weights", options.weights}};
  result.seconds = stopwatch.Seconds();
  return result;
}

}  // namespace semfield
