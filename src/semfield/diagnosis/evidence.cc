#include "semfield/diagnosis/evidence.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <set>

#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/capture/bounds.h"
#include "semfield/capture/image_store.h"
#include "semfield/image/pixels.h"

namespace semfield::diagnosis {
namespace {

constexpr int kWorkingSide = 640, kLargestSide = 4096, kEnlargeBelow = 500;
constexpr int kMaxKeypoints = 700;
constexpr double kTolerancePixels = 2;
constexpr size_t kStoreBytes = size_t{64} << 20;
constexpr int kNeighborRanks[] = {1, 2, 3, 5, 8, 12};  // by pose: near ones, and some farther off
constexpr int kNeighborsByLooks = 3;
constexpr int kKeypointsForLooks = 160;
constexpr int64_t kPairsForLooks = 6000;  // compared with all their keypoints; more pairs get fewer

double WorkingScale(const Capture& capture) {
  std::vector<int> sides;
  for (const View& view : capture.views) sides.push_back(std::max(view.camera.width, view.camera.height));
  std::nth_element(sides.begin(), sides.begin() + sides.size() / 2, sides.end());
  const double usual = static_cast<double>(sides[sides.size() / 2]) / kWorkingSide;
  // One huge photo among small ones must not be worked on at its own size.
  const double largest = static_cast<double>(*std::max_element(sides.begin(), sides.end())) / kLargestSide;
  return std::max({1.0, usual, largest});
}

// Luma, grey where the photo is transparent, and which pixels are part of it.
void Separate(const ImageU8& image, const ImageU8* mask, ImageF* gray, ImageU8* use) {
  *gray = ImageF(image.width, image.height, 1);
  *use = ImageU8(image.width, image.height, 1, 255);
  for (size_t p = 0; p < image.num_pixels(); ++p) {
    const uint8_t* pixel = &image.data[p * image.channels];
    const float luma = (0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2]) / 255;
    const float alpha = image.channels == 4 ? pixel[3] / 255.f : 1.f;
    gray->data[p] = alpha * luma + (1 - alpha) * 0.5f;
    if (alpha < 0.5f || (mask != nullptr && mask->data[p] == 0)) use->data[p] = 0;
  }
}

void MeasureExposure(const ImageU8& image, const ImageF& gray, const ImageU8& use, ViewEvidence* view) {
  size_t used = 0, bright = 0, dark = 0;
  double sum = 0;
  for (size_t p = 0; p < image.num_pixels(); ++p) {
    if (use.data[p] == 0) continue;
    const uint8_t* pixel = &image.data[p * image.channels];
    ++used;
    sum += gray.data[p];
    bright += std::min({pixel[0], pixel[1], pixel[2]}) >= 250;
    dark += std::max({pixel[0], pixel[1], pixel[2]}) <= 5;
  }
  view->used_share = static_cast<double>(used) / std::max<size_t>(1, image.num_pixels());
  if (used == 0) return;
  view->brightness = sum / used;
  view->clipped_bright = static_cast<double>(bright) / used;
  view->clipped_dark = static_cast<double>(dark) / used;
}

// Differences of neighbouring pixels against those of pixels four apart.
double DetailOf(const ImageF& gray, const ImageU8& use) {
  double fine = 0, coarse = 0;
  for (int y = 0; y + 4 < gray.height; ++y) {
    for (int x = 0; x + 4 < gray.width; ++x) {
      if (use.At(x, y) == 0) continue;
      const float here = gray.At(x, y);
      fine += std::abs(gray.At(x + 1, y) - here) + std::abs(gray.At(x, y + 1) - here);
      coarse += std::abs(gray.At(x + 4, y) - here) + std::abs(gray.At(x, y + 4) - here);
    }
  }
  return coarse > 0 ? fine / coarse : 0;
}

ViewEvidence LookAtView(const ImageStore& store, int index) {
  ViewEvidence view;
  view.camera = store.CameraOf(index);
  const auto image = store.Image(index);
  const auto mask = store.Mask(index);
  ImageF gray;
  ImageU8 use;
  Separate(*image, mask.get(), &gray, &use);
  MeasureExposure(*image, gray, use, &view);
  view.detail = DetailOf(gray, use);
  view.keypoints = FindKeypoints(
      gray, use,
      {.max_keypoints = kMaxKeypoints, .enlarge = std::max(gray.width, gray.height) < kEnlargeBelow});
  for (const Keypoint& point : view.keypoints.points)
    view.directions.push_back(view.camera.DirectionAt(Vec2(point.x, point.y)));
  return view;
}

using Pairs = std::set<std::pair<int, int>>;

void AddPair(int a, int b, Pairs* pairs) {
  if (a != b) pairs->emplace(std::min(a, b), std::max(a, b));
}

// Cameras that stand near each other and look the same way.
void AddNeighborsByPose(const Capture& capture, Pairs* pairs) {
  const int count = static_cast<int>(capture.views.size());
  const double spread = std::max(AnalyzeLayout(capture.views).spread, 1e-12);
  for (int i = 0; i < count; ++i) {
    const Pose& pose = capture.views[i].world_from_camera;
    std::vector<std::pair<double, int>> others;
    for (int j = 0; j < count; ++j) {
      if (j == i) continue;
      const Pose& other = capture.views[j].world_from_camera;
      const double cosine = std::clamp(pose.rotation.col(2).dot(other.rotation.col(2)), -1.0, 1.0);
      const double turn = std::acos(cosine);
      others.emplace_back((pose.translation - other.translation).norm() / spread + turn / 0.5, j);
    }
    const size_t needed = std::min<size_t>(others.size(), kNeighborRanks[std::size(kNeighborRanks) - 1]);
    std::partial_sort(others.begin(), others.begin() + needed, others.end());
    for (const int rank : kNeighborRanks) {
      if (rank <= static_cast<int>(others.size())) AddPair(i, others[rank - 1].second, pairs);
    }
  }
}

// Views whose strongest keypoints match best: found without poses.
void AddNeighborsByLooks(const std::vector<ViewEvidence>& views, const JobControl& control, Pairs* pairs) {
  const int64_t count = static_cast<int64_t>(views.size());
  const int64_t num_pairs = count * (count - 1) / 2;
  const double thinning = std::sqrt(std::min(1.0, static_cast<double>(kPairsForLooks) / num_pairs));
  const int keypoints = static_cast<int>(kKeypointsForLooks * thinning);
  if (keypoints < 30) return;  // over a thousand views: names and poses must do
  std::vector<std::vector<int>> similar(count, std::vector<int>(count, 0));
  ParallelFor(count, [&](int64_t i, int) {
    if (control.StopRequested()) return;
    for (int64_t j = i + 1; j < count; ++j) {
      similar[i][j] =
          static_cast<int>(MatchByLooks(views[i].keypoints, views[j].keypoints, keypoints).size());
    }
  });
  for (int64_t i = 0; i < count; ++i) {
    std::vector<std::pair<int, int>> others;
    for (int64_t j = 0; j < count; ++j)
      others.emplace_back(-similar[std::min(i, j)][std::max(i, j)], static_cast<int>(j));
    std::sort(others.begin(), others.end());
    for (int k = 0; k < std::min<int>(kNeighborsByLooks, static_cast<int>(count)); ++k) {
      if (others[k].first < -3) AddPair(static_cast<int>(i), others[k].second, pairs);
    }
  }
}

}  // namespace

