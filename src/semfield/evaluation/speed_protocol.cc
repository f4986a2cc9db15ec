#include "semfield/evaluation/speed_protocol.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "semfield/base/median.h"
#include "semfield/base/parallel.h"
#include "semfield/base/stopwatch.h"
#include "semfield/evaluation/teacher_view.h"
#include "semfield/field/teacher_image.h"
#include "semfield/surface/shown_field.h"

namespace semfield {
namespace {

struct SpeedChoices {
  int rounds = 5;
  void Describe(OptionList& list) {
    list.Group("Protocol speed");
    list.Int("rounds", &rounds, "Times that everything is measured; the median counts.",
             {.min = 1, .max = 1000});
  }
};

struct Step {
  const char* key;
  const char* text;
  const char* definition;
  const char* paper;  // SAN Table 1, on one V100
};
constexpr Step kSteps[] = {
    {"rgb_volume", "RGB, volume", "The square picture that the teacher is shown, from the volume.", "17"},
    {"rgb_mesh", "RGB, mesh", "The same picture through the mesh.", ""},
    {"view_mesh", "RGB of 640x480 pixels, mesh", "A view of 640x480 pixels through the mesh.", ""},
    {"encoder", "features, the teacher's encoder", "The teacher's own encoder on that picture.", "624"},
    {"features_volume", "features, volume (Eq. 6)", "Imitated features of the view, from the volume.", ""},
    {"features_mesh", "features, mesh (Eq. 7)", "Imitated features of the view, one surface point a ray.",
     "12"},
    {"decoder", "decoder, one click", "The teacher's prompt decoder on one click.", "8"}};

// Milliseconds of each step in all rounds.
using Times = std::map<std::string, std::vector<double>>;

struct Fields {
  const EvaluationScene& scene;
  const FeatureField& features;
  const RadianceField* mesh;  // nullptr: the run has none
};

void Measure(const Fields& fields, int view, ImageEncoder& encoder, PromptDecoder& decoder, Times* times) {
  const View& posed = fields.scene.capture.views[view];
  const Pose& pose = posed.world_from_camera;
  const SquareView square(posed.camera, kReferenceResolution);
  const float* background = fields.scene.background.data();
  Stopwatch stopwatch;
  const auto lap = [&](const char* key) { (*times)[key].push_back(stopwatch.LapMilliseconds()); };
  const ImageU8 picture = RenderTeacherImage(fields.scene.field, square.square(), pose, background);
  lap("rgb_volume");
  encoder.Encode(picture);
  lap("encoder");
  FeatureMap map = RenderGrid(fields.features, fields.scene.field, square.square(), pose);
  lap("features_volume");
  if (fields.mesh != nullptr) {
    RenderTeacherImage(*fields.mesh, square.square(), pose, background);
    lap("rgb_mesh");
    const Camera large = posed.camera.Resized(640, 480);
    stopwatch.LapMilliseconds();
    RenderTeacherImage(*fields.mesh, large, pose, background);
    lap("view_mesh");
    map = RenderGrid(fields.features, *fields.mesh, square.square(), pose);
    lap("features_mesh");
  }
  const Vec2 middle(0.5 * posed.camera.width, 0.5 * posed.camera.height);
  stopwatch.LapMilliseconds();
  ClickMask(decoder, map, square, middle, Granularity::kAuto);
  lap("decoder");
}

Json MetricsOf(const Times& times) {
  Json metrics;
  const auto ms = [&](const char* key) { return metrics[key].get<double>(); };
  for (const Step& step : kSteps) {
    if (const auto found = times.find(step.key); found != times.end())
      metrics[step.key] = Median(found->second);
  }
  metrics["fps_teacher"] = 1000 / (ms("rgb_volume") + ms("encoder") + ms("decoder"));
  for (const std::string shown : {"volume", "mesh"}) {
    const std::string features = "features_" + shown;
    if (!metrics.contains(features)) continue;
    metrics["fps_" + shown] = 1000 / (ms(("rgb_" + shown).c_str()) + ms(features.c_str()) + ms("decoder"));
    metrics["speedup_" + shown] = ms("encoder") / ms(features.c_str());
  }
  return metrics;
}

Json DefinitionsOf(const Json& metrics) {
  Json definitions;
  for (const Step& step : kSteps) {
    if (metrics.contains(step.key))
      definitions[step.key] = fmt::format("{} Milliseconds, median over rounds.", step.definition);
  }
  definitions["fps_teacher"] = "Pictures with the mask of a click a second: volume, encoder and decoder.";
  for (const std::string shown : {"volume", "mesh"}) {
    if (!metrics.contains("fps_" + shown)) continue;
    definitions["fps_" + shown] = fmt::format("The same with picture and features of the {}.", shown);
    definitions["speedup_" + shown] = fmt::format("encoder / features_{}.", shown);
  }
  return definitions;
}

std::vector<std::string> TableOf(const Json& metrics) {
  std::vector<std::string> text = {fmt::format("{:<34}{:>10}{:>16}", "ms", "here", "paper, V100")};
  const auto row = [&](const char* key, const char* what, int digits, const char* paper) {
    if (metrics.contains(key))
      text.push_back(fmt::format("{:<34}{:>10.{}f}{:>16}", what, metrics[key].get<double>(), digits, paper));
  };
  for (const Step& step : kSteps) row(step.key, step.text, 1, step.paper);
  row("fps_teacher", "frames a second, encoder", 2, "1.53");
  row("fps_volume", "frames a second, volume", 2, "");
  row("fps_mesh", "frames a second, mesh", 2, "24.39");
  row("speedup_volume", "encoder / features, volume", 1, "");
  row("speedup_mesh", "encoder / features, mesh", 1, "52.0");
  if (!metrics.contains("features_mesh"))
    text.emplace_back("this run has no mesh: semfield mesh RUN makes one");
  return text;
}

class SpeedProtocol : public Protocol {
 public:
  std::string name() const override { return "speed"; }
  std::string sentence() const override { return "the cost of a click in a new view (SAN Table 1)"; }
  ProtocolNeeds needs() const override { return {.held_out = true, .features = true, .quiet = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(SpeedChoices()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions& any,
                     const JobControl& control) const override {
    const int rounds = any.As<SpeedChoices>().rounds;
    const OpenedFeatures features = OpenFeatures(inputs.run, inputs.teacher);
    const auto encoder = LoadImageEncoder(inputs.teacher, {.onnxruntime = inputs.onnxruntime});
    const auto decoder = LoadPromptDecoder(inputs.teacher, {.onnxruntime = inputs.onnxruntime});
    const bool has_mesh = LoadRunMesh(inputs.run, nullptr).has_value();
    const ShownField mesh(inputs.run, {.what = has_mesh ? "mesh" : "volume"});
    const EvaluationScene scene{.capture = inputs.scene.capture,
                                .store = inputs.scene.store,
                                .field = inputs.run.Field(),
                                .background = inputs.scene.background};
    Times times;
    for (int round = 0; round <= rounds; ++round) {
      control.ThrowIfStopped();
      Times unused;  // of the first round, in which buffers and caches fill
      const int view = inputs.views[round % inputs.views.size()];
      Measure({scene, *features.field, has_mesh ? &*mesh : nullptr}, view, *encoder, *decoder,
              round == 0 ? &unused : &times);
      control.Report({.stage = "evaluate speed",
                      .done = static_cast<double>(round + 1),
                      .total = static_cast<double>(rounds + 1)});
    }
    const Json metrics = MetricsOf(times);
    return {.protocol = name(),
            .facts = {{"teacher", inputs.teacher}, {"threads", NumThreads()}, {"rounds", rounds}},
            .text = TableOf(metrics),
            .metrics = metrics,
            .definitions = DefinitionsOf(metrics)};
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakeSpeedProtocol() {
  return std::make_shared<SpeedProtocol>();
}

}  // namespace semfield
