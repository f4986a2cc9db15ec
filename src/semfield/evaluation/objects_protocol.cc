#include "semfield/evaluation/objects_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/image/pixels.h"
#include "semfield/objects/run_surface.h"
#include "semfield/objects/selection.h"

namespace semfield {
namespace {

constexpr std::array<const char*, 6> kNotThings = {"wall", "floor", "ceiling", "window", "door", "rug"};
constexpr int kFewestShownPixels = 20;  // of the original image, below which a view shows nothing

struct ObjectsChoices {
  int clicks = 1;
  std::string answers = "photos";
  void Describe(OptionList& list) {
    list.Group("Protocol objects");
    list.Int("clicks", &clicks, "Clicks on each thing, one after another.", {.min = 1, .max = 9});
    list.Text("answers", &answers,
              "Who answers: the teacher on the photos (photos), or the imitated features (features).",
              {.choices = {"photos", "features"}});
  }
};

bool IsThing(const Capture& capture, int id) {
  const auto label = capture.instances.find(id);
  const std::string name = label == capture.instances.end() ? "" : label->second.class_name;
  return std::find(kNotThings.begin(), kNotThings.end(), name) == kNotThings.end();
}

// Share of a view's pixels by instance, 0 (none) among them; empty without labels.
std::map<int, double> SharesOf(const ImageU16& ids) {
  std::map<int, double> shares;
  std::vector<int64_t> counts(65536);
  for (const uint16_t id : ids.data) ++counts[id];
  for (int id = 0; id < 65536; ++id) {
    if (counts[id] > 0) shares[id] = static_cast<double>(counts[id]) / static_cast<double>(ids.num_pixels());
  }
  return shares;
}

// The middle of the pixel that lies deepest inside a mask.
Vec2 Innermost(const ImageU8& mask) {
  const ImageF distance = DistanceToBorder(mask);
  const size_t best = std::max_element(distance.data.begin(), distance.data.end()) - distance.data.begin();
  return {static_cast<double>(best % mask.width) + 0.5, static_cast<double>(best / mask.width) + 0.5};
}

Vec2 InnermostOf(const ImageU16& ids, int id) {
  ImageU8 mask(ids.width, ids.height, 1);
  for (size_t i = 0; i < mask.data.size(); ++i) mask.data[i] = ids.data[i] == id ? 255 : 0;
  return Innermost(mask);
}

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
  const Vec2 middle = Innermost(alone);
  *worst = {.pixels = sizes[largest],
            .click = {.view = view, .x = middle.x(), .y = middle.y(), .positive = positive}};
}

// One run's surface and labels, and who answers.
class ThingScorer {
 public:
  ThingScorer(const ProtocolInputs& inputs, const SurfaceMap& map, ViewAnswers& answers,
              const JobControl& control)
      : inputs_(inputs), map_(map), answers_(answers), control_(control) {}

