#include "semfield/evaluation/objects_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/image/pixels.h"
#include "semfield/objects/selection.h"
#include "semfield/surface/run_surface.h"

namespace semfield {
namespace {

struct ObjectsChoices {
  int clicks = 1;
  std::string answers = "photos";
  bool beside = true;
  void Describe(OptionList& list) {
    list.Group("Protocol objects");
    list.Int("clicks", &clicks, "Clicks on each thing, one after another.", {.min = 1, .max = 9});
    list.Text("answers", &answers,
              "Who answers: the teacher on the photos (photos), or the imitated features (features).",
              {.choices = {"photos", "features"}});
    list.Flag("beside", &beside,
              "Score beside it the click carried to each view (segment --per-view) and the teacher on each "
              "photo with the best click there; twice as long.");
  }
};

// An error of one view: where a further click would help most.
struct WorstError {
  double pixels = 0;
  SelectionClick click;
};

// The largest connected part of a mask, 4 neighbours; its innermost pixel.
void LargestComponent(const ImageU8& mask, int view, bool positive, WorstError* worst) {
  std::vector<int32_t> part(mask.data.size(), -1), open;
  std::vector<double> sizes;
  for (size_t first = 0; first < mask.data.size(); ++first) {
    if (mask.data[first] == 0 || part[first] >= 0) continue;
    const auto id = static_cast<int32_t>(sizes.size());
    sizes.push_back(0);
    part[first] = id;
    open.push_back(static_cast<int32_t>(first));
    while (!open.empty()) {
      const int at = open.back();
      open.pop_back();
      ++sizes[id];
      const int x = at % mask.width, y = at / mask.width;
      const std::array<std::pair<int, int>, 4> beside = {{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}}};
      for (const auto& [u, v] : beside) {
        if (u < 0 || v < 0 || u >= mask.width || v >= mask.height) continue;
        const int to = v * mask.width + u;
        if (mask.data[to] == 0 || part[to] >= 0) continue;
        part[to] = id;
        open.push_back(to);
      }
    }
  }
  if (sizes.empty()) return;
  const auto largest = std::max_element(sizes.begin(), sizes.end()) - sizes.begin();
  if (sizes[largest] <= worst->pixels) return;
  ImageU8 alone(mask.width, mask.height, 1);
  for (size_t i = 0; i < part.size(); ++i) alone.data[i] = part[i] == largest ? 255 : 0;
  const Vec2 middle = InnermostPixel(alone);
  *worst = {.pixels = sizes[largest],
            .click = {.view = view, .x = middle.x(), .y = middle.y(), .positive = positive}};
}

// One run's surface and labels, and who answers.
class ThingScorer {
 public:
  ThingScorer(const ProtocolInputs& inputs, const ObjectsChoices& choices, ObjectSession* session,
              const JobControl& control)
      : inputs_(inputs),
        choices_(choices),
        session_(*session),
        map_(session->map()),
        answers_(session->Answers(choices.answers == "photos" ? ObjectSession::Answerer::kPhotos
                                                              : ObjectSession::Answerer::kFeatures)),
        control_(control),
        views_(inputs.run, map_, inputs.mesh, control.stop) {}

  ObjectScore Score(const LabelledThing& thing) {
    const int clicks = choices_.clicks;
    ObjectScore score{.thing = thing};
    ObjectPrompt asked;
    asked.clicks.push_back(
        Resized({.view = thing.view, .x = thing.click.x(), .y = thing.click.y(), .positive = true}));
    FoundObject found;
    for (int n = 0; n < clicks; ++n) {
      const Stopwatch stopwatch;
      found = n == 0 ? FindObject(map_, answers_, asked, {}, control_.stop)
                     : MendObject(map_, answers_, found, asked, {}, control_.stop);
      if (n == 0) {
        score.seconds = stopwatch.Seconds();
        score.decoder_calls = found.decoder_calls;
      }
      Selection selection{.name = thing.name, .clicks = {}, .box = {}, .weight = {}, .looked = {}};
      TakeFound(found, &selection);
      WorstError worst;
      double sum = 0;
      for (const int view : thing.shows) {
        const ObjectViewScore one = ScoreView(thing, selection, view, &worst);
        sum += one.iou;
        if (n == 0) score.per_view.push_back(one);
      }
      score.iou.push_back(sum / static_cast<double>(thing.shows.size()));
      if (n == 0) {
        for (const int view : thing.shows_not)
          score.wrong_shown += ShowsSomething(views_.Mask(selection, view));
      }
      ScoreView(thing, selection, thing.view, &worst);
      if (worst.pixels == 0) break;
      if (n + 1 < clicks) asked.clicks.push_back(Resized(worst.click));
    }
    score.iou.resize(clicks, score.iou.back());  // nothing was left to mend
    if (choices_.beside) score.beside = ScoreBeside(inputs_.run, thing, &session_, &views_, control_.stop);
    return score;
  }

 private:
  // In the pixels of the map's view; a training view.
  ObjectClick Resized(const SelectionClick& click) const {
    const int own = map_.Find(click.view);
    SF_CHECK_GE(own, 0);
    const ImageF& depth = map_.views()[own].depth;
    const Camera& camera = inputs_.run.capture->views[click.view].camera;
    return {.view = own,
            .pixel = {click.x * depth.width / camera.width, click.y * depth.height / camera.height},
            .positive = click.positive};
  }

