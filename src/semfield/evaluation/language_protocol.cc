#include "semfield/evaluation/language_protocol.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/error.h"
#include "semfield/base/text.h"
#include "semfield/evaluation/metrics.h"
#include "semfield/evaluation/teacher_view.h"
#include "semfield/field/teacher_image.h"
#include "semfield/image/pixels.h"
#include "semfield/interaction/seen_classes.h"
#include "semfield/perception/dense_encoder.h"
#include "semfield/perception/vocabulary.h"

namespace semfield {
namespace {

constexpr int kLongestSide = 640;  // of the frame that is compared

// The likeliest of the allowed classes at every pixel of a picture that a map covers as a whole.
ClassImage LikeliestOf(const FeatureMap& map, const std::vector<bool>& allowed, int width, int height) {
  ClassImage image(width, height, 1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int u = std::min(map.width - 1, x * map.width / width);
      const int v = std::min(map.height - 1, y * map.height / height);
      int best = -1;
      float most = -INFINITY;
      for (int c = 0; c < map.channels; ++c) {
        const float p = map.data[(static_cast<size_t>(c) * map.height + v) * map.width + u];
        if (!allowed[c] || p <= most) continue;
        most = p;
        best = c;
      }
      image.At(x, y, 0) = best < 0 ? kNoClass : static_cast<uint8_t>(best);
    }
  }
  return image;
}

// Who answers, and how well.
struct Row {
  std::string key, what;
  ClassScore score;
};

class Scorer {
 public:
  explicit Scorer(const ProtocolInputs& inputs)
      : scene_(inputs.scene),
        encoder_(LoadDenseEncoder(inputs.teacher, {.onnxruntime = inputs.onnxruntime})),
        words_(WordsOfScene(inputs)) {
    AddRow("photo", "the teacher on the true photo");
    AddRow("rendering", "the teacher on our rendering");
    if (HasFeatures(inputs.run, inputs.teacher)) {
      san_ = OpenPyramid(inputs.run, inputs.teacher);
      decoder_ = LoadDenseDecoder(inputs.teacher, {.onnxruntime = inputs.onnxruntime});
      AddRow("san", "SAN's text half");
      fields_.push_back(RenderedClasses(scene_.field, *san_.pyramid, *decoder_));
      Note("san", san_);
    }
    if (HasFeatures(inputs.run, FeaturesName(inputs.teacher, kLaser))) {
      laser_ = OpenClassField(inputs.run, inputs.teacher, kLaser);
      AddRow("laser", "Laser");
      fields_.push_back(RenderedClasses(scene_.field, *laser_.classes));
      Note("laser", laser_);
    }
    if (fields_.empty()) {
      const std::string run = ShellQuoted(inputs.run.folder.path().string());
      throw InputError(
          "{}: nothing imitates '{}' yet. Run: semfield imitate {} --teacher {}, or with --method laser", run,
          inputs.teacher, run, ShellQuoted(inputs.teacher));
    }
  }

  const std::vector<Row>& rows() const { return rows_; }
  const Json& imitations() const { return imitations_; }
  std::vector<std::string> Words() const {
    std::vector<std::string> names;
    for (size_t c = 0; c < words_.size(); ++c) {
      if (words_[c]) names.push_back(encoder_->classes()[c]);
    }
    return names;
  }

  // False where the view has no labels of these words.
  bool Add(int view, const StopToken* stop) {
    const View& posed = scene_.capture.views[view];
    const Camera frame = ScoringCamera(posed.camera, kLongestSide);
    const std::optional<ClassImage> truth = Truth(view, frame);
    if (!truth ||
        std::all_of(truth->data.begin(), truth->data.end(), [](uint8_t c) { return c == kNoClass; }))
      return false;
    const ImageU8 photo = ToU8(Resize(PhotoOverBackground(scene_, view), frame.width, frame.height));
    const SquareView square(frame, kReferenceResolution);
    const Pose pose = square.WorldFromSquare(posed.world_from_camera);
    const ImageU8 rendering =
        RenderTeacherImage(scene_.field, square.square(), pose, scene_.background.data(), stop);
    size_t row = 0;
    rows_[row++].score.Add(LikeliestOf(encoder_->Look(photo, stop), words_, frame.width, frame.height),
                           *truth);
    rows_[row++].score.Add(SeenClasses(square, encoder_->Look(rendering, stop)).Likeliest(words_), *truth);
    for (const ClassMaps& field : fields_)
      rows_[row++].score.Add(SeenClasses(square, field(square.square(), pose, stop)).Likeliest(words_),
                             *truth);
    return true;
  }

 private:
  static constexpr const char* kLaser = "laser";

  void AddRow(const char* key, const char* what) {
    rows_.push_back({key, what, ClassScore(static_cast<int>(encoder_->classes().size()))});
  }
  void Note(const char* key, const OpenedFeatures& features) {
    imitations_[key] = {{"features_checkpoint", features.checksum},
                        {"imitation_step", features.step},
                        {"imitation_finished", features.finished}};
  }

  // What has a word: the class of all the rest is not asked for.
  std::optional<ClassImage> Truth(int view, const Camera& frame) const {
    std::optional<ClassImage> truth =
        TrueClasses(scene_, view, encoder_->classes(), frame.width, frame.height);
    if (!truth) return truth;
    for (uint8_t& c : truth->data) {
      if (c != kNoClass && !words_[c]) c = kNoClass;
    }
    return truth;
  }

