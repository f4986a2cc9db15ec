#include "semfield/evaluation/san_words.h"

#include <fmt/format.h>

#include "semfield/base/stopwatch.h"
#include "semfield/evaluation/class_images.h"
#include "semfield/evaluation/metrics.h"
#include "semfield/evaluation/teacher_view.h"
#include "semfield/field/teacher_image.h"
#include "semfield/interaction/seen_classes.h"
#include "semfield/perception/dense_encoder.h"

namespace semfield {
namespace {

constexpr double kSmallestShare = 0.003;  // of a view, that a class has to cover
constexpr int kLongestSide = 512;         // of the frame that is compared

struct ViewScore {
  std::string name;
  std::vector<ClassAgreement> with_teacher, truth, teacher_truth;
  std::vector<FeatureErrors> features;  // of every scale
  double agreed = 0;                    // share of pixels
  std::map<std::string, double> milliseconds;
};

std::vector<double> Ious(const std::vector<ClassAgreement>& classes) {
  std::vector<double> ious;
  for (const ClassAgreement& one : classes) ious.push_back(one.iou);
  return ious;
}

class Scorer {
 public:
  Scorer(const ProtocolInputs& inputs, const OpenedFeatures& features)
      : scene_(inputs.scene),
        pyramid_(*features.pyramid),
        encoder_(LoadDenseEncoder(inputs.teacher, {.onnxruntime = inputs.onnxruntime})),
        decoder_(LoadDenseDecoder(inputs.teacher, {.onnxruntime = inputs.onnxruntime})) {}

  const std::vector<std::string>& classes() const { return encoder_->classes(); }

  ViewScore Score(int view, const StopToken* stop) {
    const View& posed = scene_.capture.views[view];
    ViewScore score{.name = posed.name};
    const SquareView square(ScoringCamera(posed.camera, kLongestSide), kReferenceResolution);
    const Pose pose = square.WorldFromSquare(posed.world_from_camera);
    Stopwatch stopwatch;
    const ImageU8 picture =
        RenderTeacherImage(scene_.field, square.square(), pose, scene_.background.data(), stop);
    score.milliseconds["render"] = stopwatch.LapMilliseconds();
    const std::vector<FeatureMap> ours = pyramid_.Render(scene_.field, square.square(), pose, stop);
    score.milliseconds["features"] = stopwatch.LapMilliseconds();
    const FeatureMap our_classes = decoder_->Decode(ours, stop);
    score.milliseconds["decode"] = stopwatch.LapMilliseconds();
    const std::vector<FeatureMap> theirs = encoder_->LookBetween(picture, stop);
    score.milliseconds["encode"] = stopwatch.LapMilliseconds();
    for (size_t s = 0; s < ours.size(); ++s) {
      score.features.emplace_back();
      score.features.back().Add(ours[s], theirs[s]);
    }
    const ClassImage mine = SeenClasses(square, our_classes).Likeliest();
    const ClassImage teacher = SeenClasses(square, decoder_->Decode(theirs, stop)).Likeliest();
    score.with_teacher = CompareClasses(mine, teacher, kSmallestShare);
    int64_t same = 0;
    for (size_t i = 0; i < mine.data.size(); ++i) same += mine.data[i] == teacher.data[i];
    score.agreed = static_cast<double>(same) / static_cast<double>(mine.data.size());
    if (const auto truth = TrueClasses(scene_, view, classes(), mine.width, mine.height)) {
      score.truth = CompareClasses(mine, *truth, kSmallestShare, &*truth);
      score.teacher_truth = CompareClasses(teacher, *truth, kSmallestShare, &*truth);
    }
    return score;
  }