  // The score, and where a further click would help most: in a view whose photo answers.
  ObjectViewScore ScoreView(const LabelledThing& thing, const Selection& selection, int view,
                            WorstError* worst) {
    const ImageU16& ids = views_.Instances(view);
    const ImageU8 mask = views_.Mask(selection, view);
    if (map_.Find(view) >= 0) {
      ImageU8 missing(ids.width, ids.height, 1), extra(ids.width, ids.height, 1);
      for (size_t i = 0; i < ids.data.size(); ++i) {
        const bool truth = ids.data[i] == thing.id, in = mask.data[i] != 0;
        missing.data[i] = truth && !in ? 255 : 0;
        extra.data[i] = in && !truth ? 255 : 0;
      }
      LargestComponent(missing, view, true, worst);
      LargestComponent(extra, view, false, worst);
    }
    return ScoreMask(mask, ids, thing.id, view);
  }

  const ProtocolInputs& inputs_;
  const ObjectsChoices& choices_;
  ObjectSession& session_;
  const SurfaceMap& map_;
  ViewAnswers& answers_;
  const JobControl& control_;
  ThingViews views_;
};

std::vector<ObjectScore> ScoreThings(const ProtocolInputs& inputs, const ObjectsChoices& choices,
                                     const JobControl& control) {
  const OpenedRun& run = inputs.run;
  const std::vector<LabelledThing> things = ThingsOf(*run.capture, *run.store);
  if (things.empty()) {
    throw InputError(
        "{}: no labelled thing covers {:g} % of a training view: protocol objects needs instance masks",
        run.capture->path.string(), 100 * kSmallestClickedShare);
  }
  ObjectSession session(run, {.teacher = inputs.teacher, .onnxruntime = inputs.onnxruntime}, control);
  if (choices.answers == "photos") session.EncodePhotos(0, control);  // so that seconds are of clicks alone
  ThingScorer scorer(inputs, choices, &session, control);
  std::vector<ObjectScore> scores;
  for (const LabelledThing& thing : things) {
    control.ThrowIfStopped();
    scores.push_back(scorer.Score(thing));
    control.Report({.stage = "evaluate objects",
                    .done = static_cast<double>(scores.size()),
                    .total = static_cast<double>(things.size()),
                    .detail = fmt::format("{}: IoU {:.2f}", thing.name, scores.back().iou.front())});
  }
  return scores;
}

std::vector<std::string> ObjectsText(const Json& metrics, int clicks) {
  std::vector<std::string> text = {fmt::format(
      "{} things, one click each: IoU {:.3f} (median {:.3f}), {:.0f} % above 0.5, {:.0f} % above "
      "0.75",
      metrics["things"].get<size_t>(), metrics["iou"].get<double>(), metrics["iou_median"].get<double>(),
      100 * metrics["share_above_0.5"].get<double>(), 100 * metrics["share_above_0.75"].get<double>())};
  for (int n = 2; n <= clicks; ++n) {
    text.push_back(
        fmt::format("with {} clicks: IoU {:.3f}", n, metrics[fmt::format("iou_{}_clicks", n)].get<double>()));
  }
  text.push_back(fmt::format(
      "of the views that show a thing: {:.1f} % wrongly hidden, {:.1f} % too large, {:.1f} % too small, "
      "{:.1f} % wrong in another way; of the others {:.1f} % show it",
      100 * metrics["wrong_hidden"].get<double>(), 100 * metrics["too_large"].get<double>(),
      100 * metrics["too_small"].get<double>(), 100 * metrics["another"].get<double>(),
      100 * metrics["wrong_shown"].get<double>()));
  if (metrics.contains("teacher_iou")) {
    text.push_back(fmt::format(
        "the teacher on each photo with the best click there: IoU {:.3f}, {:.3f} the best of its answers",
        metrics["teacher_iou"].get<double>(), metrics["teacher_best_iou"].get<double>()));
  }
  if (metrics.contains("per_view_iou")) {
    text.push_back(fmt::format("the click carried to each view: IoU {:.3f}, {:.1f} % of the views hidden",
                               metrics["per_view_iou"].get<double>(),
                               100 * metrics["per_view_hidden"].get<double>()));
  }
  text.push_back(fmt::format("{:.0f} decoder calls and {:.2f} s a click",
                             metrics["decoder_calls"].get<double>(), metrics["seconds"].get<double>()));
  return text;
}

class ObjectsProtocol : public Protocol {
 public:
  std::string name() const override { return "objects"; }
  std::string sentence() const override {
    return "selections of one click against labelled instances, in all other views";
  }
  ProtocolNeeds needs() const override { return {.labels = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(ObjectsChoices()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions& any,
                     const JobControl& control) const override {
    const ObjectsChoices& choices = any.As<ObjectsChoices>();
    const std::vector<ObjectScore> scores = ScoreThings(inputs, choices, control);
    const Json metrics = ObjectsMetricsJson(scores);
    return {.protocol = name(),
            .facts = {{"teacher", inputs.teacher}, {"answers", choices.answers}, {"clicks", choices.clicks}},
            .text = ObjectsText(metrics, choices.clicks),
            .metrics = metrics,
            .definitions = ObjectsDefinitions(scores),
            .per_view = ObjectsPerThingJson(scores, *inputs.run.capture)};
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakeObjectsProtocol() {
  return std::make_shared<ObjectsProtocol>();
}

}  // namespace semfield
