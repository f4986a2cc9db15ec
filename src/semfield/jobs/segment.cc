#include "semfield/jobs/segment.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "semfield/base/error.h"
#include "semfield/base/log.h"
#include "semfield/base/stopwatch.h"
#include "semfield/field/teacher_image.h"
#include "semfield/image/pixels.h"
#include "semfield/interaction/click_session.h"
#include "semfield/jobs/mask_files.h"
#include "semfield/jobs/mask_truth.h"
#include "semfield/jobs/prompt_text.h"
#include "semfield/jobs/segment_classes.h"
#include "semfield/jobs/segment_object.h"
#include "semfield/jobs/segment_words.h"
#include "semfield/perception/image_encoder.h"
#include "semfield/run/feed_forward.h"
#include "semfield/run/opened_run.h"
#include "semfield/run/view_list.h"

namespace semfield {
namespace {

constexpr std::array<uint8_t, 3> kMaskColor = {230, 40, 60};

// What only a selection in 3D knows is refused.
Granularity DecoderGranularity(const std::string& name) {
  if (name == "object" || name == "group")
    throw InputError("--granularity {}: only a thing in 3D has it; leave out --per-view and --teacher-direct",
                     name);
  return ParseGranularity(name);
}

class SegmentJob {
 public:
  SegmentJob(const SegmentJobOptions& job, const OpenedRun& run, const StopToken* stop)
      : job_(job),
        run_(run),
        shown_(run, job.through),
        stop_(stop),
        features_(OpenFeatures(run, job.teacher)),
        decoder_(LoadPromptDecoder(job.teacher, {.onnxruntime = job.onnxruntime})),
        session_(*shown_, Features(), *decoder_),
        granularity_(DecoderGranularity(job.granularity)),
        files_(run, job.out.empty() ? run.folder.masks_dir() : std::filesystem::path(job.out), job.name,
               kMaskColor) {
    if (!features_.finished) LogInfo("the imitation is at step {}: masks will still improve", features_.step);
  }

  // The view that was clicked in.
  SegmentJobResult::View First(const NamedView& view, const Prompt& prompt) {
    WarnAboutUnseen(view);
    clicks_.clear();
    for (const PromptPoint& point : prompt.points) {
      if (const std::optional<SurfaceClick> click = session_.Lift(Seen(view), point)) {
        clicks_.push_back(*click);
      } else {
        LogWarning("click {},{} hits nothing in the scene: it is used in this view only", point.x, point.y);
      }
    }
    SegmentJobResult::View record =
        Answer(view, prompt, session_.Ask(Seen(view), prompt, granularity_, stop_));
    if (job_.truth) truth_.emplace(run_, view, prompt);
    AddTruth(view, &record);
    if (prompt.points.empty()) LiftMask(view);
    return record;
  }

  void Finish(SegmentJobResult* result) const {
    result->sheet = files_.Finish();
    result->numbers = files_.numbers().string();
  }

  // A view that gets the lifted clicks.
  SegmentJobResult::View Other(const NamedView& view) {
    WarnAboutUnseen(view);
    const SpreadResult spread =
        session_.Spread(clicks_, Seen(view), job_.depth_tolerance, granularity_, stop_);
    SegmentJobResult::View record = Answer(view, spread.prompt, spread.answer);
    record.hidden = spread.hidden;
    AddTruth(view, &record);
    return record;
  }

 private:
  static SeenView Seen(const NamedView& view) { return {view.camera, view.world_from_camera}; }

  // Rendered features, or those of the teacher's own encoder on our rendering.
  FeatureSource Features() {
    if (!job_.teacher_direct) return RenderedFeatures(*shown_, *features_.field);
    encoder_ = LoadImageEncoder(job_.teacher, {.onnxruntime = job_.onnxruntime});
    return [this](const Camera& square, const Pose& world_from_square, const StopToken* stop) {
      return encoder_->Encode(
          RenderTeacherImage(*shown_, square, world_from_square, run_.background.data(), stop), stop);
    };
  }

