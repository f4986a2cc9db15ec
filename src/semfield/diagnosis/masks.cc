#include <algorithm>
#include <cmath>

#include "semfield/base/parallel.h"
#include "semfield/capture/bounds.h"
#include "semfield/capture/image_store.h"
#include "semfield/diagnosis/photos.h"

namespace semfield::diagnosis {
namespace {

constexpr int kMaskSide = 160;
constexpr size_t kStoreBytes = size_t{64} << 20;
constexpr double kHullOverlap = 0.6;  // of a mask with the hull's picture, to be a thing that stands still
constexpr int kHullSteps = 40;

// What one view keeps, as its mask (or alpha) says.
struct KeptPixels {
  int view = 0;
  Camera camera;
  ImageU8 kept;       // 255 or 0
  double share = 1;   // kept
  double middle = 1;  // kept share of the middle third
  double border = 1;  // kept share of the outermost pixels
};

KeptPixels ReadKept(const Capture& capture, const ImageStore& store, int v) {
  KeptPixels view;
  view.view = v;
  view.camera = store.CameraOf(v);
  if (!capture.views[v].mask.empty()) {
    view.kept = *store.Mask(v);
  } else {
    const auto image = store.Image(v);
    view.kept = ImageU8(image->width, image->height, 1, 255);
    if (image->channels == 4) {
      for (size_t p = 0; p < image->num_pixels(); ++p)
        view.kept.data[p] = image->data[4 * p + 3] >= 128 ? 255 : 0;
    }
  }
  const int w = view.kept.width, h = view.kept.height;
  int all = 0, middle = 0, middle_all = 0, border = 0, border_all = 0;
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const int kept = view.kept.At(x, y) != 0;
      all += kept;
      if (3 * x >= w && 3 * x < 2 * w && 3 * y >= h && 3 * y < 2 * h) {
        middle += kept;
        ++middle_all;
      }
      if (x < 2 || y < 2 || x >= w - 2 || y >= h - 2) {
        border += kept;
        ++border_all;
      }
    }
  }
  view.share = static_cast<double>(all) / std::max(1, w * h);
  view.middle = static_cast<double>(middle) / std::max(1, middle_all);
  view.border = static_cast<double>(border) / std::max(1, border_all);
  return view;
}

bool KeepsAt(const KeptPixels& view, const Vec2& pixel) {
  const int x = std::clamp(static_cast<int>(pixel.x()), 0, view.kept.width - 1);
  const int y = std::clamp(static_cast<int>(pixel.y()), 0, view.kept.height - 1);
  return view.kept.At(x, y) != 0;
}

// How well the pixels that views leave out (or keep) are the pictures of one thing that stands still around
// `center`: the hull of their cones, looked at again, against the masks (mean intersection over union).
double HullOverlap(const Capture& capture, const std::vector<KeptPixels>& views, const Vec3& center,
                   double radius, bool kept) {
  std::vector<ImageU8> pictures;
  for (const KeptPixels& view : views) pictures.emplace_back(view.kept.width, view.kept.height, 1);
  const double step = 2 * radius / kHullSteps;
  std::vector<std::pair<int, int>> dots(views.size());
  for (int i = 0; i < kHullSteps * kHullSteps * kHullSteps; ++i) {
    const Vec3 at(i % kHullSteps, i / kHullSteps % kHullSteps, i / (kHullSteps * kHullSteps));
    const Vec3 point = center + step * (at + Vec3::Constant(0.5)) - Vec3::Constant(radius);
    bool inside = true;
    int seen = 0;
    for (size_t k = 0; k < views.size() && inside; ++k) {
      dots[k] = {-1, -1};
      const auto pixel =
          views[k].camera.Project(capture.views[views[k].view].world_from_camera.Inverse() * point);
      if (!pixel || !views[k].camera.Contains(*pixel)) continue;
      ++seen;
      inside = KeepsAt(views[k], *pixel) == kept;
      dots[k] = {static_cast<int>(pixel->x()), static_cast<int>(pixel->y())};
    }
    if (!inside || 2 * seen < static_cast<int>(views.size())) continue;
    for (size_t k = 0; k < views.size(); ++k) {
      if (dots[k].first < 0) continue;
      const Pose& pose = capture.views[views[k].view].world_from_camera;
      const int r = static_cast<int>(
          std::ceil(0.6 * step * views[k].camera.fx / std::max(1e-9, (point - pose.translation).norm())));
      for (int y = std::max(0, dots[k].second - r); y <= std::min(pictures[k].height - 1, dots[k].second + r);
           ++y) {
        for (int x = std::max(0, dots[k].first - r); x <= std::min(pictures[k].width - 1, dots[k].first + r);
             ++x)
          pictures[k].At(x, y) = 255;
      }
    }
  }
  double sum = 0;
  for (size_t k = 0; k < views.size(); ++k) {
    size_t both = 0, either = 0;
    for (size_t p = 0; p < pictures[k].data.size(); ++p) {
      const bool hull = pictures[k].data[p] != 0, mask = (views[k].kept.data[p] != 0) == kept;
      both += hull && mask;
      either += hull || mask;
    }
    sum += either > 0 ? static_cast<double>(both) / either : 0;
  }
  return sum / views.size();
}

std::vector<KeptPixels> ReadAllKept(const Capture& capture) {
  int side = 1;
  for (const View& view : capture.views) side = std::max({side, view.camera.width, view.camera.height});
  const ImageStore store(capture, std::max(1.0, static_cast<double>(side) / kMaskSide), kStoreBytes);
  std::vector<int> with;
  for (size_t v = 0; v < capture.views.size(); ++v) {
    if (!capture.views[v].mask.empty() || capture.views[v].has_alpha) with.push_back(static_cast<int>(v));
  }
  std::vector<KeptPixels> views(with.size());
  ParallelFor(static_cast<int64_t>(with.size()),
              [&](int64_t i, int) { views[i] = ReadKept(capture, store, with[i]); });
  return views;
}

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
  const std::vector<KeptPixels> views = ReadAllKept(capture);
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
  const double overlap = HullOverlap(capture, some, layout.look_at, 0.6 * layout.look_at_distance, false);
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
