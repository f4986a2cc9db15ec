#include "semfield/evaluation/everything_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/base/median.h"
#include "semfield/base/stopwatch.h"
#include "semfield/evaluation/object_views.h"
#include "semfield/objects/everything.h"
#include "semfield/objects/object_session.h"

namespace semfield {
namespace {

struct EverythingChoices {
  int everything_views = EverythingOptions().views;
  void Describe(OptionList& list) {
    list.Group("Protocol everything");
    list.Int("everything-views", &everything_views, "Views that are looked at.", {.min = 1, .max = 1000});
  }
};

Selection SelectionOf(const FoundThing& thing) {
  return {.name = "", .clicks = {}, .box = {}, .weight = thing.weight, .looked = {}};
}

// A labelled thing and the found one that is most like it.
struct Match {
  const LabelledThing* thing = nullptr;
  double iou = 0;  // mean over the views that show it, the one in which it is largest among them
  int found = -1;
};

class Matcher {
 public:
  Matcher(const OpenedRun& run, const SurfaceMap& map, const std::vector<FoundThing>& found,
          const StopToken* stop)
      : map_(map), views_(run, map, nullptr, stop) {
    for (const FoundThing& thing : found) selections_.push_back(SelectionOf(thing));
  }

  Match BestFor(const LabelledThing& thing) {
    std::vector<int> shows = thing.shows;
    shows.push_back(thing.view);
    Match best{.thing = &thing};
    const std::vector<bool> cells = CellsOf(thing);
    for (size_t i = 0; i < selections_.size(); ++i) {
      if (!MayBe(selections_[i], thing, cells)) continue;
      double sum = 0;
      for (const int view : shows)
        sum += ScoreMask(views_.Mask(selections_[i], view), views_.Instances(view), thing.id, view).iou;
      const double iou = sum / static_cast<double>(shows.size());
      if (iou > best.iou) best = {.thing = &thing, .iou = iou, .found = static_cast<int>(i)};
    }
    return best;
  }

 private:
  // Cells of the thing's own view whose middle pixel is the thing's.
  std::vector<bool> CellsOf(const LabelledThing& thing) {
    const SurfaceView& view = map_.views()[map_.Find(thing.view)];
    const ImageU16& ids = views_.Instances(thing.view);
    std::vector<bool> cells(map_.num_cells(), false);
    for (int y = 0; y < ids.height; ++y) {
      for (int x = 0; x < ids.width; ++x) {
        if (ids.At(x, y) != thing.id) continue;
        const int32_t cell =
            view.CellAt(x * view.depth.width / ids.width, y * view.depth.height / ids.height);
        if (cell >= 0) cells[cell] = true;
      }
    }
    return cells;
  }

  // Most found things have nothing in common with it where it is largest: they need no closer look.
  bool MayBe(const Selection& selection, const LabelledThing& thing, const std::vector<bool>& cells) const {
    int64_t both = 0, either = 0;
    for (const int32_t cell : map_.views()[map_.Find(thing.view)].cells) {
      both += cells[cell] && selection.Has(cell);
      either += cells[cell] || selection.Has(cell);
    }
    return 20 * both > either;
  }

