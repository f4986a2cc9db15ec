#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "semfield/base/median.h"
#include "semfield/evaluation/san_protocol.h"
#include "semfield/evaluation/teacher_view.h"

namespace semfield {
namespace {

constexpr double kGoodIou = 0.7;

double Round(double value, double step) {
  return std::round(value / step) * step;
}

Json PointJson(const Vec2& point) {
  return {Round(point.x(), 0.01), Round(point.y(), 0.01)};
}

Json ClickJson(const ClickScore& click) {
  Json json = {{"click", PointJson(click.click)},
               {"iou", click.iou},
               {"area", click.area},
               {"teacher_area", click.teacher_area},
               {"score", FiniteOrNull(click.score)},
               {"teacher_score", FiniteOrNull(click.teacher_score)},
               {"granularity", click.granularity},
               {"teacher_granularity", click.teacher_granularity}};
  for (const auto& [key, value] : {std::pair{"iou_single", click.iou_single},
                                   {"iou_teacher_choice", click.iou_teacher_choice},
                                   {"photo_iou", click.photo_iou},
                                   {"photo_teacher_iou", click.photo_teacher_iou}}) {
    if (value) json[key] = *value;
  }
  return json;
}

Json ThingJson(const ThingScore& thing) {
  return {{"id", thing.id},
          {"name", thing.name},
          {"class", thing.class_name},
          {"share", thing.share},
          {"click", PointJson(thing.click)},
          {"truth_iou", thing.iou},
          {"teacher_truth_iou", thing.teacher_iou}};
}

void AddFeatureMetrics(const SanResult& result, Json* metrics) {
  FeatureErrors all, in_frame;
  for (const SanViewScore& view : result.per_view) {
    all.Merge(view.features);
    in_frame.Merge(view.features_in_frame);
  }
  const double variance = all.TeacherVariance();
  (*metrics)["feature_mse"] = FiniteOrNull(all.MeanSquared());
  (*metrics)["feature_variance"] = FiniteOrNull(variance);
  (*metrics)["feature_mse_share"] = variance > 0 ? FiniteOrNull(all.MeanSquared() / variance) : Json(nullptr);
  (*metrics)["feature_cosine"] = FiniteOrNull(all.MeanCosine());
  (*metrics)["feature_mse_in_frame"] = FiniteOrNull(in_frame.MeanSquared());
  (*metrics)["feature_cosine_in_frame"] = FiniteOrNull(in_frame.MeanCosine());
}

void AddTruthMetrics(const SanResult& result, Json* metrics) {
  std::vector<double> ours, teacher;
  for (const SanViewScore& view : result.per_view) {
    for (const ThingScore& thing : view.things) {
      ours.push_back(thing.iou);
      teacher.push_back(thing.teacher_iou);
    }
  }
  if (ours.empty()) return;
  (*metrics)["truth_iou"] = Mean(ours);
  (*metrics)["teacher_truth_iou"] = Mean(teacher);
  (*metrics)["things"] = ours.size();
}

void AddTimes(const SanResult& result, Json* metrics) {
  Json times = Json::object();
  for (const char* part : {"render", "features", "encode", "decode"}) {
    std::vector<double> values;
    for (const SanViewScore& view : result.per_view) {
      const auto found = view.milliseconds.find(part);
      if (found != view.milliseconds.end()) values.push_back(found->second);
    }
    times[part] = Mean(values);
  }
  (*metrics)["milliseconds"] = times;
  (*metrics)["workers"] = result.workers;
}

}  // namespace

namespace {

// The values of one kind that every view's clicks have.
std::vector<std::vector<double>> ByView(const SanResult& result, std::optional<double> ClickScore::*value) {
  std::vector<std::vector<double>> views;
  for (const SanViewScore& view : result.per_view) {
    views.emplace_back();
    for (const ClickScore& click : view.clicks) {
      if (click.*value) views.back().push_back(*(click.*value));
    }
  }
  return views;
}

void AddMeanOverClicks(const std::string& key, const std::vector<std::vector<double>>& views, Json* metrics) {
  std::vector<double> all;
  for (const std::vector<double>& view : views) all.insert(all.end(), view.begin(), view.end());
  if (all.empty()) return;
  (*metrics)[key] = Mean(all);
  const std::optional<Interval> interval = BootstrapInterval(views);
  (*metrics)[key + "_interval"] = interval ? Json{interval->low, interval->high} : Json(nullptr);
}

}  // namespace

Json SanMetricsJson(const SanResult& result) {
  std::vector<double> iou, distances;
  std::vector<std::vector<double>> by_view;
  int64_t agreed = 0;
  for (const SanViewScore& view : result.per_view) {
    by_view.emplace_back();
    for (const ClickScore& click : view.clicks) {
      iou.push_back(click.iou);
      by_view.back().push_back(click.iou);
      agreed += click.granularity == click.teacher_granularity;
    }
    if (view.teacher_distance) distances.push_back(*view.teacher_distance);
  }
  const double count = std::max<double>(1, static_cast<double>(iou.size()));
  Json metrics = {{"iou", Mean(iou)}};
  const std::optional<Interval> interval = BootstrapInterval(by_view);
  metrics["iou_interval"] = interval ? Json{interval->low, interval->high} : Json(nullptr);
  metrics["iou_median"] = Median(iou);
  metrics["iou_share_over_0.7"] = ShareAbove(iou, kGoodIou);
  AddMeanOverClicks("iou_single", ByView(result, &ClickScore::iou_single), &metrics);
  AddMeanOverClicks("iou_teacher_choice", ByView(result, &ClickScore::iou_teacher_choice), &metrics);
  metrics["same_choice"] = static_cast<double>(agreed) / count;
  metrics["clicks"] = iou.size();
  metrics["views"] = result.per_view.size();
  if (!distances.empty()) metrics["teacher_distance"] = Mean(distances);
  AddFeatureMetrics(result, &metrics);
  AddTruthMetrics(result, &metrics);
  AddMeanOverClicks("photo_iou", ByView(result, &ClickScore::photo_iou), &metrics);
  AddMeanOverClicks("photo_teacher_iou", ByView(result, &ClickScore::photo_teacher_iou), &metrics);
  AddTimes(result, &metrics);
  return metrics;
}

Json SanPerViewJson(const SanResult& result) {
  Json per_view = Json::array();
  for (const SanViewScore& view : result.per_view) {
    std::vector<double> iou;
    Json clicks = Json::array(), things = Json::array();
    for (const ClickScore& click : view.clicks) {
      iou.push_back(click.iou);
      clicks.push_back(ClickJson(click));
    }
    for (const ThingScore& thing : view.things) things.push_back(ThingJson(thing));
    Json json = {{"view", view.name},
                 {"index", view.view},
                 {"iou", Mean(iou)},
                 {"iou_median", Median(iou)},
                 {"feature_mse", FiniteOrNull(view.features.MeanSquared())},
                 {"feature_cosine", FiniteOrNull(view.features.MeanCosine())},
                 {"milliseconds", view.milliseconds},
                 {"clicks", clicks}};
    if (view.teacher_distance) {
      json["teacher_distance"] = *view.teacher_distance;
      json["teacher_degrees"] = *view.teacher_degrees;
    }
    if (!things.empty()) json["things"] = things;
    per_view.push_back(std::move(json));
  }
  return per_view;
}

Json SanWorstJson(const SanResult& result, size_t count) {
  Json worst = Json::array();
  for (const RankedClick& ranked : WorstClicks(result, count)) {
    const SanViewScore& view = result.per_view[ranked.view];
    Json json = {{"view", view.name}, {"index", view.view}};
    json.update(ClickJson(view.clicks[ranked.click]));
    worst.push_back(std::move(json));
  }
  return worst;
}

namespace {

Json MaskDefinitions(const SanResult& result) {
  const int side = result.options.clicks_per_side;
  return {
      {"iou",
       fmt::format(
           "Intersection over union of our mask and the teacher's for the same single click; {} x {} clicks "
           "at the middles of equal cells of each view, but for those that a mask excludes or that are "
           "beside "
           "a thing on nothing; both masks from the same decoder ({}), ours from rendered features, the "
           "teacher's from its encoder on our rendering of {} pixels a side; compared inside the view at no "
           "more than {} pixels a side; both empty 1, one empty 0; mean over all clicks of all views.",
           side, side, GranularityName(result.options.granularity), kReferenceResolution,
           result.options.longest_side)},
      {"iou_interval",
       "Where that mean lies with 95 % confidence, when views are what was drawn: quantiles of 2,000 means "
       "over views "
       "drawn with replacement. The other intervals are made alike."},
      {"iou_single", "As iou, of the decoder's single mask on both sides."},
      {"iou_single_interval", "As iou_interval."},
      {"iou_teacher_choice",
       "As iou, of our mask of the kind (whole, part, subpart) that the decoder chose for the teacher."},
      {"iou_teacher_choice_interval", "As iou_interval."},
      {"teacher_distance",
       "Distance from a held-out view to the nearest pose from which the teacher looked when it was "
       "imitated, in the "
       "capture's units; mean over the views."},
      {"photo_iou",
       "As iou, with the teacher's mask on the photo through the same square camera, outside of whose frame "
       "it sees the "
       "mean color of its training."},
      {"photo_iou_interval", "As iou_interval."},
      {"photo_teacher_iou_interval", "As iou_interval."},
      {"clicks", "Clicks scored."},
      {"views", "Held-out views scored."},
      {"things", "Labelled instances scored."},
      {"workers", "Views in the making at once."},
      {"iou_median", "Median of the same over all clicks of all views."},
      {"iou_share_over_0.7", "Share of clicks with an intersection over union above 0.7."},
      {"same_choice",
       "Share of clicks for which the decoder chose the same of its masks (whole, part, subpart, single)."}};
}

Json FeatureAndTruthDefinitions(const SanResult& result) {
  return {
      {"feature_mse",
       "Squared difference of rendered and teacher features, mean over all channels and tokens of the "
       "square picture and over the views."},
      {"feature_variance",
       "Variance of the teacher's features around the mean of each channel, mean over channels."},
      {"feature_mse_share",
       "feature_mse / feature_variance: 0 is a perfect imitation, 1 knows only the mean."},
      {"feature_cosine", "Cosine of rendered and teacher feature vectors, mean over tokens and views."},
      {"feature_mse_in_frame", "As feature_mse, over tokens whose middle the photo's frame holds."},
      {"feature_cosine_in_frame", "As feature_cosine, over tokens whose middle the photo's frame holds."},
      {"truth_iou", fmt::format("Intersection over union of our mask with the labelled instance, clicked "
                                "once at its pixel farthest "
                                "from its border, at the photo's size; mean over all instances that cover at "
                                "least {:g} % of their "
                                "view, of all views.",
                                100 * result.options.min_thing_share)},
      {"teacher_truth_iou", "The same for the teacher's mask (on our rendering)."},
      {"photo_teacher_iou",
       "Intersection over union of the teacher's masks on the photo (through the same square "
       "camera) and on our rendering, same clicks: what the rendering alone changes."},
      {"milliseconds", fmt::format("Mean time per view of rendering the square picture, rendering features, "
                                   "encoding, and decoding one "
                                   "click; each on one thread, {} at once.",
                                   result.workers)}};
}

}  // namespace

Json SanDefinitions(const SanResult& result) {
  Json definitions = MaskDefinitions(result);
  definitions.update(FeatureAndTruthDefinitions(result));
  return definitions;
}

}  // namespace semfield