  static void WarnAboutUnseen(const NamedView& view) {
    const double unseen = UnseenShare(CoverWithSquares(view.camera, kSquareMaskResolution));
    if (unseen == 0) return;
    LogWarning(
        "view {}: {:.1f} % of it lie so far off the camera's axis that the teacher cannot see them: masks "
        "are "
        "empty there",
        view.name, 100 * unseen);
  }

  // A box alone has no surface point: the middle of the mask it made stands for it in other views.
  void LiftMask(const NamedView& view) {
    const ImageF distance = DistanceToBorder(last_mask_);
    const size_t best = std::max_element(distance.data.begin(), distance.data.end()) - distance.data.begin();
    if (distance.data.empty() || distance.data[best] <= 0) return;
    const PromptPoint point = {.x = best % last_mask_.width + 0.5, .y = best / last_mask_.width + 0.5};
    if (const auto click = session_.Lift(Seen(view), point)) clicks_.push_back(*click);
  }

  SegmentJobResult::View Answer(const NamedView& view, const Prompt& prompt, const SegmentResult& result) {
    const MaskFiles::Written written = files_.Write(view, result.mask.binary, prompt.points);
    last_mask_ = result.mask.binary;
    std::map<std::string, double> milliseconds = result.milliseconds;
    if (auto features = milliseconds.extract("features")) {
      if (encoder_) features.key() = "render and encode";
      milliseconds.insert(std::move(features));
    }
    return {.name = view.name,
            .mask = written.mask,
            .overlay = written.overlay,
            .score = result.mask.score,
            .area = written.area,
            .area_share = written.area_share,
            .granularity = result.mask.granularity,
            .clicks = prompt.points,
            .milliseconds = std::move(milliseconds)};
  }

  void AddTruth(const NamedView& view, SegmentJobResult::View* record) const {
    const auto score = truth_ ? truth_->Compare(view, last_mask_) : std::nullopt;
    if (!score) return;
    record->truth_iou = score->iou;
    record->truth = score->name;
  }