  const SurfaceMap& map_;
  ThingViews views_;
  std::vector<Selection> selections_;
};

// Panoptic quality (Kirillov et al. 2019) of things: matches of an IoU above 1/2, over matches, half the
// found things without a labelled one and half the labelled ones that were not found.
double PanopticQuality(const std::vector<Match>& matches, size_t num_found) {
  double sum = 0, matched = 0;
  for (const Match& match : matches) {
    if (match.iou <= 0.5) continue;
    sum += match.iou;
    ++matched;
  }
  const double wrong = static_cast<double>(num_found) - matched;
  const double missing = static_cast<double>(matches.size()) - matched;
  const double all = matched + 0.5 * std::max(0.0, wrong) + 0.5 * missing;
  return all > 0 ? sum / all : 0;
}

Json Metrics(const std::vector<Match>& matches, const std::vector<Match>& once, size_t found, size_t labels) {
  double sum = 0, above = 0;
  std::vector<double> iou;
  for (const Match& match : matches) {
    sum += match.iou;
    above += match.iou > 0.5;
    iou.push_back(match.iou);
  }
  const double n = std::max<double>(1, static_cast<double>(matches.size()));
  return {{"things", matches.size()},
          {"found", found},
          {"best_match", sum / n},
          {"best_match_median", iou.empty() ? 0 : Median(iou)},
          {"share_above_0.5", above / n},
          {"labels", labels},
          {"panoptic_quality", PanopticQuality(once, labels)}};
}

Json Definitions() {
  return {
      {"things", "Labelled instances as protocol objects counts them."},
      {"found", "Things that were found; they may overlap, as a drawer and its dresser do."},
      {"best_match",
       "Intersection over union of a labelled thing and the found one most like it, mean over the views "
       "that show it and then over things."},
      {"best_match_median", "As best_match, median over things."},
      {"share_above_0.5", "Share of labelled things whose best match is above 0.5."},
      {"labels", "Things left when every point of the surface has one name."},
      {"panoptic_quality",
       "Sum of the intersections over union above 0.5 between labels and labelled things, over matches, half "
       "the labels without a thing and half the things without a label (Kirillov et al. 2019). Walls, floors "
       "and whatever else is no thing count as labels without one."},
      {"seconds_to_find", "Seconds from the photos' features to all things."}};
}

class EverythingProtocol : public Protocol {
 public:
  std::string name() const override { return "everything"; }
  std::string sentence() const override { return "all things found without a click against labelled ones"; }
  ProtocolNeeds needs() const override { return {.labels = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(EverythingChoices()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions& any,
                     const JobControl& control) const override {
    const OpenedRun& run = inputs.run;
    ObjectSession session(run, {.teacher = inputs.teacher, .onnxruntime = inputs.onnxruntime}, control);
    const SurfaceMap& map = session.map();
    const EverythingOptions options = {.views = any.As<EverythingChoices>().everything_views};
    session.EncodePhotos(0, control);  // so that seconds are of finding alone
    const Stopwatch stopwatch;
    const std::vector<FoundThing> found =
        FindEverything(map, session.Answers(ObjectSession::Answerer::kPhotos), options, control);
    const double seconds = stopwatch.Seconds();
    const std::vector<FoundThing> labels = LabelOnce(found, options.fewest_cells);
    const std::vector<LabelledThing> things = ThingsOf(*run.capture, *run.store);
    if (things.empty()) throw InputError("{}: no labelled things", run.capture->path.string());
    std::vector<Match> matches, once;
    Matcher of_found(run, map, found, control.stop), of_labels(run, map, labels, control.stop);
    for (const LabelledThing& thing : things) {
      control.ThrowIfStopped();
      matches.push_back(of_found.BestFor(thing));
      once.push_back(of_labels.BestFor(thing));
    }
    Json metrics = Metrics(matches, once, found.size(), labels.size());
    metrics["seconds_to_find"] = seconds;
    Json per_thing = Json::array();
    for (const Match& match : matches)
      per_thing.push_back({{"thing", match.thing->name}, {"best_match", match.iou}, {"found", match.found}});
    return {.protocol = name(),
            .facts = {{"teacher", inputs.teacher}, {"views", options.views}},
            .text = {fmt::format("{} things found in {:.0f} s; best match of {} labelled ones {:.3f} (median "
                                 "{:.3f}), {:.0f} % above 0.5",
                                 found.size(), seconds, things.size(), metrics["best_match"].get<double>(),
                                 metrics["best_match_median"].get<double>(),
                                 100 * metrics["share_above_0.5"].get<double>()),
                     fmt::format("every point named once: {} names, panoptic quality {:.3f}", labels.size(),
                                 metrics["panoptic_quality"].get<double>())},
            .metrics = metrics,
            .definitions = Definitions(),
            .per_view = per_thing};
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakeEverythingProtocol() {
  return std::make_shared<EverythingProtocol>();
}

}  // namespace semfield
