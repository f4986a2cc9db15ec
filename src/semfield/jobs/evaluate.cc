#include "semfield/jobs/evaluate.h"

#include <fmt/format.h>

#include <algorithm>

#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/version.h"
#include "semfield/capture/scene_list.h"
#include "semfield/evaluation/surface_protocol.h"
#include "semfield/jobs/evaluate_list.h"
#include "semfield/run/feed_forward.h"
#include "semfield/surface/run_mesh.h"

namespace semfield {
namespace {

constexpr const char* kAll = "all";

bool HasDepth(const OpenedRun& run) {
  const std::vector<int>& views = run.capture->held_out;
  return std::any_of(views.begin(), views.end(),
                     [&](int view) { return !run.capture->views[view].depth.empty(); });
}

bool HasClasses(const OpenedRun& run) {
  const std::vector<int>& views = run.capture->held_out;
  return !run.capture->class_names.empty() && std::any_of(views.begin(), views.end(), [&](int view) {
    return !run.capture->views[view].semantic.empty();
  });
}

// A true mesh, and one of the run.
bool HasMeshes(const OpenedRun& run) {
  return std::filesystem::exists(TrueMeshOf(*run.capture)) && LoadRunMesh(run, nullptr);
}

std::vector<const Protocol*> Chosen(const EvaluateJobOptions& job, const OpenedRun& run) {
  if (job.protocol != kAll) return {&FindProtocol(job.protocol)};
  std::vector<const Protocol*> protocols;
  for (const auto& protocol : Protocols()) {
    const ProtocolNeeds needs = protocol->needs();
    const bool can = (!needs.labels || run.capture->HasInstances()) && (!needs.depth || HasDepth(run)) &&
                     (!needs.mesh || HasMeshes(run));
    // Classes are those of a model: whether it knows the capture's is for the user to say.
    if (!needs.truth && !needs.classes && !needs.words && !needs.quiet && can)
      protocols.push_back(protocol.get());
  }
  return protocols;
}

// Throws for what a protocol needs and does not get.
void CheckNeeds(const Protocol& protocol, const EvaluateJobOptions& job, const OpenedRun& run) {
  const ProtocolNeeds needs = protocol.needs();
  if (needs.truth && job.truth.empty()) {
    throw InputError(
        "--truth is missing: protocol {} compares {}; name a capture of the same photos that is true",
        protocol.name(), protocol.sentence());
  }
  if (needs.held_out && run.capture->held_out.empty()) {
    throw InputError("{}: no held-out views to score ({}). Train on a capture with a test split",
                     run.capture->path.string(), run.capture->split_rule);
  }
  if (needs.labels && !run.capture->HasInstances()) {
    throw InputError("{}: protocol {} needs instance masks, which this capture has none of",
                     run.capture->path.string(), protocol.name());
  }
  if (needs.depth && !HasDepth(run)) {
    throw InputError("{}: protocol {} needs depth maps of held-out views, which this capture has none of",
                     run.capture->path.string(), protocol.name());
  }
  if (needs.classes && !HasClasses(run)) {
    throw InputError(
        "{}: protocol {} needs class maps of held-out views and the names of the classes, which this capture "
        "has none of",
        run.capture->path.string(), protocol.name());
  }
  if (needs.features && !HasFeatures(run, job.teacher))
    OpenFeatures(run, job.teacher);  // says how to make them
}

Json HeaderJson(const EvaluateResult::Header& header, const std::string& protocol) {
  return {{"protocol", protocol},     {"capture", header.capture},
          {"run", header.run},        {"semfield_version", Version()},
          {"split", header.split},    {"radiance_checkpoint", header.radiance_checkpoint},
          {"through", header.through}};
}

Json ProtocolJson(const EvaluateResult::Header& header, const ProtocolResult& result) {
  Json json = HeaderJson(header, result.protocol);
  json.update(result.facts);
  json["metrics"] = result.metrics;
  json["definitions"] = result.definitions;
  json["seconds"] = result.seconds;
  json["per_view"] = result.per_view;
  return json;
}

std::string ProtocolHelp() {
  std::string help;
  for (const auto& protocol : Protocols())
    help += fmt::format("{}: {}{}; ", protocol->name(), protocol->sentence(),
                        protocol->needs().truth ? " (--truth)" : "");
  for (const auto& protocol : ObjectProtocols())
    help += fmt::format("{}: {} (of a folder of objects); ", protocol->name(), protocol->sentence());
  return help +
         "all: those of a run that need no --truth, no class maps, no quiet machine and nothing that the "
         "capture lacks.";
}

}  // namespace

EvaluateJobOptions::EvaluateJobOptions() {
  for (const auto& one : Protocols()) options[one->name()] = one->NewOptions();
}

void EvaluateJobOptions::Describe(OptionList& list) {
  std::vector<std::string> names;
  for (const auto& one : Protocols()) names.push_back(one->name());
  for (const auto& one : ObjectProtocols()) names.push_back(one->name());
  names.emplace_back(kAll);
  list.Group("Evaluation");
  list.Text("run", &run,
            "Run folder, or a capture, or a list of such (a .json with \"scenes\"), or a folder of objects.");
  list.Text("split", &split, "Which scenes of a list.");
  source.Describe(list);
  list.Text("method", &method, "Of captures, which are scored without any training on them: by which method.",
            {.choices = {"gnesf", "gp_nerf"}});
  list.Text("weights", &weights, "Of captures: as --weights of render.");
  list.Text(
      "words-model", &words_model,
      "Of captures: who says what class the places of photos are to the method; empty: as it was trained. "
      "The other rows have a model of their own, --semantics-model.");
  list.Text("protocol", &protocol, ProtocolHelp(), {.choices = names});
  list.Int("max-views", &max_views, "Score at most so many held-out views, evenly spread. 0: all.",
           {.min = 0, .max = 1e6});
  list.Text("truth", &truth, "Capture of the same photos that is true.");
  list.Text("teacher", &teacher, "Model that was imitated.");
  list.Text("onnxruntime", &onnxruntime, "ONNX Runtime library; empty: searched.");
  through.Describe(list);
  objects.Describe(list);
  for (const auto& one : Protocols()) options.at(one->name()).Describe(list);
}

std::filesystem::path EvaluationFile(const RunFolder& run, const std::string& protocol) {
  return run.path() / ("evaluation-" + protocol + ".json");
}

EvaluationScene SceneOfRun(const OpenedRun& run, const RadianceField* field) {
  return {.capture = *run.capture,
          .store = *run.store,
          .field = field != nullptr ? *field : run.Field(),
          .background = run.background};
}

std::vector<std::string> EvaluateResult::Text() const {
  std::vector<std::string> text;
  for (size_t i = 0; i < scenes.size(); ++i) {
    text.push_back(names[i] + ":");
    for (std::string& line : scenes[i].Text()) text.push_back(std::move(line));
  }
  if (!scenes.empty()) {
    text.push_back(fmt::format("over {} scenes:", scenes.size()));
    for (std::string& line : OverScenesText(over_scenes)) text.push_back("  " + line);
  }
  for (const ProtocolResult& protocol : protocols)
    text.insert(text.end(), protocol.text.begin(), protocol.text.end());
  return text;
}

Json EvaluateResult::ToJson() const {
  if (!scenes.empty()) {
    Json json = {{"scenes", Json::array()}, {"over_scenes", over_scenes}};
    for (const EvaluateResult& scene : scenes) json["scenes"].push_back(scene.ToJson());
    return json;
  }
  if (!all) return ProtocolJson(header, protocols.front());
  Json json = HeaderJson(header, kAll);
  for (const ProtocolResult& protocol : protocols) {
    const Json one = ProtocolJson(header, protocol);
    for (const char* key : {"metrics", "definitions", "seconds", "per_view", "worst"}) {
      if (one.contains(key)) json[key][protocol.protocol] = one[key];
    }
  }
  return json;
}

namespace {

bool IsList(const std::string& path) {
  std::error_code error;
  return std::filesystem::path(path).extension() == ".json" && std::filesystem::is_regular_file(path, error);
}

EvaluateResult EvaluateScenes(const EvaluateJobOptions& job, const MethodList& methods,
                              const JobControl& control) {
  if (!job.source.capture.empty())
    throw InputError("--capture belongs to one run, not to a list: {}", job.run);
  const std::vector<ListedScene> scenes = ScenesOf(ReadSceneList(job.run), job.split, job.run);
  EvaluateResult result{.header = {}, .all = job.protocol == kAll, .protocols = {}};
  std::vector<Json> metrics;
  for (const ListedScene& scene : scenes) {
    EvaluateJobOptions one = job;
    one.run = scene.path.string();
    result.scenes.push_back(RunEvaluate(one, methods, control));
    result.names.push_back(scene.path.filename().string());
    metrics.push_back(result.scenes.back().ToJson()["metrics"]);
  }
  result.over_scenes = OverScenes(metrics);
  return result;
}

}  // namespace

EvaluateResult RunEvaluate(const EvaluateJobOptions& job, const MethodList& methods,
                           const JobControl& control) {
  if (const ObjectProtocol* protocol = FindObjectProtocol(job.protocol)) {
    EvaluateResult result{.header = {.capture = job.run}, .all = false, .protocols = {}};
    result.protocols.push_back(
        EvaluateObjects(*protocol, job.run, job.objects, methods, job.onnxruntime, control));
    return result;
  }
  if (IsList(job.run)) return EvaluateScenes(job, methods, control);
  if (job.protocol != kAll) FindProtocol(job.protocol);  // an unknown one is said before anything is opened
  const OpenedRun run =
      OpenRunOrCapture(job.run, methods, job.source,
                       {.method = job.method, .weights = job.weights, .words_model = job.words_model});
  run.capture->held_out = WithPhotos(*run.capture, run.capture->held_out);  // the others cannot be scored
  const std::vector<const Protocol*> chosen = Chosen(job, run);
  for (const Protocol* protocol : chosen) CheckNeeds(*protocol, job, run);
  const ShownField shown(run, job.through);
  const ProtocolInputs inputs{.run = run,
                              .scene = SceneOfRun(run, &*shown),
                              .mesh = shown.mesh(),
                              .views = SpreadViews(run.capture->held_out, job.max_views),
                              .truth = job.truth,
                              .teacher = job.teacher,
                              .onnxruntime = job.onnxruntime};
  EvaluateResult result{.header = {.capture = run.capture->path.string(),
                                   .run = run.folder.path().string(),
                                   .split = run.capture->split_rule,
                                   .radiance_checkpoint = run.radiance_checksum,
                                   .through = job.through.what},
                        .all = job.protocol == kAll,
                        .protocols = {}};
  for (const Protocol* protocol : chosen) {
    const Stopwatch stopwatch;
    result.protocols.push_back(protocol->Run(inputs, job.options.at(protocol->name()), control));
    result.protocols.back().seconds = stopwatch.Seconds();
    WriteJsonFile(EvaluationFile(run.folder, result.protocols.back().protocol),
                  ProtocolJson(result.header, result.protocols.back()));
  }
  return result;
}

}  // namespace semfield
