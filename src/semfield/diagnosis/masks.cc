#include <algorithm>
#include <cmath>

#include "semfield/capture/bounds.h"
#include "semfield/capture/mask_hull.h"
#include "semfield/diagnosis/photos.h"

namespace semfield::diagnosis {
namespace {

constexpr double kHullOverlap = 0.6;  // of a mask with the hull's picture, to be a thing that stands still

bool LeavesOutMiddle(const KeptPixels& view) {
  return view.middle < 0.5 && view.border > 0.8;
}

void CheckEmptyMasks(const Capture& capture, const std::vector<KeptPixels>& views, Findings* findings) {
  Finding finding{.kind = "empty-masks"};
  for (const KeptPixels& view : views) {
    if (view.share < 1e-3) finding.views.push_back(capture.views[view.view].name);
  }
  if (finding.views.empty()) return;
  finding.message = fmt::format("the mask of {} leaves nothing to train on", NamesInWords(finding.views));
  finding.advice = "In masks black is ignored and white is trained on. Invert it, or remove it.";
  findings->push_back(std::move(finding));
}

}  // namespace

Findings CheckMasks(const Capture& capture) {
  Findings findings;
  const std::vector<KeptPixels> views = ReadKeptPixels(capture, static_cast<int>(capture.views.size()) + 1);
  if (views.empty()) return findings;
  CheckEmptyMasks(capture, views, &findings);
  if (views.size() < 3) return findings;
  const CameraLayout layout = AnalyzeLayout(capture.views);
  std::vector<KeptPixels> without_middle, with_middle;
  for (const KeptPixels& view : views) {
    if (view.share < 1e-3 || view.share > 0.999) continue;
    (LeavesOutMiddle(view) ? without_middle : with_middle).push_back(view);
  }
  const bool most = 2 * without_middle.size() > views.size();
  Finding finding{.kind = "mask-polarity"};
  finding.advice =
      "In masks black is ignored and white is trained on. Invert them if it is the middle that you want.";
  if (!most) {
    // A few masks the other way round: the rest keep the middle and leave out the border.
    const bool rest_keep_middle =
        std::count_if(with_middle.begin(), with_middle.end(), [](const KeptPixels& v) {
          return v.middle > 0.5 && v.border < 0.2;
        }) > 0.8 * with_middle.size();
    if (without_middle.empty() || !rest_keep_middle || with_middle.size() < 3) return findings;
    for (const KeptPixels& view : without_middle) finding.views.push_back(capture.views[view.view].name);
    finding.message =
        fmt::format("the mask of {} looks inverted: it leaves out the middle, the others keep it",
                    NamesInWords(finding.views));
    findings.push_back(std::move(finding));
    return findings;
  }
  if (!layout.inward) return findings;
  std::vector<KeptPixels> some;
  for (size_t i = 0; i < without_middle.size(); i += 1 + without_middle.size() / 24)
    some.push_back(without_middle[i]);
  const double overlap =
      FindMaskHull(capture, some, layout.look_at, 0.6 * layout.look_at_distance, {.kept = false}).overlap;
  if (overlap < kHullOverlap) return findings;
  finding.message = fmt::format(
      "the masks look inverted: {} of {} leave out what all cameras look at, a thing that stands still "
      "(masks "
      "and its hull agree to {:.0f} %), and keep what is around it",
      without_middle.size(), views.size(), 100 * overlap);
  finding.numbers = {{"hull_overlap", overlap}, {"views", without_middle.size()}};
  findings.push_back(std::move(finding));
  return findings;
}

}  // namespace semfield::diagnosis
