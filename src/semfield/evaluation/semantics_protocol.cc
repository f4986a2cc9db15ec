#include "semfield/evaluation/semantics_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/evaluation/class_scores.h"
#include "semfield/evaluation/metrics.h"
#include "semfield/image/pixels.h"
#include "semfield/views/run_classes.h"

namespace semfield {
namespace {

struct SemanticsChoices {
  ClassVoteOptions vote;
  void Describe(OptionList& list) {
    list.Group("Protocol semantics");
    list.Text("semantics-model", &vote.model,
              "Who says what class the places of a photo are: a model of kind "
              "dense, or labels, the capture's own label maps.");
    list.Int("semantics-sources", &vote.sources, "Photos that vote on a view.", {.min = 1, .max = 10000});
    list.Text("semantics-choice", &vote.choice, "Which, as --source-choice of render.",
              {.choices = {"seen", "nearest"}});
  }
};

// A way to a class map, and what it is.
struct Way {
  const char* key;
  const char* sentence;
};
constexpr Way kOnPhoto = {"photo", "the segmenter on the true photo"};
constexpr Way kOnRendering = {"rendering", "the segmenter on the rendered view"};
constexpr Way kBlindVote = {"vote_without_visibility",
                            "the mean of the probabilities of all sources in whose picture a place lies"};
constexpr Way kLogitVote = {"vote_on_logits", "the mean of the logarithms of the sources that see it"};
constexpr Way kVote = {"vote", "the mean of the probabilities of the sources that see it"};
constexpr Way kLearned = {"learned", "the method's own vote on its own geometry"};
constexpr Way kWays[] = {kOnPhoto, kOnRendering, kBlindVote, kLogitVote, kVote, kLearned};

// Scores of one way over all views.
struct Row {
  explicit Row(int classes) : all(classes) {}
  ConfusionMatrix all;
  std::vector<double> per_image;  // mean IoU of each view
};

class Scorer {
 public:
  Scorer(const ProtocolInputs& inputs, const SemanticsChoices& choices, const JobControl& control)
      : inputs_(inputs),
        capture_(*inputs.run.capture),
        control_(control),
        classes_(inputs.run, WithRuntime(choices.vote, inputs), control),
        to_capture_(ClassesOfCapture(classes_.classes(), capture_)),
        learned_to_capture_(inputs.run.class_renderer == nullptr
                                ? std::vector<int>()
                                : ClassesOfCapture(inputs.run.class_renderer->classes(), capture_)),
        names_(ResultNames(capture_)) {
    for (const Way& way : kWays) {
      if (way.key == kLearned.key && inputs.run.class_renderer == nullptr) continue;
      if (OfModel() || (way.key != kOnPhoto.key && way.key != kOnRendering.key))
        rows_.emplace(way.key, Row(static_cast<int>(capture_.class_names.size())));
    }
  }

  void Score(int view) {
    if (capture_.views[view].semantic.empty()) return;
    const ImageU16 truth = CheckedLabels(capture_, *inputs_.run.store, view);
    const Camera camera = inputs_.run.store->CameraOf(view);
    truth_ = ResizeNearest(truth, camera.width, camera.height);
    const NamedView named{.name = names_[view],
                          .camera = capture_.views[view].camera,
                          .world_from_camera = capture_.views[view].world_from_camera,
                          .index = view};
    one_ = {{"view", capture_.views[view].name}};
    ScorePictures(view, camera);
    const RunClasses::Target target = classes_.Aim(named, camera, control_.stop);
    ScoreVotes(target);
    if (inputs_.run.class_renderer) ScoreLearned(view, camera);
    per_view_.push_back(one_);
    control_.Report({.stage = "evaluate semantics",
                     .done = static_cast<double>(per_view_.size()),
                     .total = static_cast<double>(inputs_.views.size()),
                     .detail = capture_.views[view].name});
  }

  ProtocolResult Result() const {
    ProtocolResult result{.protocol = "semantics",
                          .facts = {{"model", classes_.options().model},
                                    {"sources", classes_.options().sources},
                                    {"source_choice", classes_.options().choice}}};
    for (const Way& way : kWays) {
      const auto found = rows_.find(way.key);
      if (found == rows_.end()) continue;
      const Row& row = found->second;
      Json scores = ScoresJson(row.all);
      scores["image_miou"] = Mean(row.per_image);
      scores["confusion"] = row.all.ToJson();
      if (rows_.count(kOnPhoto.key) > 0)
        scores["above_photo"] = row.all.MeanIou() - rows_.at(kOnPhoto.key).all.MeanIou();
      for (int c = 0; c < row.all.num_classes(); ++c) {
        if (const auto iou = row.all.Iou(c)) scores["iou"][capture_.class_names[c]] = *iou;
      }
      result.text.push_back(
          fmt::format("  {:<24} mIoU {:.3f}, per image {:.3f}, accuracy {:.3f}, average {:.3f}: {}", way.key,
                      row.all.MeanIou(), Mean(row.per_image), row.all.TotalAccuracy(),
                      row.all.AverageAccuracy(), way.sentence));
      result.metrics[way.key] = scores;
      result.definitions[way.key] = fmt::format("Class maps by {}.", way.sentence);
    }
    result.metrics["psnr"] = Mean(psnr_);
    result.metrics["unseen"] = Mean(unseen_);
    result.text.insert(
        result.text.begin(),
        fmt::format(
            "semantics: {} held-out views, rendered with {:.2f} dB; {:.1f} % of the pixels are seen by "
            "no source",
            per_view_.size(), Mean(psnr_), 100 * Mean(unseen_)));
    result.per_view = per_view_;
    AddDefinitions(&result.definitions);
    return result;
  }

