#include "semfield/evaluation/semantics_protocol.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/evaluation/class_scores.h"
#include "semfield/evaluation/metrics.h"
#include "semfield/image/pixels.h"
#include "semfield/views/run_classes.h"

namespace semfield {
namespace {

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
constexpr Way kLearned = {"learned", "the class map that the method renders itself"};
constexpr Way kWays[] = {kOnPhoto, kOnRendering, kBlindVote, kLogitVote, kVote, kLearned};
constexpr Way kRivals[] = {kOnPhoto, kOnRendering, kVote};  // whom the others are compared with
constexpr Way kVotes[] = {kBlindVote, kLogitVote, kVote};

struct SemanticsChoices {
  ClassVoteOptions vote;
  std::vector<std::string> rows;
  void Describe(OptionList& list) {
    list.Group("Protocol semantics");
    list.TextList(
        "semantics-rows", &rows,
        "Only these ways to a class map, by the names that the answer has; empty: all, and the PSNR.",
        {.metavar = "NAME"});
    list.Text("semantics-model", &vote.model,
              "Who says what class the places of a photo are: a model of kind "
              "dense, or labels, the capture's own label maps.");
    list.Int("semantics-sources", &vote.sources, "Photos that vote on a view.", {.min = 1, .max = 10000});
    list.Text("semantics-choice", &vote.choice, "Which, as --source-choice of render.",
              {.choices = {"seen", "nearest"}});
  }
};

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
        vote_(WithRuntime(choices.vote, inputs)),
        names_(ResultNames(capture_)) {
    ChooseRows(choices.rows);
    in_colors_ = choices.rows.empty() || Asked(kOnRendering);
    if (Asked(kLearned))
      learned_to_capture_ = ClassesOfCapture(inputs.run.class_renderer->classes(), capture_);
    if (rows_.size() > Asked(kLearned)) {
      classes_.emplace(inputs.run, vote_, control);
      to_capture_ = ClassesOfCapture(classes_->classes(), capture_);
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
    if (std::any_of(std::begin(kVotes), std::end(kVotes), [&](const Way& way) { return Asked(way); }))
      ScoreVotes(classes_->Aim(named, camera, control_.stop));
    if (Asked(kLearned)) ScoreLearned(view, camera);
    per_view_.push_back(one_);
    control_.Report({.stage = "evaluate semantics",
                     .done = static_cast<double>(per_view_.size()),
                     .total = static_cast<double>(inputs_.views.size()),
                     .detail = capture_.views[view].name});
  }

  ProtocolResult Result() const {
    ProtocolResult result{
        .protocol = "semantics",
        .facts = {{"model", vote_.model}, {"sources", vote_.sources}, {"source_choice", vote_.choice}}};
    for (const Way& way : kWays) {
      const auto found = rows_.find(way.key);
      if (found == rows_.end()) continue;
      const Row& row = found->second;
      Json scores = ScoresJson(row.all);
      scores["image_miou"] = Mean(row.per_image);
      scores["confusion"] = row.all.ToJson();
      for (const Way& rival : kRivals) {
        if (Asked(rival))
          scores[fmt::format("above_{}", rival.key)] = row.all.MeanIou() - rows_.at(rival.key).all.MeanIou();
      }
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
    std::string head = fmt::format("semantics: {} held-out views", per_view_.size());
    if (!psnr_.empty()) {
      result.metrics["psnr"] = Mean(psnr_);
      head += fmt::format(", rendered with {:.2f} dB", Mean(psnr_));
    }
    if (!unseen_.empty()) {
      result.metrics["unseen"] = Mean(unseen_);
      head += fmt::format("; {:.1f} % of the pixels are seen by no source", 100 * Mean(unseen_));
    }
    result.text.insert(result.text.begin(), head);
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
  bool Asked(const Way& way) const { return rows_.count(way.key) > 0; }

  void ChooseRows(const std::vector<std::string>& asked) {
    std::vector<std::string> there;
    for (const Way& way : kWays) {
      if (way.key == kLearned.key && inputs_.run.class_renderer == nullptr) continue;
      if (vote_.model == kLabelsOfCapture && (way.key == kOnPhoto.key || way.key == kOnRendering.key))
        continue;
      there.emplace_back(way.key);
      if (asked.empty() || std::find(asked.begin(), asked.end(), way.key) != asked.end())
        rows_.emplace(way.key, Row(static_cast<int>(capture_.class_names.size())));
    }
    for (const std::string& row : asked) {
      if (std::find(there.begin(), there.end(), row) == there.end())
        throw InputError("--semantics-rows {}: no such row here; there are {}", row, fmt::join(there, ", "));
    }
  }

  static void AddDefinitions(Json* definitions) {
    (*definitions)["miou"] =
        "IoU of each class over one confusion matrix of all views, mean over the classes that occur in the "
        "truth; a pixel without an answer is wrong, one without a label does not count.";
    for (const Way& rival : kRivals) {
      (*definitions)[fmt::format("above_{}", rival.key)] =
          fmt::format("miou less that of {}; over a list of scenes, its mean has a paired standard error.",
                      rival.sentence);
    }
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
    if (Asked(kOnPhoto))
      Add(kOnPhoto,
          LikeliestClasses(*classes_->photos().Get(view, control_.stop), camera.width, camera.height));
    if (!in_colors_) return;
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
    if (!Asked(kOnRendering)) return;
    Add(kOnRendering, LikeliestClasses(classes_->photos().Look(ToU8(rendered), control_.stop), camera.width,
                                       camera.height));
  }

  void ScoreVotes(const RunClasses::Target& target) {
    if (Asked(kBlindVote))
      Add(kBlindVote, classes_->Vote(target, {.visibility = false}, control_.stop).Ids());
    if (Asked(kLogitVote))
      Add(kLogitVote, classes_->Vote(target, {.on = VoteRule::On::kLogits}, control_.stop).Ids());
    if (!Asked(kVote)) return;
    const ClassView vote = classes_->Vote(target, {}, control_.stop);
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
  const ClassVoteOptions vote_;
  std::optional<RunClasses> classes_;  // where a segmenter's classes are asked
  bool in_colors_ = true;
  std::vector<int> to_capture_, learned_to_capture_;
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
