#include "semfield/evaluation/poses_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/median.h"
#include "semfield/capture/reader.h"
#include "semfield/evaluation/metrics.h"

namespace semfield {
namespace {

using Side = PoseDifference PosesResult::View::*;

double MedianOf(const PosesResult& result, Side side, double PoseDifference::*value) {
  std::vector<double> values;
  for (const PosesResult::View& view : result.per_view) values.push_back(view.*side.*value);
  return Median(values);
}

double MostOf(const PosesResult& result, Side side, double PoseDifference::*value) {
  double most = 0;
  for (const PosesResult::View& view : result.per_view) most = std::max(most, view.*side.*value);
  return most;
}

}  // namespace

PosesResult EvaluatePoses(const Capture& given, const Capture& refined, const Capture& truth) {
  SF_CHECK_EQ(given.views.size(), refined.views.size());
  std::map<std::string, Pose> true_poses;
  for (const View& view : truth.views) true_poses[view.name] = view.world_from_camera;
  PosesResult result;
  std::vector<Pose> given_poses, refined_poses, expected;
  for (const int index : given.train) {
    const auto found = true_poses.find(given.views[index].name);
    if (found == true_poses.end()) continue;
    result.per_view.push_back({.name = given.views[index].name, .given = {}, .refined = {}});
    given_poses.push_back(given.views[index].world_from_camera);
    refined_poses.push_back(refined.views[index].world_from_camera);
    expected.push_back(found->second);
  }
  if (expected.size() < 3) {
    throw InputError(
        "{}: {} training views of {} are here by name; poses are compared from three on. Name a capture of "
        "the same photos",
        truth.path.string(), expected.size(), given.path.string());
  }
  const std::vector<PoseDifference> before = DifferencesAfterAlignment(given_poses, expected);
  const std::vector<PoseDifference> after = DifferencesAfterAlignment(refined_poses, expected);
  for (size_t i = 0; i < result.per_view.size(); ++i) {
    result.per_view[i].given = before[i];
    result.per_view[i].refined = after[i];
  }
  return result;
}

Json PosesMetricsJson(const PosesResult& result) {
  using View = PosesResult::View;
  using Difference = PoseDifference;
  return {{"given_degrees", MedianOf(result, &View::given, &Difference::degrees)},
          {"refined_degrees", MedianOf(result, &View::refined, &Difference::degrees)},
          {"refined_degrees_most", MostOf(result, &View::refined, &Difference::degrees)},
          {"given_distance", MedianOf(result, &View::given, &Difference::distance)},
          {"refined_distance", MedianOf(result, &View::refined, &Difference::distance)},
          {"refined_distance_most", MostOf(result, &View::refined, &Difference::distance)},
          {"views", result.per_view.size()}};
}

Json PosesPerViewJson(const PosesResult& result) {
  Json per_view = Json::array();
  for (const PosesResult::View& view : result.per_view) {
    per_view.push_back({{"view", view.name},
                        {"given_degrees", view.given.degrees},
                        {"refined_degrees", view.refined.degrees},
                        {"given_distance", view.given.distance},
                        {"refined_distance", view.refined.distance}});
  }
  return per_view;
}

Json PosesDefinitions() {
  const std::string after =
      ", after the motion that all views share was taken out; median over the training views.";
  return {
      {"given_degrees", "Angle between a camera's given and true orientation" + after},
      {"refined_degrees", "Angle between its refined and true orientation" + after},
      {"refined_degrees_most", "The largest of these angles."},
      {"given_distance", "Distance between a camera's given and true centre in the truth's units" + after},
      {"refined_distance", "Distance between its refined and true centre" + after},
      {"refined_distance_most", "The largest of these distances."},
      {"views", "Training views that the true capture has too, by name."}};
}

namespace {

class PosesProtocol : public Protocol {
 public:
  std::string name() const override { return "poses"; }
  std::string sentence() const override { return "training poses against true ones"; }
  ProtocolNeeds needs() const override { return {.truth = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(NoProtocolOptions()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions&, const JobControl&) const override {
    const Capture& refined = *inputs.run.capture;
    Capture given = refined;
    for (size_t i = 0; i < given.views.size(); ++i)
      given.views[i].world_from_camera = inputs.run.given_poses[i];
    const PosesResult result = EvaluatePoses(given, refined, ReadCapture(inputs.truth));
    const Json metrics = PosesMetricsJson(result);
    const auto number = [&](const char* key) { return metrics.at(key).get<double>(); };
    return {.protocol = name(),
            .facts = {{"truth", inputs.truth}},
            .text = {fmt::format(
                "{} training views: off by {:.3f} degrees and {:.4f} units as given, by {:.3f} and "
                "{:.4f} as trained (medians; most {:.3f} and {:.4f})",
                result.per_view.size(), number("given_degrees"), number("given_distance"),
                number("refined_degrees"), number("refined_distance"), number("refined_degrees_most"),
                number("refined_distance_most"))},
            .metrics = metrics,
            .definitions = PosesDefinitions(),
            .per_view = PosesPerViewJson(result)};
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakePosesProtocol() {
  return std::make_shared<PosesProtocol>();
}

}  // namespace semfield
