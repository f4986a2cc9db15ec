#include "semfield/capture/mask_hull.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "semfield/base/parallel.h"
#include "semfield/capture/image_store.h"

namespace semfield {
namespace {

constexpr int kMaskSide = 160;
constexpr size_t kStoreBytes = size_t{64} << 20;
constexpr int kHullSteps = 40;
constexpr float kDotReach = 0.6f;  // of a cell: half a cell's side and a little of its diagonal

// One channel, 255 where the view keeps the pixel.
ImageU8 KeptImage(const Capture& capture, const ImageStore& store, int v) {
  if (const auto mask = store.Mask(v)) return *mask;
  const auto image = store.Image(v);
  ImageU8 kept(image->width, image->height, 1, 255);
  for (size_t p = 0; image->channels == 4 && p < image->num_pixels(); ++p)
    kept.data[p] = image->data[4 * p + 3] >= 128 ? 255 : 0;
  return kept;
}

void CountShares(KeptPixels* view) {
  const int w = view->kept.width, h = view->kept.height;
  int all = 0, middle = 0, middle_all = 0, border = 0, border_all = 0;
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const int kept = view->kept.At(x, y) != 0;
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
  view->share = static_cast<double>(all) / std::max(1, w * h);
  view->middle = static_cast<double>(middle) / std::max(1, middle_all);
  view->border = static_cast<double>(border) / std::max(1, border_all);
}

// Where a cell's middle appears in a view; outside of its picture: x is -1.
struct Dot {
  int x = -1, y = -1;
};

class HullFinder {
 public:
  HullFinder(const Capture& capture, const std::vector<KeptPixels>& views, const MaskHullOptions& options)
      : capture_(capture), views_(views), options_(options), dots_(views.size()) {
    for (const KeptPixels& view : views) {
      pictures_.emplace_back(view.kept.width, view.kept.height, 1);
      camera_from_world_.push_back(capture.views[view.view].world_from_camera.Inverse());
    }
  }

  // Whether views agree that the point is inside. Notes where they see it.
  bool Contains(const Vec3& point) {
    int seen = 0, against = 0;
    for (size_t k = 0; k < views_.size(); ++k) {
      dots_[k] = {};
      const Camera& camera = views_[k].camera;
      const auto pixel = camera.Project(camera_from_world_[k] * point);
      if (!pixel || !camera.Contains(*pixel)) continue;
      ++seen;
      const ImageU8& kept = views_[k].kept;
      const Dot dot = {std::clamp(static_cast<int>(pixel->x()), 0, kept.width - 1),
                       std::clamp(static_cast<int>(pixel->y()), 0, kept.height - 1)};
      against += (kept.At(dot.x, dot.y) != 0) != options_.kept;
      if (options_.most_disagreeing <= 0 && against > 0) return false;
      dots_[k] = dot;
    }
    return seen >= options_.fewest_seeing * static_cast<double>(views_.size()) &&
           against <= options_.most_disagreeing * seen;
  }

  // The point that was asked about last, a cube of side `step`, in all pictures.
  void Draw(const Vec3& point, double step) {
    for (size_t k = 0; k < views_.size(); ++k) {
      if (dots_[k].x < 0) continue;
      const Pose& pose = capture_.views[views_[k].view].world_from_camera;
      const double distance = std::max(1e-9, (point - pose.translation).norm());
      const int r = static_cast<int>(std::ceil(kDotReach * step * views_[k].camera.fx / distance));
      ImageU8& picture = pictures_[k];
      for (int y = std::max(0, dots_[k].y - r); y <= std::min(picture.height - 1, dots_[k].y + r); ++y) {
        for (int x = std::max(0, dots_[k].x - r); x <= std::min(picture.width - 1, dots_[k].x + r); ++x)
          picture.At(x, y) = 255;
      }
    }
  }

  double Overlap() const {
    double sum = 0;
    for (size_t k = 0; k < views_.size(); ++k) {
      size_t both = 0, either = 0;
      for (size_t p = 0; p < pictures_[k].data.size(); ++p) {
        const bool hull = pictures_[k].data[p] != 0;
        const bool mask = (views_[k].kept.data[p] != 0) == options_.kept;
        both += hull && mask;
        either += hull || mask;
      }
      sum += either > 0 ? static_cast<double>(both) / static_cast<double>(either) : 0;
    }
    return sum / static_cast<double>(std::max<size_t>(1, views_.size()));
  }

 private:
  const Capture& capture_;
  const std::vector<KeptPixels>& views_;
  const MaskHullOptions options_;
  std::vector<Pose> camera_from_world_;
  std::vector<Dot> dots_;
  std::vector<ImageU8> pictures_;
};

}  // namespace

std::vector<KeptPixels> ReadKeptPixels(const Capture& capture, int max_views) {
  int side = 1;
  for (const View& view : capture.views) side = std::max({side, view.camera.width, view.camera.height});
  const ImageStore store(capture, std::max(1.0, static_cast<double>(side) / kMaskSide), kStoreBytes);
  std::vector<int> with;
  for (size_t v = 0; v < capture.views.size(); ++v) {
    if (!capture.views[v].mask.empty() || capture.views[v].has_alpha) with.push_back(static_cast<int>(v));
  }
  const size_t stride = 1 + with.size() / static_cast<size_t>(std::max(1, max_views));
  std::vector<KeptPixels> views((with.size() + stride - 1) / stride);
  ParallelFor(static_cast<int64_t>(views.size()), [&](int64_t i, int) {
    KeptPixels& view = views[i];
    view.view = with[i * stride];
    view.camera = store.CameraOf(view.view);
    view.kept = KeptImage(capture, store, view.view);
    CountShares(&view);
  });
  return views;
}

MaskHull FindMaskHull(const Capture& capture, const std::vector<KeptPixels>& views, const Vec3& center,
                      double radius, const MaskHullOptions& options) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  HullFinder finder(capture, views, options);
  MaskHull hull{.bounds = {Vec3::Constant(kInfinity), Vec3::Constant(-kInfinity)}};
  const double step = 2 * radius / kHullSteps;
  for (int i = 0; i < kHullSteps * kHullSteps * kHullSteps; ++i) {
    const Vec3 at(i % kHullSteps, i / kHullSteps % kHullSteps, i / (kHullSteps * kHullSteps));
    const Vec3 point = center + step * (at + Vec3::Constant(0.5)) - Vec3::Constant(radius);
    if (!finder.Contains(point)) continue;
    finder.Draw(point, step);
    hull.bounds.min = hull.bounds.min.cwiseMin(point - Vec3::Constant(step / 2));
    hull.bounds.max = hull.bounds.max.cwiseMax(point + Vec3::Constant(step / 2));
  }
  hull.overlap = finder.Overlap();
  return hull;
}

}  // namespace semfield
