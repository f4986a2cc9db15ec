#include "semfield/capture/mask_use.h"

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/capture/bounds.h"
#include "semfield/capture/mask_hull.h"

namespace semfield {
namespace {

constexpr int kMostViews = 40;
constexpr size_t kFewestViews = 6;
constexpr double kOverlap = 0.75;        // of hull and masks, to be one thing
constexpr double kMostOfBorder = 0.25;   // that a view may keep, in the median: a thing that is cut out
constexpr double kFewestOfMiddle = 0.2;  // stands in the middle and leaves most of the border
constexpr double kLookRadius = 0.8;      // of the cameras' distance, in which the thing is looked for
constexpr double kDisagreeing = 0.1;     // share of views in which a cell of the thing may be cut away
constexpr double kSeeing = 0.25;         // share of views that must see it: close-ups show a part
constexpr double kPadding = 0.15;        // of the thing's longest side, on all sides

template <class Get>
double Median(const std::vector<KeptPixels>& views, const Get& get) {
  std::vector<double> values;
  for (const KeptPixels& view : views) values.push_back(get(view));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

bool AllHaveMasks(const Capture& capture) {
  return std::none_of(capture.views.begin(), capture.views.end(),
                      [](const View& view) { return view.mask.empty(); });
}

// A second look, at the box that the first one found.
MaskHull LookCloser(const Capture& capture, const std::vector<KeptPixels>& views, const MaskHull& coarse) {
  const double radius = (0.5 + kPadding) * coarse.bounds.Extent().maxCoeff();
  return FindMaskHull(capture, views, coarse.bounds.Center(), radius,
                      {.most_disagreeing = kDisagreeing, .fewest_seeing = kSeeing});
}

}  // namespace

bool HasMasks(const Capture& capture) {
  return std::any_of(capture.views.begin(), capture.views.end(),
                     [](const View& view) { return !view.mask.empty(); });
}

std::string MasksInWords(const MaskDecision& decision) {
  std::string text =
      decision.use == MaskUse::kEmpty
          ? "what they cut away is taken as empty (train --masks empty)"
          : "what they cut away is ignored: neither trained on nor scored (train --masks ignore)";
  if (!decision.reason.empty()) text += ": " + decision.reason;
  return text;
}

MaskDecision LookAtMasks(const Capture& capture) {
  MaskDecision decision;
  if (!HasMasks(capture)) return decision;
  const auto ignore = [&](std::string reason) {
    decision.reason = std::move(reason);
    return decision;
  };
  if (!AllHaveMasks(capture)) return ignore("only some views have a mask");
  const CameraLayout layout = AnalyzeLayout(capture.views);
  if (!layout.inward || layout.forward_facing) return ignore("the views do not look at one point");
  const std::vector<KeptPixels> views = ReadKeptPixels(capture, kMostViews);
  if (views.size() < kFewestViews) return ignore("there are too few views to tell");
  const double border = Median(views, [](const KeptPixels& view) { return view.border; });
  const double middle = Median(views, [](const KeptPixels& view) { return view.middle; });
  if (border > kMostOfBorder || middle < kFewestOfMiddle)
    return ignore("the masks keep more than what stands in the middle of the photos");
  MaskHull hull = FindMaskHull(capture, views, layout.look_at, kLookRadius * layout.look_at_distance,
                               {.most_disagreeing = kDisagreeing, .fewest_seeing = kSeeing});
  if (hull.bounds.min.x() <= hull.bounds.max.x()) hull = LookCloser(capture, views, hull);
  if (hull.overlap < kOverlap) {
    return ignore(
        fmt::format("the masks are no pictures of one thing that stands still (they and its hull "
                    "agree to {:.0f} %)",
                    100 * hull.overlap));
  }
  const Vec3 padding = Vec3::Constant(kPadding * hull.bounds.Extent().maxCoeff());
  decision.use = MaskUse::kEmpty;
  decision.bounds = Box3{hull.bounds.min - padding, hull.bounds.max + padding};
  decision.reason = fmt::format(
      "the masks cut out one and the same thing (they and its hull agree to {:.0f} %)", 100 * hull.overlap);
  return decision;
}

MaskDecision DecideMasks(const std::string& asked, const Capture& capture) {
  SF_CHECK(asked == "ignore" || asked == "empty" || asked == "auto");
  if (asked == "ignore") return {};
  MaskDecision decision = LookAtMasks(capture);
  if (asked == "auto" || decision.use == MaskUse::kEmpty) return decision;
  for (const int view : capture.train) {
    if (!capture.views[view].mask.empty()) continue;
    throw InputError(
        "--masks empty: '{}' has no mask, so that nothing says what is empty there. Give every photo a mask, "
        "or use --masks ignore.",
        capture.views[view].name);
  }
  decision.use = MaskUse::kEmpty;
  return decision;
}

void ApplyMasks(const MaskDecision& decision, Capture* capture) {
  if (decision.use == MaskUse::kIgnore) return;
  for (View& view : capture->views) {
    if (view.mask.empty()) continue;
    view.mask_is_alpha = view.has_alpha = true;
  }
  if (decision.bounds) {
    capture->extent = SceneExtent::kBounded;
    capture->bounds = *decision.bounds;
    capture->bounds_rule = "box of the thing that the masks cut out, with 15 % padding";
  } else {
    DecideBounds(capture);
  }
}

}  // namespace semfield