  // The classes with a word that the labels of some scored view show.
  std::vector<bool> WordsOfScene(const ProtocolInputs& inputs) const {
    std::vector<bool> has_word(encoder_->classes().size(), false), shown = has_word;
    const Vocabulary vocabulary = LoadVocabulary(encoder_->card());
    for (const Word& word : vocabulary.words()) {
      if (word.class_id >= 0) has_word[word.class_id] = true;
    }
    for (const int view : inputs.views) {
      const Camera frame = ScoringCamera(scene_.capture.views[view].camera, kLongestSide);
      const auto truth = TrueClasses(scene_, view, encoder_->classes(), frame.width, frame.height);
      if (!truth) continue;
      for (const uint8_t c : truth->data) {
        if (c != kNoClass && has_word[c]) shown[c] = true;
      }
    }
    if (std::count(shown.begin(), shown.end(), true) < 2)
      throw InputError("{}: the labels of the held-out views show fewer than two of the classes of '{}': {}",
                       scene_.capture.path.string(), encoder_->card().name,
                       fmt::join(encoder_->classes(), ", "));
    return shown;
  }

  const EvaluationScene& scene_;
  std::unique_ptr<DenseEncoder> encoder_;
  std::unique_ptr<DenseDecoder> decoder_;
  const std::vector<bool> words_;  // [classes] that the scene has
  OpenedFeatures san_, laser_;
  std::vector<ClassMaps> fields_;
  std::vector<Row> rows_;  // photo, rendering, then the fields
  Json imitations_ = Json::object();
};

double StandardError(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const double mean = Mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  const auto count = static_cast<double>(values.size());
  return std::sqrt(sum / (count - 1) / count);
}

Json Metrics(const ClassScore& score) {
  return {{"iou", Mean(score.view_ious())},
          {"iou_error", StandardError(score.view_ious())},
          {"accuracy", Mean(score.view_accuracies())},
          {"iou_of_all_pixels", score.all().MeanIou()},
          {"accuracy_of_all_pixels", score.all().TotalAccuracy()}};
}

std::string Definition(const std::string& what) {
  return fmt::format(
      "{}, each pixel the likeliest of the words of the scene, against the labels of held-out views at no "
      "more than {} pixels a side. iou: mean over the classes that labels or answer show in a view, then "
      "over views (3D-OVS, released code); iou_error: standard error of that over views; accuracy: share of "
      "right pixels, mean over views; .._of_all_pixels: of one confusion matrix over all views, its IoU the "
      "mean over the classes of the labels. Pixels whose label has no word are left out.",
      what, kLongestSide);
}

std::string Line(const std::string& what, const Json& metrics) {
  return fmt::format(
      "{}: mean IoU {:.3f} (standard error {:.3f}), accuracy {:.3f}; of all pixels {:.3f}, {:.3f}", what,
      metrics["iou"].get<double>(), metrics["iou_error"].get<double>(), metrics["accuracy"].get<double>(),
      metrics["iou_of_all_pixels"].get<double>(), metrics["accuracy_of_all_pixels"].get<double>());
}

class LanguageProtocol : public Protocol {
 public:
  std::string name() const override { return "language"; }
  std::string sentence() const override {
    return "classes by their words against labels, beside the teacher";
  }
  ProtocolNeeds needs() const override { return {.held_out = true, .labels = true, .words = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(NoProtocolOptions()); }

  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions&,
                     const JobControl& control) const override {
    Scorer scorer(inputs);
    std::vector<std::string> scored;
    for (const int view : inputs.views) {
      control.ThrowIfStopped();
      const std::string& name = inputs.scene.capture.views[view].name;
      if (scorer.Add(view, control.stop)) scored.push_back(name);
      control.Report({.stage = "evaluate language",
                      .done = static_cast<double>(scored.size()),
                      .total = static_cast<double>(inputs.views.size()),
                      .detail = name});
    }
    const std::vector<std::string> words = scorer.Words();
    ProtocolResult result{
        .protocol = name(),
        .facts = {{"teacher", inputs.teacher}, {"imitations", scorer.imitations()}, {"words", words}},
        .text = {
            fmt::format("{} words in {} views: {}", words.size(), scored.size(), fmt::join(words, ", "))}};
    for (const Row& row : scorer.rows()) {
      result.metrics[row.key] = Metrics(row.score);
      result.definitions[row.key] = Definition(row.what);
      result.text.push_back(Line(row.what, result.metrics[row.key]));
      for (size_t view = 0; view < scored.size(); ++view)
        result.per_view.push_back({{"row", row.key},
                                   {"view", scored[view]},
                                   {"iou", row.score.view_ious()[view]},
                                   {"accuracy", row.score.view_accuracies()[view]}});
    }
    result.metrics["views"] = scored.size();
    result.definitions["views"] = "Held-out views scored.";
    return result;
  }
};

}  // namespace

void ClassScore::Add(const ClassImage& answer, const ClassImage& truth) {
  ConfusionMatrix view(all_.num_classes());
  for (size_t i = 0; i < truth.data.size(); ++i) {
    if (truth.data[i] != kNoClass) view.Add(truth.data[i], answer.data[i] == kNoClass ? -1 : answer.data[i]);
  }
  if (view.scored() == 0) return;
  all_.Merge(view);
  std::vector<double> ious;
  for (const ClassAgreement& one : CompareClasses(answer, truth, 0, &truth)) ious.push_back(one.iou);
  view_ious_.push_back(Mean(ious));
  view_accuracies_.push_back(view.TotalAccuracy());
}

std::shared_ptr<const Protocol> MakeLanguageProtocol() {
  return std::make_shared<LanguageProtocol>();
}

}  // namespace semfield
