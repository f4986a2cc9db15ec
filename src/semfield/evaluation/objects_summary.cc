// What protocol objects tells of its scores.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "semfield/base/median.h"
#include "semfield/evaluation/objects_protocol.h"

namespace semfield {
namespace {

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double ShareAbove(const std::vector<double>& values, double limit) {
  const auto above = std::count_if(values.begin(), values.end(), [&](double v) { return v > limit; });
  return values.empty() ? 0 : static_cast<double>(above) / static_cast<double>(values.size());
}

std::vector<double> WithClicks(const std::vector<ObjectScore>& scores, size_t clicks) {
  std::vector<double> iou;
  for (const ObjectScore& score : scores) iou.push_back(score.iou.at(clicks - 1));
  return iou;
}

size_t NumClicks(const std::vector<ObjectScore>& scores) {
  return scores.empty() ? 0 : scores.front().iou.size();
}

}  // namespace

std::string FailureOf(const ObjectViewScore& score) {
  constexpr double kMostly = 0.7;
  if (score.hidden) return "hidden";
  if (score.iou >= 0.5) return "";
  if (score.recall > kMostly) return "too_large";
  return score.precision > kMostly ? "too_small" : "another";
}

namespace {

// The means of what others answered, where they were asked.
void AddBeside(const std::vector<ObjectScore>& scores, Json* metrics) {
  std::vector<double> teacher, best, per_view;
  int hidden = 0, views = 0;
  for (const ObjectScore& score : scores) {
    if (!score.beside) continue;
    teacher.push_back(score.beside->teacher);
    best.push_back(score.beside->teacher_best);
    if (score.beside->per_view < 0) continue;
    per_view.push_back(score.beside->per_view);
    hidden += score.beside->per_view_hidden;
    views += static_cast<int>(score.thing.shows.size());
  }
  if (!teacher.empty()) {
    (*metrics)["teacher_iou"] = Mean(teacher);
    (*metrics)["teacher_best_iou"] = Mean(best);
  }
  if (!per_view.empty()) {
    (*metrics)["per_view_iou"] = Mean(per_view);
    (*metrics)["per_view_hidden"] = static_cast<double>(hidden) / std::max(1, views);
  }
}

}  // namespace

Json ObjectsMetricsJson(const std::vector<ObjectScore>& scores) {
  const std::vector<double> first = scores.empty() ? std::vector<double>() : WithClicks(scores, 1);
  std::map<std::string, int> failures = {{"hidden", 0}, {"too_large", 0}, {"too_small", 0}, {"another", 0}};
  int views = 0, wrong_shown = 0, views_without = 0;
  double calls = 0, seconds = 0;
  for (const ObjectScore& score : scores) {
    for (const ObjectViewScore& view : score.per_view) {
      const std::string failure = FailureOf(view);
      if (!failure.empty()) ++failures[failure];
      ++views;
    }
    wrong_shown += score.wrong_shown;
    views_without += static_cast<int>(score.thing.shows_not.size());
    calls += score.decoder_calls / static_cast<double>(scores.size());
    seconds += score.seconds / static_cast<double>(scores.size());
  }
  const auto share = [](int part, int whole) { return whole == 0 ? 0.0 : static_cast<double>(part) / whole; };
  Json metrics = {{"things", scores.size()},
                  {"iou", Mean(first)},
                  {"iou_median", Median(first)},
                  {"share_above_0.5", ShareAbove(first, 0.5)},
                  {"share_above_0.75", ShareAbove(first, 0.75)}};
  for (size_t clicks = 2; clicks <= NumClicks(scores); ++clicks)
    metrics[fmt::format("iou_{}_clicks", clicks)] = Mean(WithClicks(scores, clicks));
  metrics["wrong_hidden"] = share(failures["hidden"], views);
  metrics["wrong_shown"] = share(wrong_shown, views_without);
  for (const char* failure : {"too_large", "too_small", "another"})
    metrics[failure] = share(failures[failure], views);
  metrics["decoder_calls"] = calls;
  metrics["seconds"] = seconds;
  AddBeside(scores, &metrics);
  return metrics;
}

Json ObjectsPerThingJson(const std::vector<ObjectScore>& scores, const Capture& capture) {
  Json things = Json::array();
  for (const ObjectScore& score : scores) {
    Json views = Json::array();
    for (const ObjectViewScore& view : score.per_view) {
      views.push_back({{"view", capture.views[view.view].name},
                       {"iou", view.iou},
                       {"precision", view.precision},
                       {"recall", view.recall},
                       {"hidden", view.hidden},
                       {"failure", FailureOf(view)}});
    }
    things.push_back({{"thing", score.thing.name},
                      {"id", score.thing.id},
                      {"view", capture.views[score.thing.view].name},
                      {"click", {score.thing.click.x(), score.thing.click.y()}},
                      {"iou", score.iou},
                      {"decoder_calls", score.decoder_calls},
                      {"seconds", score.seconds},
                      {"views", views}});
  }
  return things;
}

Json ObjectsDefinitions(const std::vector<ObjectScore>& scores) {
  Json definitions = {
      {"things",
       fmt::format("Labelled instances that cover {:g} % of some training view, but for walls, floors, "
                   "ceilings, windows, doors and rugs.",
                   100 * kSmallestClickedShare)},
      {"iou", fmt::format(
                  "Intersection over union of the selection that one click makes with the instance, in every "
                  "other view where the instance covers {:g} %; mean over the views of a thing, then over "
                  "things. The click is the innermost pixel in the training view where the thing is largest.",
                  100 * kSmallestShare)},
      {"iou_median", "As iou, median over things."},
      {"share_above_0.5", "Share of things whose mean over views is above 0.5."},
      {"share_above_0.75", "Share of things whose mean over views is above 0.75."},
      {"wrong_hidden", "Share of the scored views in which nothing of the thing was shown."},
      {"wrong_shown", "Share of the views without a pixel of the thing in which something was shown."},
      {"too_large", "Share of the scored views with an IoU below 0.5 and a recall above 0.7."},
      {"too_small", "Share of the scored views with an IoU below 0.5 and a precision above 0.7."},
      {"another", "Share of the scored views with an IoU below 0.5 that are wrong in another way."},
      {"decoder_calls", "Calls of the decoder for one click, mean over things."},
      {"seconds", "Seconds from the click to the selection, features at hand, mean over things."},
      {"teacher_iou",
       "As iou, of the teacher on each photo with a click at the thing's innermost pixel there, its own "
       "choice."},
      {"teacher_best_iou", "As teacher_iou, of the best of its answers to that click."},
      {"per_view_iou",
       "As iou, of the click carried to each view and asked there of the imitated features, as segment "
       "--per-view does; 0 where the point is hidden."},
      {"per_view_hidden", "Share of the scored views whose surface does not show the clicked point."}};
  for (size_t clicks = 2; clicks <= NumClicks(scores); ++clicks) {
    definitions[fmt::format("iou_{}_clicks", clicks)] =
        "As iou, with so many clicks: each further one lies in the middle of the largest connected error of "
        "any "
        "view.";
  }
  return definitions;
}

}  // namespace semfield