  const SegmentJobOptions& job_;
  const OpenedRun& run_;
  const ShownField shown_;
  const StopToken* stop_;
  OpenedFeatures features_;
  std::unique_ptr<PromptDecoder> decoder_;
  std::unique_ptr<ImageEncoder> encoder_;
  ClickSession session_;
  Granularity granularity_;
  MaskFiles files_;
  std::vector<SurfaceClick> clicks_;
  ImageU8 last_mask_;
  std::optional<MaskTruth> truth_;
};

// Each view for itself: the clicks are carried to it.
SegmentJobResult SegmentViews(const SegmentJobOptions& job, const OpenedRun& run,
                              const std::vector<NamedView>& views, const Prompt& prompt,
                              const JobControl& control) {
  SegmentJob segment(job, run, control.stop);
  SegmentJobResult result{.run = job.run};
  for (const NamedView& view : views) {
    control.ThrowIfStopped();
    const bool is_first = &view == &views.front();
    result.views.push_back(is_first ? segment.First(view, prompt) : segment.Other(view));
    if (is_first) continue;
    control.Report({.stage = "segment",
                    .done = static_cast<double>(result.views.size()),
                    .total = static_cast<double>(views.size()),
                    .detail = view.name});
  }
  segment.Finish(&result);
  return result;
}

bool ByWords(const SegmentJobOptions& job) {
  return !job.text.empty() || !job.class_name.empty();
}

bool ByVote(const SegmentJobOptions& job) {
  return job.vote.method == "gnesf" || job.vote.method == "gp_nerf";
}

void CheckOptions(const SegmentJobOptions& job) {
  if (job.name.find('/') != std::string::npos)
    throw InputError("--name {}: expected a file name without '/'", job.name);
  if (ByVote(job) && (job.class_name.empty() || !job.text.empty()))
    throw InputError("--method {} finds one class: name it with --class, e.g. --class chair",
                     job.vote.method);
  if (!ByWords(job)) {
    if (job.view.empty()) throw InputError("--view is missing: where is the click? e.g. --view test:0");
    return;
  }
  if (!job.click.empty() || !job.box.empty() || (!job.text.empty() && !job.class_name.empty()))
    throw InputError("--text, --class and clicks or boxes each say what to find: give one");
  if (job.per_view || job.teacher_direct || job.truth)
    throw InputError("--per-view, --teacher-direct and --truth belong to clicks, not to words");
  if (job.view.empty() && job.views.empty())
    throw InputError("--views is missing: of which views shall the masks be? e.g. --views all");
}

std::string Line(const SegmentJobResult::View& view) {
  std::string line = fmt::format("{}: {}", view.name, view.mask);
  if (view.hidden) return line + "  hidden";
  line += fmt::format("  score {:.3f}, {:.2f} % of the view", view.score, 100 * view.area_share);
  if (view.truth_iou) line += fmt::format(", IoU {:.3f} with '{}'", *view.truth_iou, view.truth);
  return line;
}

Json ViewJson(const SegmentJobResult::View& view) {
  Json clicks = Json::array();
  for (const PromptPoint& point : view.clicks)
    clicks.push_back({{"x", point.x}, {"y", point.y}, {"positive", point.positive}});
  Json json = {{"view", view.name},
               {"photo", view.photo},
               {"width", view.width},
               {"height", view.height},
               {"mask", view.mask},
               {"overlay", view.overlay},
               {"score", view.score},
               {"area", view.area},
               {"area_share", view.area_share},
               {"granularity", view.granularity},
               {"hidden", view.hidden},
               {"clicks", clicks},
               {"milliseconds", Json(view.milliseconds)}};
  if (view.truth_iou) {
    json["truth_iou"] = *view.truth_iou;
    json["truth"] = view.truth;
  }
  return json;
}

}  // namespace

void SegmentJobOptions::Describe(OptionList& list) {
  list.Group("Prompt");
  list.Text("run", &run, "Run folder.");
  source.Describe(list);
  list.Text("view", &view,
            "Where the prompt is: a view's name, its index, test:3, or a pose file with a camera.");
  list.TextList(
      "click", &click,
      "x,y on the thing, or x,y,- beside it, in pixels of the view's original image; may be repeated.",
      {.metavar = "x,y[,-]"});
  list.TextList("box", &box, "x0,y0,x1,y1 around the thing, in the same pixels.", {.metavar = "x0,y0,x1,y1"});
  list.Text(
      "text", &text,
      "All things that a text means, instead of a click; where the run has no things yet, all are found "
      "first, which takes minutes.");
  list.Text("class", &class_name, "The same by one of the names that things can have, such as chair.");
  list.Text("method", &vote.method,
            "Who answers --class: things of the run that have the name, or gnesf, a vote of photos on every "
            "pixel, which needs no things; or gp_nerf, of a capture without training; or laser, a field that "
            "--method laser of imitate made, for --text too.",
            {.choices = {"things", "gnesf", "gp_nerf", "laser"}});
  vote.DescribeVote(list);
  list.Text(
      "granularity", &granularity,
      "How much of what was clicked: with --views a part of the object, the object (auto), or a group "
      "with it. Of one view or with --per-view: auto is the decoder's own choice, single its one answer "
      "for prompts that leave no doubt, whole, part and subpart the others.",
      {.choices = {"auto", "part", "object", "group", "whole", "subpart", "single"}});
  list.Group("Answer");
  list.Text(
      "views", &views,
      "Masks of these views too: all, train, test, or names separated by commas. A view is hidden if it sees "
      "nothing of the thing; its mask is empty.");
  list.Flag(
      "per-view", &per_view,
      "Carry the clicks to every view and ask there, instead of finding the thing in 3D and showing it in "
      "every view. What a box, --granularity and --teacher-direct always do.");
  through.Describe(list);
  list.Flag(
      "refine", &refine,
      "Find the thing by what the teacher says of the photos; off: by the imitated features alone. Each "
      "photo that the teacher was never asked about takes a second.");
  list.Real("depth-tolerance", &depth_tolerance,
            "With --per-view, a click counts in a view whose rendered depth agrees so well, relative.",
            {.min = 0, .max = 1});
  list.Text("out", &out, "Folder for the masks; empty: masks/ in the run.");
  list.Text(
      "name", &name,
      "First part of the files' names; empty: mask, or mask-2, mask-3 and so on if that is there. What the "
      "name had before is replaced.");
  list.Flag("truth", &truth, "Compare with the capture's instance under the first click.");
  list.Group("Teacher");
  list.Text("teacher", &teacher, "Whose features and decoder.");
  list.Text("words-model", &words_model, "Who names things: a model of kind dense.");
  list.Text("text-model", &text_model, "Who understands texts: a model of kind text.");
  list.Text("onnxruntime", &onnxruntime, "Path of libonnxruntime.so; empty: searched.");
  list.Flag("teacher-direct", &teacher_direct,
            "Run the teacher's encoder on our rendering instead of rendered features.");
}

std::vector<std::string> SegmentJobResult::Text() const {
  std::vector<std::string> text;
  if (words) text = words->Text();
  const View& clicked = views.front();
  const bool is_clicked = !words && asked_class.empty();
  if (is_clicked) {
    text.push_back(fmt::format("clicked in {}, {} x {} pixels",
                               clicked.photo.empty() ? clicked.name : clicked.photo, clicked.width,
                               clicked.height));
  }
  std::vector<std::string> hidden;
  for (const View& view : views) {
    if (view.hidden && (!is_clicked || &view != &clicked)) {
      hidden.push_back(view.name);
    } else {
      text.push_back(Line(view));
    }
  }
  if (!hidden.empty()) text.push_back(fmt::format("{} hidden: {}", hidden.size(), SomeNames(hidden)));
  text.push_back(fmt::format("all in one picture: {}; numbers: {}", sheet, numbers));
  return text;
}

Json SegmentJobResult::ToJson() const {
  Json json = {{"run", run}, {"view", views.front().name}, {"views", Json::array()}};
  if (words) json["words"] = words->ToJson();
  if (!asked_class.empty()) json["class"] = asked_class;
  for (const View& view : views) json["views"].push_back(ViewJson(view));
  return json;
}

int SegmentJobResult::exit_code() const {
  if (!asked_class.empty())
    return std::all_of(views.begin(), views.end(), [](const View& view) { return view.hidden; }) ? 1 : 0;
  return words && words->things.empty() ? 1 : 0;
}

SegmentJobResult RunSegment(const SegmentJobOptions& job, const MethodList& methods,
                            const JobControl& control) {
  CheckOptions(job);
  const OpenedRun run = OpenRunOrCapture(
      job.run, methods, job.source,
      {.method = job.vote.method, .weights = job.vote.weights, .words_model = job.words_model});
  std::vector<NamedView> views;
  if (!job.view.empty()) views.push_back(FindNamedView(*run.capture, job.view));
  if (!job.views.empty()) {
    for (const NamedView& view : FindNamedViews(*run.capture, job.views)) {
      if (job.view.empty() || view.index < 0 || view.index != views.front().index) views.push_back(view);
    }
  }
  SegmentJobResult result;
  if (ByVote(job)) {
    result = SegmentClasses(job, run, views, control);
  } else if (ByWords(job)) {
    result = SegmentWords(job, run, views, control);
  } else {
    const Prompt prompt = ParseWholePrompt(job.click, job.box, views.front().camera);
    result = IsAnsweredInSpace(job, run, views.front(), prompt)
                 ? SegmentObject(job, run, views, prompt, control)
                 : SegmentViews(job, run, views, prompt, control);
  }
  for (size_t i = 0; i < views.size(); ++i) {
    SegmentJobResult::View& record = result.views[i];
    if (views[i].index >= 0) record.photo = run.capture->views[views[i].index].image.string();
    record.width = views[i].camera.width;
    record.height = views[i].camera.height;
    record.score = std::min(record.score, 1.0);  // a network's own estimate may lie above
  }
  WriteJsonFile(result.numbers, result.ToJson());
  return result;
}

}  // namespace semfield
