// Protocol san as a Protocol: its options, its text and its answer.
#include <fmt/format.h>

#include "semfield/evaluation/san_protocol.h"
#include "semfield/evaluation/san_words.h"
#include "semfield/perception/model_card.h"

namespace semfield {
namespace {

constexpr size_t kWorstClicks = 12;

// The options that people may choose; the rest of SanOptions is the protocol's.
struct SanChoices {
  std::string granularity = "auto";
  int clicks_per_side = SanOptions().clicks_per_side;
  bool photo_teacher = true;
  void Describe(OptionList& list) {
    list.Group("Protocol san");
    list.Text("granularity", &granularity, "Which of the decoder's masks answers a click.",
              {.choices = {"auto", "whole", "part", "subpart", "single"}});
    list.Int("clicks-per-side", &clicks_per_side,
             "Clicks in every view: a grid, so many a side. More take longer and tell smaller differences.",
             {.min = 1, .max = 64});
    list.Flag("photo-teacher", &photo_teacher,
              "Compare with the teacher's masks on the photo too: one more encoder run a view.");
  }
};

std::vector<std::string> SanText(const Json& metrics) {
  std::vector<std::string> text;
  const auto add = [&](const char* key, const char* what) {
    if (!metrics.contains(key)) return;
    const Json& interval = metrics[std::string(key) + "_interval"];
    std::string line = fmt::format("{}: IoU {:.3f}", what, metrics[key].get<double>());
    if (interval.is_array())
      line +=
          fmt::format(" ({:.3f} to {:.3f} over views)", interval[0].get<double>(), interval[1].get<double>());
    text.push_back(std::move(line));
  };
  text.push_back(fmt::format(
      "{} clicks in {} held-out views: IoU with the teacher {:.3f} (median {:.3f}, {:.0f} % over "
      "0.7)",
      metrics["clicks"].get<size_t>(), metrics["views"].get<size_t>(), metrics["iou"].get<double>(),
      metrics["iou_median"].get<double>(), 100 * metrics["iou_share_over_0.7"].get<double>()));
  add("iou", "at the decoder's choice");
  add("iou_single", "its single mask");
  add("iou_teacher_choice", "at the teacher's own choice");
  add("photo_iou", "with the teacher on the photo");
  if (metrics["feature_mse"].is_number() && metrics["feature_cosine"].is_number()) {
    text.push_back(fmt::format("features: MSE {:.5f}, cosine {:.4f}", metrics["feature_mse"].get<double>(),
                               metrics["feature_cosine"].get<double>()));
  }
  if (metrics.contains("truth_iou")) {
    text.push_back(fmt::format("{} labelled things: IoU {:.3f}, the teacher's own {:.3f}",
                               metrics["things"].get<size_t>(), metrics["truth_iou"].get<double>(),
                               metrics["teacher_truth_iou"].get<double>()));
  }
  add("photo_teacher_iou", "the teacher on the rendering with itself on the photo");
  if (metrics.contains("teacher_distance"))
    text.push_back(fmt::format("nearest pose of the teacher: {:.3f} units away (mean over views)",
                               metrics["teacher_distance"].get<double>()));
  return text;
}

// The features of a scene as another field of it shows them.
class FeaturesThrough : public FeatureField {
 public:
  FeaturesThrough(const FeatureField& features, const RadianceField& shown)
      : features_(features), shown_(shown) {}
  const FeatureSpace& space() const override { return features_.space(); }
  FeatureMap Render(const RadianceField&, const Camera& camera, const Pose& world_from_camera, int width,
                    int height, const StopToken* stop) const override {
    return features_.Render(shown_, camera, world_from_camera, width, height, stop);
  }

 private:
  const FeatureField& features_;
  const RadianceField& shown_;
};

class SanProtocol : public Protocol {
 public:
  std::string name() const override { return "san"; }
  std::string sentence() const override {
    return "masks of clicks, or of classes, against the teacher's (SAN section 5.4)";
  }
  ProtocolNeeds needs() const override { return {.held_out = true, .features = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(SanChoices()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions& any,
                     const JobControl& control) const override {
    if (FindModelCard(inputs.teacher).kind == "dense") return EvaluateSanWords(inputs, control);
    const SanChoices& choices = any.As<SanChoices>();
    const OpenedFeatures features = OpenFeatures(inputs.run, inputs.teacher);
    const auto encoder =
        LoadImageEncoder(inputs.teacher, {.threads = 1, .onnxruntime = inputs.onnxruntime, .stages = {}});
    const auto decoder = LoadPromptDecoder(inputs.teacher, {.threads = 1, .onnxruntime = inputs.onnxruntime});
    const SanOptions options = {.clicks_per_side = choices.clicks_per_side,
                                .photo_teacher = choices.photo_teacher,
                                .granularity = ParseGranularity(choices.granularity),
                                .training_poses = features.training_poses};
    // The teacher looks at the volume's pictures, whatever the features go through.
    const EvaluationScene scene{.capture = inputs.scene.capture,
                                .store = inputs.scene.store,
                                .field = inputs.run.Field(),
                                .background = inputs.scene.background};
    const FeaturesThrough shown(*features.field, inputs.scene.field);
    const SanResult result = EvaluateSan(scene, {shown, *encoder, *decoder}, inputs.views, options, control);
    const Json metrics = SanMetricsJson(result);
    return {.protocol = name(),
            .facts = {{"features_checkpoint", features.checksum},
                      {"teacher", inputs.teacher},
                      {"granularity", choices.granularity},
                      {"imitation_step", features.step},
                      {"imitation_finished", features.finished},
                      {"worst", SanWorstJson(result, kWorstClicks)}},
            .text = SanText(metrics),
            .metrics = metrics,
            .definitions = SanDefinitions(result),
            .per_view = SanPerViewJson(result)};
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakeSanProtocol() {
  return std::make_shared<SanProtocol>();
}

}  // namespace semfield