 private:
  const EvaluationScene& scene_;
  const PyramidField& pyramid_;
  std::unique_ptr<DenseEncoder> encoder_;
  std::unique_ptr<DenseDecoder> decoder_;
};

// The mean over classes of each view, of views that have any.
std::vector<std::vector<double>> MeansOfViews(const std::vector<ViewScore>& views,
                                              std::vector<ClassAgreement> ViewScore::*classes) {
  std::vector<std::vector<double>> means;
  for (const ViewScore& view : views) {
    const std::vector<double> ious = Ious(view.*classes);
    if (!ious.empty()) means.push_back({Mean(ious)});
  }
  return means;
}

void AddMean(const std::string& key, const std::vector<std::vector<double>>& views, Json* metrics) {
  if (views.empty()) return;
  std::vector<double> all;
  for (const std::vector<double>& view : views) all.insert(all.end(), view.begin(), view.end());
  (*metrics)[key] = Mean(all);
  const std::optional<Interval> interval = BootstrapInterval(views);
  (*metrics)[key + "_interval"] = interval ? Json{interval->low, interval->high} : Json(nullptr);
}

Json MetricsOf(const std::vector<ViewScore>& views) {
  Json metrics;
  AddMean("iou", MeansOfViews(views, &ViewScore::with_teacher), &metrics);
  AddMean("truth_iou", MeansOfViews(views, &ViewScore::truth), &metrics);
  AddMean("teacher_truth_iou", MeansOfViews(views, &ViewScore::teacher_truth), &metrics);
  std::vector<double> agreed;
  std::map<std::string, std::vector<double>> times;
  size_t classes = 0;
  std::vector<FeatureErrors> features;
  for (const ViewScore& view : views) {
    agreed.push_back(view.agreed);
    classes += view.with_teacher.size();
    for (const auto& [part, value] : view.milliseconds) times[part].push_back(value);
    features.resize(view.features.size());
    for (size_t s = 0; s < features.size(); ++s) features[s].Merge(view.features[s]);
  }
  metrics["agreed"] = Mean(agreed);
  metrics["views"] = views.size();
  metrics["classes"] = classes;
  double mse = 0;
  Json shares = Json::array();
  for (const FeatureErrors& scale : features) {
    mse += scale.MeanSquared();
    shares.push_back(FiniteOrNull(scale.MeanSquared() / scale.TeacherVariance()));
  }
  metrics["feature_mse"] = FiniteOrNull(mse);
  metrics["feature_mse_share"] = shares;
  for (const auto& [part, values] : times) metrics["milliseconds"][part] = Mean(values);
  return metrics;
}

Json DefinitionsOf(const Json& metrics) {
  const Json all = {
      {"iou",
       fmt::format("Intersection over union of the pixels that our rendered maps and the teacher's own, both "
                   "through the teacher's decoder, give one class; the teacher looks at our rendering of {} "
                   "pixels a side; of every class that covers {:g} % of the view in one of them, inside the "
                   "view at no more than {} pixels a side; mean over classes, then views.",
                   kReferenceResolution, 100 * kSmallestShare, kLongestSide)},
      {"iou_interval",
       "Where that mean lies with 95 % confidence, when views are what was drawn: quantiles of 2,000 means "
       "over views drawn with replacement. The other intervals are made alike."},
      {"truth_iou",
       "As iou, with the labels' classes in place of the teacher's; pixels whose label is of no class of the "
       "teacher are left out."},
      {"truth_iou_interval", "As iou_interval."},
      {"teacher_truth_iou", "As truth_iou, of the teacher on our rendering."},
      {"teacher_truth_iou_interval", "As iou_interval."},
      {"agreed", "Share of pixels that both give the same class; mean over views."},
      {"views", "Held-out views scored."},
      {"classes", "Classes scored, over all views."},
      {"feature_mse",
       "Squared difference of rendered and teacher maps, mean over channels, tokens and views; "
       "sum over scales (SAN Eq. 10)."},
      {"feature_mse_share",
       "Of each scale, the finest first: its part of feature_mse over the variance of the teacher's features "
       "around the mean of each channel. 0 is a perfect imitation, 1 knows only the mean."},
      {"milliseconds",
       "Mean time per view of rendering the square picture, rendering the maps, decoding them, and the "
       "teacher's encoder, with all threads."}};
  Json definitions = Json::object();
  for (const auto& [key, value] : metrics.items()) definitions[key] = all.at(key);
  return definitions;
}

Json PerView(const std::vector<ViewScore>& views, const std::vector<std::string>& names) {
  Json json = Json::array();
  for (const ViewScore& view : views) {
    Json classes = Json::array();
    for (const ClassAgreement& one : view.with_teacher)
      classes.push_back({{"class", names[one.class_id]}, {"share", one.share}, {"iou", one.iou}});
    json.push_back({{"view", view.name},
                    {"iou", Mean(Ious(view.with_teacher))},
                    {"agreed", view.agreed},
                    {"milliseconds", view.milliseconds},
                    {"classes", classes}});
  }
  return json;
}

std::vector<std::string> TextOf(const Json& metrics) {
  std::vector<std::string> text;
  const auto add = [&](const char* key, const char* what) {
    if (!metrics.contains(key)) return;
    std::string line = fmt::format("{}: IoU {:.3f}", what, metrics[key].get<double>());
    const Json& interval = metrics[std::string(key) + "_interval"];
    if (interval.is_array())
      line +=
          fmt::format(" ({:.3f} to {:.3f} over views)", interval[0].get<double>(), interval[1].get<double>());
    text.push_back(std::move(line));
  };
  add("iou", "classes, with the teacher on the same rendering");
  text.push_back(
      fmt::format("{} classes in {} held-out views; {:.1f} % of the pixels have the teacher's class",
                  metrics["classes"].get<size_t>(), metrics["views"].get<size_t>(),
                  100 * metrics["agreed"].get<double>()));
  add("truth_iou", "with the labels, ours");
  add("teacher_truth_iou", "with the labels, the teacher on the rendering");
  std::string shares;
  for (const Json& share : metrics["feature_mse_share"])
    if (share.is_number()) shares += fmt::format("{}{:.3f}", shares.empty() ? "" : ", ", share.get<double>());
  text.push_back(fmt::format("feature error over variance, the finest map first: {}", shares));
  return text;
}

}  // namespace

ProtocolResult EvaluateSanWords(const ProtocolInputs& inputs, const JobControl& control) {
  const OpenedFeatures features = OpenPyramid(inputs.run, inputs.teacher);
  Scorer scorer(inputs, features);
  std::vector<ViewScore> views;
  for (const int view : inputs.views) {
    control.ThrowIfStopped();
    views.push_back(scorer.Score(view, control.stop));
    control.Report({.stage = "evaluate san",
                    .done = static_cast<double>(views.size()),
                    .total = static_cast<double>(inputs.views.size()),
                    .detail = fmt::format("IoU {:.3f}", Mean(Ious(views.back().with_teacher)))});
  }
  const Json metrics = MetricsOf(views);
  return {.protocol = "san-words",
          .facts = {{"features_checkpoint", features.checksum},
                    {"teacher", inputs.teacher},
                    {"imitation_step", features.step},
                    {"imitation_finished", features.finished}},
          .text = TextOf(metrics),
          .metrics = metrics,
          .definitions = DefinitionsOf(metrics),
          .per_view = PerView(views, scorer.classes())};
}

}  // namespace semfield