  ObjectScore Score(const LabelledThing& thing, int clicks) {
    ObjectScore score{.thing = thing};
    std::vector<ObjectClick> asked = {
        Resized({.view = thing.view, .x = thing.click.x(), .y = thing.click.y(), .positive = true})};
    FoundObject found;
    for (int n = 0; n < clicks; ++n) {
      const Stopwatch stopwatch;
      found = n == 0 ? FindObject(map_, answers_, asked, {}, control_.stop)
                     : MendObject(map_, answers_, found, asked, {}, control_.stop);
      if (n == 0) {
        score.seconds = stopwatch.Seconds();
        score.decoder_calls = found.decoder_calls;
      }
      const Selection selection{.name = thing.name, .clicks = {}, .weight = WeightsOf(found)};
      WorstError worst;
      double sum = 0;
      for (const int view : thing.shows) {
        const ObjectViewScore one = ScoreView(thing, selection, view, &worst);
        sum += one.iou;
        if (n == 0) score.per_view.push_back(one);
      }
      score.iou.push_back(sum / static_cast<double>(thing.shows.size()));
      if (n == 0) {
        for (const int view : thing.shows_not) score.wrong_shown += Shows(selection, view);
      }
      ScoreView(thing, selection, thing.view, &worst);
      if (worst.pixels == 0) break;
      if (n + 1 < clicks) asked.push_back(Resized(worst.click));
    }
    score.iou.resize(clicks, score.iou.back());  // nothing was left to mend
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

  const SurfaceView& Seen(int view) {
    const int own = map_.Find(view);
    if (own >= 0) return map_.views()[own];
    const auto found = held_out_.find(view);
    if (found != held_out_.end()) return found->second;
    const OpenedRun& run = inputs_.run;
    return held_out_[view] =
               map_.Look(RenderDepthView(run.Field(), run.store->CameraOf(view),
                                         run.capture->views[view].world_from_camera, -1, control_.stop));
  }

  bool Shows(const Selection& selection, int view) {
    const Camera& camera = inputs_.run.capture->views[view].camera;
    const ImageU8 mask = MaskOf(selection, Seen(view), camera.width, camera.height);
    return std::count(mask.data.begin(), mask.data.end(), 255) >= kFewestShownPixels;
  }

  const ImageU16& Instances(int view) {
    const auto found = instances_.find(view);
    if (found != instances_.end()) return found->second;
    return instances_[view] = inputs_.run.store->Instances(view);
  }

  ObjectViewScore ScoreView(const LabelledThing& thing, const Selection& selection, int view,
                            WorstError* worst) {
    const ImageU16& ids = Instances(view);
    const ImageU8 mask = MaskOf(selection, Seen(view), ids.width, ids.height);
    ImageU8 missing(ids.width, ids.height, 1), extra(ids.width, ids.height, 1);
    double both = 0, ours = 0, theirs = 0;
    for (size_t i = 0; i < ids.data.size(); ++i) {
      const bool truth = ids.data[i] == thing.id, in = mask.data[i] != 0;
      both += truth && in;
      ours += in;
      theirs += truth;
      missing.data[i] = truth && !in ? 255 : 0;
      extra.data[i] = in && !truth ? 255 : 0;
    }
    // A click must be in a view whose photo answers.
    if (map_.Find(view) >= 0) {
      LargestComponent(missing, view, true, worst);
      LargestComponent(extra, view, false, worst);
    }
    return {.view = view,
            .iou = ours + theirs == 0 ? 1 : both / (ours + theirs - both),
            .precision = ours == 0 ? 0 : both / ours,
            .recall = theirs == 0 ? 0 : both / theirs,
            .hidden = ours < kFewestShownPixels};
  }

  const ProtocolInputs& inputs_;
  const SurfaceMap& map_;
  ViewAnswers& answers_;
  const JobControl& control_;
  std::map<int, SurfaceView> held_out_;
  std::map<int, ImageU16> instances_;
};

std::vector<ObjectScore> ScoreThings(const ProtocolInputs& inputs, ViewAnswers& answers, int clicks,
                                     const JobControl& control) {
  const OpenedRun& run = inputs.run;
  const std::vector<LabelledThing> things = ThingsOf(*run.capture, *run.store);
  if (things.empty()) {
    throw InputError(
        "{}: no labelled thing covers {:g} % of a training view: protocol objects needs instance masks",
        run.capture->path.string(), 100 * kSmallestClickedShare);
  }
  const SurfaceMap map = SurfaceOfRun(run, control);
  ThingScorer scorer(inputs, map, answers, control);
  std::vector<ObjectScore> scores;
  for (const LabelledThing& thing : things) {
    control.ThrowIfStopped();
    scores.push_back(scorer.Score(thing, clicks));
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
    const auto decoder = LoadPromptDecoder(inputs.teacher, {.onnxruntime = inputs.onnxruntime});
    const std::vector<ObjectScore> scores = choices.answers == "photos"
                                                ? OnPhotos(inputs, *decoder, choices.clicks, control)
                                                : OnFeatures(inputs, *decoder, choices.clicks, control);
    const Json metrics = ObjectsMetricsJson(scores);
    return {.protocol = name(),
            .facts = {{"teacher", inputs.teacher}, {"answers", choices.answers}, {"clicks", choices.clicks}},
            .text = ObjectsText(metrics, choices.clicks),
            .metrics = metrics,
            .definitions = ObjectsDefinitions(scores),
            .per_view = ObjectsPerThingJson(scores, *inputs.run.capture)};
  }

 private:
  static std::vector<ObjectScore> OnPhotos(const ProtocolInputs& inputs, PromptDecoder& decoder, int clicks,
                                           const JobControl& control) {
    PhotoEmbeddings embeddings(
        *inputs.run.capture, inputs.run.folder.embeddings_dir(inputs.teacher), decoder.card(), [&inputs] {
          return LoadImageEncoder(inputs.teacher, {.onnxruntime = inputs.onnxruntime, .stages = {}});
        });
    const std::vector<int>& train = inputs.run.capture->train;
    for (size_t i = 0; i < train.size(); ++i) {  // so that seconds are of clicks alone
      embeddings.Get(train[i], control.stop);
      control.Report({.stage = "encode photos",
                      .done = static_cast<double>(i + 1),
                      .total = static_cast<double>(train.size()),
                      .detail = inputs.run.capture->views[train[i]].name});
    }
    PhotoAnswers answers(embeddings, decoder);
    return ScoreThings(inputs, answers, clicks, control);
  }

  static std::vector<ObjectScore> OnFeatures(const ProtocolInputs& inputs, PromptDecoder& decoder, int clicks,
                                             const JobControl& control) {
    const OpenedFeatures features = OpenFeatures(inputs.run, inputs.teacher);
    ClickSession session(inputs.run.Field(), RenderedFeatures(inputs.run.Field(), *features.field), decoder,
                         {.feature_bytes = size_t{1} << 30});
    ImitatedAnswers answers(session);
    return ScoreThings(inputs, answers, clicks, control);
  }
};

}  // namespace

std::vector<LabelledThing> ThingsOf(const Capture& capture, const ImageStore& store) {
  struct Largest {
    double share = 0;
    int view = 0;
  };
  std::map<int, Largest> things;
  std::vector<std::map<int, double>> shares(capture.views.size());
  std::vector<bool> is_train(capture.views.size(), false), is_labelled(capture.views.size(), false);
  for (const int view : capture.train) is_train[view] = true;
  for (int view = 0; view < static_cast<int>(capture.views.size()); ++view) {
    shares[view] = SharesOf(store.Instances(view));
    is_labelled[view] = !shares[view].empty();
    for (const auto& [id, share] : shares[view]) {
      if (id == 0 || !IsThing(capture, id) || !is_train[view] || share <= things[id].share) continue;
      things[id] = {.share = share, .view = view};
    }
  }
  std::vector<LabelledThing> found;
  for (const auto& [id, largest] : things) {
    if (largest.share < kSmallestClickedShare) continue;
    const auto label = capture.instances.find(id);
    LabelledThing thing{.id = id,
                        .name = label == capture.instances.end() ? fmt::format("{}", id) : label->second.name,
                        .view = largest.view,
                        .click = InnermostOf(store.Instances(largest.view), id),
                        .shows = {},
                        .shows_not = {}};
    for (int view = 0; view < static_cast<int>(capture.views.size()); ++view) {
      if (view == largest.view || !is_labelled[view]) continue;
      const auto share = shares[view].find(id);
      if (share == shares[view].end()) {
        thing.shows_not.push_back(view);
      } else if (share->second >= kSmallestShare) {
        thing.shows.push_back(view);
      }
    }
    if (!thing.shows.empty()) found.push_back(std::move(thing));
  }
  return found;
}

std::shared_ptr<const Protocol> MakeObjectsProtocol() {
  return std::make_shared<ObjectsProtocol>();
}

}  // namespace semfield
