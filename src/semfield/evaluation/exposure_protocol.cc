#include "semfield/evaluation/exposure_protocol.h"
#include <fmt/format.h>
#include "semfield/capture/reader.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "semfield/base/error.h"
#include "semfield/base/median.h"
#include "semfield/capture/image_store.h"
#include "semfield/image/srgb.h"

namespace semfield {
namespace {

// Stored colours whose light can be compared: below, rounding to 8 bits is too coarse; above, some are
// clipped.
constexpr float kDarkest = 0.1f, kBrightest = 0.95f;

bool Comparable(float stored) {
  return stored > kDarkest && stored < kBrightest;
}

double Stops(float stored, float before) {
  return std::log2(LinearFromSrgb(stored) / LinearFromSrgb(before));
}

ExposureResult::View Compare(const View& view, const ImageU8& given, const ImageU8& truth,
                             const ColorMap& found) {
  if (given.width != truth.width || given.height != truth.height) {
    throw InputError("{}: {} x {} pixels, but {} x {} in the capture that is taken for true",
                     view.image.string(), given.width, given.height, truth.width, truth.height);
  }
  std::vector<double> of_photo, of_map;
  for (size_t p = 0; p < truth.num_pixels(); ++p) {
    if (truth.channels == 4 && truth.data[4 * p + 3] < 255) continue;
    float color[3], shown[3];
    for (int k = 0; k < 3; ++k) color[k] = static_cast<float>(truth.data[p * truth.channels + k]) / 255;
    found.Show(color, shown);
    for (int k = 0; k < 3; ++k) {
      const float photo = static_cast<float>(given.data[p * given.channels + k]) / 255;
      if (!Comparable(color[k]) || !Comparable(photo)) continue;
      of_photo.push_back(Stops(photo, color[k]));
      of_map.push_back(Stops(std::max(shown[k], kDarkest / 2), color[k]));
    }
  }
  if (of_photo.empty()) {
    throw InputError("{}: no pixel that is neither nearly black nor clipped here and in the true photo",
                     view.image.string());
  }
  return {.name = view.name, .given = Median(of_photo), .found = Median(of_map)};
}

double MedianError(const ExposureResult& result, bool of_given) {
  std::vector<double> errors;
  for (const ExposureResult::View& view : result.per_view)
    errors.push_back(std::abs(of_given ? view.given : view.found - view.given));
  return Median(errors);
}

}  // namespace

ExposureResult EvaluateExposure(const Capture& given, const std::vector<ColorMap>& found,
                                const Capture& truth) {
  std::map<std::string, int> true_views;
  for (size_t i = 0; i < truth.views.size(); ++i) true_views[truth.views[i].name] = static_cast<int>(i);
  const ImageStore photos(given), true_photos(truth);
  ExposureResult result;
  for (const int index : given.train) {
    const auto same = true_views.find(given.views[index].name);
    if (same == true_views.end()) continue;
    result.per_view.push_back(Compare(given.views[index], *photos.Image(index),
                                      *true_photos.Image(same->second),
                                      found.empty() ? ColorMap() : found[index]));
  }
  if (result.per_view.size() < 2) {
    throw InputError(
        "{}: {} training views of {} are here by name; exposures are compared from two on. Name a capture of "
        "the same photos",
        truth.path.string(), result.per_view.size(), given.path.string());
  }
  double given_mean = 0, found_mean = 0;
  for (const ExposureResult::View& view : result.per_view) {
    given_mean += view.given / static_cast<double>(result.per_view.size());
    found_mean += view.found / static_cast<double>(result.per_view.size());
  }
  for (ExposureResult::View& view : result.per_view) {
    view.given -= given_mean;
    view.found -= found_mean;
  }
  return result;
}

Json ExposureMetricsJson(const ExposureResult& result) {
  double most = 0;
  for (const ExposureResult::View& view : result.per_view)
    most = std::max(most, std::abs(view.found - view.given));
  return {{"given_stops", MedianError(result, true)},
          {"error_stops", MedianError(result, false)},
          {"error_stops_most", most},
          {"views", result.per_view.size()}};
}

Json ExposurePerViewJson(const ExposureResult& result) {
  Json per_view = Json::array();
  for (const ExposureResult::View& view : result.per_view)
    per_view.push_back({{"view", view.name}, {"given_stops", view.given}, {"found_stops", view.found}});
  return per_view;
}

Json ExposureDefinitions() {
  return {{"given_stops",
           "Stops by which a training photo is brighter or darker than its true one, without sign, after the "
           "mean "
           "over all views was taken out; median over the views."},
          {"error_stops", "Difference between the stops that were found and those; median over the views."},
          {"error_stops_most", "The largest of these differences."},
          {"views", "Training views that the true capture has too, by name."}};
}

namespace {

class ExposureProtocol : public Protocol {
 public:
  std::string name() const override { return "exposure"; }
  std::string sentence() const override { return "learned exposures of training photos against true ones"; }
  ProtocolNeeds needs() const override { return {.truth = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(NoProtocolOptions()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions&, const JobControl&) const override {
    const ExposureResult result =
        EvaluateExposure(*inputs.run.capture, inputs.run.exposure, ReadCapture(inputs.truth));
    const Json metrics = ExposureMetricsJson(result);
    const auto number = [&](const char* key) { return metrics.at(key).get<double>(); };
    return {.protocol = name(),
            .facts = {{"truth", inputs.truth}},
            .text = {fmt::format(
                "{} training views: photos off by {:.3f} stops, what was learned by {:.3f} (medians; "
                "most {:.3f})",
                result.per_view.size(), number("given_stops"), number("error_stops"),
                number("error_stops_most"))},
            .metrics = metrics,
            .definitions = ExposureDefinitions(),
            .per_view = ExposurePerViewJson(result)};
  }
};

}  // namespace

std::shared_ptr<const Protocol> MakeExposureProtocol() {
  return std::make_shared<ExposureProtocol>();
}

}  // namespace semfield