 private:
  static ClassVoteOptions WithRuntime(ClassVoteOptions vote, const ProtocolInputs& inputs) {
    vote.onnxruntime = inputs.onnxruntime;
    vote.geometry = "run";  // what the method renders itself is a row of its own
    return vote;
  }
  bool OfModel() const { return classes_.options().model != kLabelsOfCapture; }

  static void AddDefinitions(Json* definitions) {
    (*definitions)["miou"] =
        "IoU of each class over one confusion matrix of all views, mean over the classes that occur in the "
        "truth; a pixel without an answer is wrong, one without a label does not count.";
    (*definitions)["above_photo"] =
        "miou less that of the segmenter on the true photo; over a list of scenes, its mean has a paired "
        "standard error.";
    (*definitions)["confusion"] =
        "The confusion matrix: a row a true class, a column an answer, the last column none.";
    (*definitions)["image_miou"] =
        "The same of each view for itself, over the classes that occur in it, mean over the views (as "
        "Semantic-Ray).";
    (*definitions)["total_accuracy"] = "Share of the labelled pixels whose class is right.";
    (*definitions)["average_accuracy"] =
        "Mean over the classes that occur of the share of their pixels that is "
        "right.";
    (*definitions)["psnr"] = "Mean over the views of the PSNR of the rendering with the photo, in dB.";
    (*definitions)["unseen"] = "Mean over the views of the share of pixels that no source sees.";
  }

  void Add(const Way& way, const ImageU8& ids) {
    const std::vector<int>& to_capture = way.key == kLearned.key ? learned_to_capture_ : to_capture_;
    Row& row = rows_.at(way.key);
    ConfusionMatrix one(row.all.num_classes());
    for (size_t i = 0; i < ids.data.size(); ++i) {
      const int truth = truth_.data[i] < capture_.class_names.size() ? truth_.data[i] : -1;
      one.Add(truth, ids.data[i] == kNoClass ? -1 : to_capture[ids.data[i]]);
    }
    if (one.scored() == 0) return;
    row.all.Merge(one);
    row.per_image.push_back(one.MeanIou());
    one_[way.key] = one.MeanIou();
  }

  void ScorePictures(int view, const Camera& camera) {
    RenderRequest request;
    std::copy_n(inputs_.run.background.data(), 3, request.background);
    const ImageF rendered =
        inputs_.run.Field()
            .Render(camera, capture_.views[view].world_from_camera, request, control_.stop)
            .rgb;
    const auto mask = inputs_.run.store->Mask(view);
    psnr_.push_back(
        PsnrOfMse(PictureError(rendered, PhotoOverBackground(inputs_.scene, view), mask.get()).mean()));
    one_["psnr"] = FiniteOrNull(psnr_.back());
    if (!OfModel()) return;
    Add(kOnPhoto, LikeliestClasses(*classes_.photos().Get(view, control_.stop), camera.width, camera.height));
    Add(kOnRendering,
        LikeliestClasses(classes_.photos().Look(ToU8(rendered), control_.stop), camera.width, camera.height));
  }

  void ScoreVotes(const RunClasses::Target& target) {
    Add(kBlindVote, classes_.Vote(target, {.visibility = false}, control_.stop).Ids());
    Add(kLogitVote, classes_.Vote(target, {.on = VoteRule::On::kLogits}, control_.stop).Ids());
    const ClassView vote = classes_.Vote(target, {}, control_.stop);
    Add(kVote, vote.Ids());
    unseen_.push_back(vote.unseen);
    one_["unseen"] = vote.unseen;
  }

  void ScoreLearned(int view, const Camera& camera) {
    const ImageF classes =
        inputs_.run.class_renderer->Render(camera, capture_.views[view].world_from_camera, control_.stop);
    Add(kLearned, LikeliestClasses(classes, camera.width, camera.height));
  }

  const ProtocolInputs& inputs_;
  const Capture& capture_;
  const JobControl& control_;
  RunClasses classes_;
  const std::vector<int> to_capture_, learned_to_capture_;
  const std::vector<std::string> names_;
  std::map<std::string, Row> rows_;
  std::vector<double> psnr_, unseen_;
  ImageU16 truth_;  // of the view that is scored
  Json one_ = Json::object();
  Json per_view_ = Json::array();
};

class SemanticsProtocol : public Protocol {
 public:
  std::string name() const override { return "semantics"; }
  std::string sentence() const override {
    return "class maps of held-out views, of a segmenter and by a vote of other photos, against labels";
  }
  ProtocolNeeds needs() const override { return {.held_out = true, .classes = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(SemanticsChoices()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions& options,
                     const JobControl& control) const override {
    Scorer scorer(inputs, options.As<SemanticsChoices>(), control);
    for (const int view : inputs.views) {
      control.ThrowIfStopped();
      scorer.Score(view);
    }
    return scorer.Result();
  }
};

}  // namespace

std::vector<int> ClassesOfCapture(const std::vector<std::string>& model, const Capture& capture) {
  std::vector<int> ids;
  bool any = false;
  for (const std::string& name : model) {
    const auto found = std::find(capture.class_names.begin(), capture.class_names.end(), name);
    ids.push_back(found == capture.class_names.end() ? -1
                                                     : static_cast<int>(found - capture.class_names.begin()));
    any = any || ids.back() >= 0;
  }
  if (!any) {
    throw InputError("{}: none of its classes ({} ...) is one that the model knows ({} ...)",
                     capture.path.string(), capture.class_names.front(), model.front());
  }
  return ids;
}

std::shared_ptr<const Protocol> MakeSemanticsProtocol() {
  return std::make_shared<SemanticsProtocol>();
}

}  // namespace semfield