Evidence GatherEvidence(const Capture& capture, const JobControl& control) {
  Evidence evidence;
  const int64_t count = static_cast<int64_t>(capture.views.size());
  const ImageStore store(capture, WorkingScale(capture), kStoreBytes);
  evidence.views.resize(count);
  std::atomic<int64_t> done{0};
  const auto report = [&](const char* detail, int64_t of, double from, double share) {
    control.Report({.stage = "check", .done = from + share * (++done) / of, .total = 1, .detail = detail});
  };
  ParallelFor(count, [&](int64_t i, int) {
    control.ThrowIfStopped();
    evidence.views[i] = LookAtView(store, static_cast<int>(i));
    report("looking at photos", count, 0, 0.4);
  });
  Pairs chosen;
  AddNeighborsByPose(capture, &chosen);
  for (int i = 0; i + 1 < count; ++i) AddPair(i, i + 1, &chosen);
  AddNeighborsByLooks(evidence.views, control, &chosen);
  const std::vector<std::pair<int, int>> pairs(chosen.begin(), chosen.end());
  std::vector<PairEvidence> found(pairs.size());
  done = 0;
  ParallelFor(static_cast<int64_t>(pairs.size()), [&](int64_t i, int) {
    control.ThrowIfStopped();
    PairEvidence& pair = found[i];
    pair.a = pairs[i].first;
    pair.b = pairs[i].second;
    const ViewEvidence &a = evidence.views[pair.a], &b = evidence.views[pair.b];
    const auto matches = MatchByLooks(a.keypoints, b.keypoints, kMaxKeypoints);
    pair.num_candidates = static_cast<int>(matches.size());
    const double focal = 0.5 * (a.camera.fx + b.camera.fx);
    pair.matches = ConsistentMatches(matches, a.directions, b.directions, kTolerancePixels / focal,
                                     MixSeed(pair.a, pair.b));
    report("comparing photos", static_cast<int64_t>(pairs.size()), 0.4, 0.5);
  });
  evidence.num_compared = static_cast<int>(pairs.size());
  for (PairEvidence& pair : found) {
    if (!pair.matches.empty()) evidence.pairs.push_back(std::move(pair));
  }
  return evidence;
}

}  // namespace semfield::diagnosis
