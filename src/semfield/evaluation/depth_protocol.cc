#include "semfield/evaluation/depth_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/error.h"

namespace semfield {
namespace {

constexpr double kWithin = 0.05;

double Share(int64_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void Append(const DepthErrors& from, DepthErrors* to) {
  to->relative.insert(to->relative.end(), from.relative.begin(), from.relative.end());
}

std::map<std::string, DepthErrors> ByClass(const ImageF& ours, const ImageF& truth, const ImageU16& classes,
                                           const std::vector<std::string>& names) {
  std::map<std::string, DepthErrors> by_class;
  if (classes.data.size() != ours.data.size()) return by_class;
  for (size_t i = 0; i < ours.data.size(); ++i) {
    if (truth.data[i] <= 0 || classes.data[i] >= names.size()) continue;
    by_class[names[classes.data[i]]].relative.push_back(ours.data[i] / truth.data[i] - 1);
  }
  return by_class;
}

DepthScore ScoreDepth(const OpenedRun& run, int view, const StopToken* stop) {
  const ImageF truth = run.store->Depth(view);
  RenderRequest request;
  request.rgb = false;
  // At the original size, where the truth is known exactly.
  const Camera& camera = run.capture->views[view].camera;
  const ImageF ours =
      run.Field().Render(camera, run.capture->views[view].world_from_camera, request, stop).depth;
  return {.view = view,
          .all = CompareDepth(ours, truth),
          .by_class = ByClass(ours, truth, run.store->Classes(view), run.capture->class_names)};
}

Json ErrorsJson(const DepthErrors& errors) {
  return {{"pixels", errors.relative.size()},
          {"median_relative_error", errors.MedianAbsolute()},
          {"within_5_percent", errors.ShareWithin(kWithin)},
          {"too_near", errors.ShareNearer(kWithin)},
          {"too_far", errors.ShareFarther(kWithin)}};
}

Json Definitions() {
  return {{"pixels", "Pixels of all held-out views whose true depth is known."},
          {"median_relative_error",
           "Median of |ours - truth| / truth over these pixels, of the depth at which transmittance passes "
           "1/2; a "
           "pixel where nothing was rendered counts as 1."},
          {"within_5_percent", "Share of these pixels whose relative error is at most 0.05."},
          {"too_near", "Share whose depth is more than 5 % too near, or where nothing was rendered."},
          {"too_far", "Share whose depth is more than 5 % too far."},
          {"by_class", "The same over the pixels of each class, where the capture has labels."}};
}

std::vector<std::string> DepthText(const DepthErrors& all,
                                   const std::map<std::string, DepthErrors>& by_class) {
  std::vector<std::string> text = {
      fmt::format("depth: {:.1f} % of {} pixels within 5 % of the truth, median error {:.2f} %, {:.1f} % too "
                  "near, {:.1f} % "
                  "too far",
                  100 * all.ShareWithin(kWithin), all.relative.size(), 100 * all.MedianAbsolute(),
                  100 * all.ShareNearer(kWithin), 100 * all.ShareFarther(kWithin))};
  for (const auto& [name, errors] : by_class) {
    text.push_back(fmt::format("  {}: {:.1f} % within 5 %, median error {:.2f} %", name,
                               100 * errors.ShareWithin(kWithin), 100 * errors.MedianAbsolute()));
  }
  return text;
}

class DepthProtocol : public Protocol {
 public:
  std::string name() const override { return "depth"; }
  std::string sentence() const override { return "rendered depth against the capture's"; }
  ProtocolNeeds needs() const override { return {.held_out = true, .depth = true}; }
  AnyOptions NewOptions() const override { return AnyOptions(NoProtocolOptions()); }
  ProtocolResult Run(const ProtocolInputs& inputs, const AnyOptions&,
                     const JobControl& control) const override {
    DepthErrors all;
    std::map<std::string, DepthErrors> by_class;
    Json per_view = Json::array();
    for (const int view : inputs.views) {
      control.ThrowIfStopped();
      if (inputs.run.capture->views[view].depth.empty()) continue;
      const DepthScore score = ScoreDepth(inputs.run, view, control.stop);
      Append(score.all, &all);
      for (const auto& [name, errors] : score.by_class) Append(errors, &by_class[name]);
      Json one = ErrorsJson(score.all);
      one["view"] = inputs.run.capture->views[view].name;
      per_view.push_back(std::move(one));
      control.Report({.stage = "evaluate depth",
                      .done = static_cast<double>(per_view.size()),
                      .total = static_cast<double>(inputs.views.size()),
                      .detail = inputs.run.capture->views[view].name});
    }
    if (all.relative.empty()) {
      throw InputError("{}: no held-out view has a depth map with a known pixel",
                       inputs.run.capture->path.string());
    }
    Json metrics = ErrorsJson(all);
    metrics["by_class"] = Json::object();
    for (const auto& [name, errors] : by_class) metrics["by_class"][name] = ErrorsJson(errors);
    return {.protocol = name(),
            .text = DepthText(all, by_class),
            .metrics = metrics,
            .definitions = Definitions(),
            .per_view = per_view};
  }
};

}  // namespace

double DepthErrors::MedianAbsolute() const {
  if (relative.empty()) return 0;
  std::vector<float> sizes(relative.size());
  std::transform(relative.begin(), relative.end(), sizes.begin(), [](float e) { return std::abs(e); });
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  return *middle;
}

double DepthErrors::ShareWithin(double tolerance) const {
  return Share(
      std::count_if(relative.begin(), relative.end(), [&](float e) { return std::abs(e) <= tolerance; }),
      relative.size());
}

double DepthErrors::ShareNearer(double tolerance) const {
  return Share(std::count_if(relative.begin(), relative.end(), [&](float e) { return e < -tolerance; }),
               relative.size());
}

double DepthErrors::ShareFarther(double tolerance) const {
  return Share(std::count_if(relative.begin(), relative.end(), [&](float e) { return e > tolerance; }),
               relative.size());
}

DepthErrors CompareDepth(const ImageF& ours, const ImageF& truth) {
  SF_CHECK_EQ(ours.data.size(), truth.data.size());
  DepthErrors errors;
  for (size_t i = 0; i < ours.data.size(); ++i) {
    if (truth.data[i] > 0) errors.relative.push_back(ours.data[i] / truth.data[i] - 1);
  }
  return errors;
}

std::shared_ptr<const Protocol> MakeDepthProtocol() {
  return std::make_shared<DepthProtocol>();
}

}  // namespace semfield
