#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "semfield/base/median.h"
#include "semfield/capture/camera_key.h"
#include "semfield/diagnosis/photos.h"

namespace semfield::diagnosis {
namespace {

constexpr double kFarFromMiddle = 0.2;  // of the side; nearer is a warning of the reader's advice
constexpr double kMaxStretch = 1.25;
constexpr double kMinFov = 5, kMaxFov = 150;  // degrees, pinhole
constexpr double kFocalApart = 0.12;  // of the logarithm; self-calibrated photos of one lens differ by less
constexpr double kMostApart = 0.2;    // of the photos of a size
constexpr size_t kFewestOfGroup = 5;
constexpr double kReprojectionPixels = 5, kReprojectionFactor = 4;  // at 640 pixels

// The factor between the photo the intrinsics were made for and this one, when the principal point stands in
// the middle of another size; 0 otherwise.
double OtherSize(const Camera& c) {
  const double x = 2 * c.cx / c.width, y = 2 * c.cy / c.height;
  return std::abs(x - y) < 0.1 * std::max(x, y) && (x > 1.3 || x < 0.77) ? 0.5 * (x + y) : 0.0;
}

// Empty when nothing is wrong.
std::string WhatIsWrong(const Camera& c, std::string* advice) {
  *advice = "Give the intrinsics of the photos as they are now; scale fl_x, fl_y, cx and cy with their size.";
  if (const double factor = OtherSize(c); factor > 0) {
    return fmt::format(
        "the intrinsics look made for photos {:.3g} times as large: the principal point ({:.0f}, "
        "{:.0f}) would be the middle of {:.0f}x{:.0f}, the photos are {}x{}",
        factor, c.cx, c.cy, factor * c.width, factor * c.height, c.width, c.height);
  }
  const double x = c.cx / c.width - 0.5, y = c.cy / c.height - 0.5;
  if (c.width != c.height && std::abs(c.cx - 0.5 * c.height) < 0.05 * c.height &&
      std::abs(c.cy - 0.5 * c.width) < 0.05 * c.width && std::max(std::abs(x), std::abs(y)) > 0.1) {
    *advice = "Swap width and height, cx and cy, or turn the photos as they were when the poses were made.";
    return fmt::format(
        "the intrinsics look made for photos turned by 90 degrees: the principal point ({:.0f}, "
        "{:.0f}) is the middle of {}x{}, the photos are {}x{}",
        c.cx, c.cy, c.height, c.width, c.width, c.height);
  }
  if (std::max(std::abs(x), std::abs(y)) > kFarFromMiddle) {
    *advice =
        "Check cx and cy. If the photos were cropped after calibration, that is right, and nothing is to do.";
    return fmt::format("the principal point ({:.0f}, {:.0f}) is far from the middle of {}x{}", c.cx, c.cy,
                       c.width, c.height);
  }
  const double stretch = c.fy / c.fx;
  if (std::max(stretch, 1 / stretch) > kMaxStretch) {
    *advice =
        "Pixels of photos are square: fl_x and fl_y should be nearly equal. Were the photos stretched, or is "
        "one of "
        "the two for another size?";
    return fmt::format("fl_y is {:.2f} times fl_x", stretch);
  }
  const double fov = 2 * std::atan(0.5 * std::max(c.width / c.fx, c.height / c.fy)) * 57.29578;
  if (c.model == CameraModel::kOpenCv && (fov < kMinFov || fov > kMaxFov)) {
    return fmt::format("the focal length {:.4g} gives a field of view of {:.3g} degrees in photos of {}x{}",
                       c.fx, fov, c.width, c.height);
  }
  return {};
}

double FocalOf(const Camera& c) {
  return std::sqrt(c.fx * c.fy);
}

// Views whose focal lengths stand apart from those of the others of the same size: one lens has one.
Findings CheckFocalGroups(const Capture& capture) {
  std::map<std::pair<int, int>, std::vector<const View*>> by_size;
  for (const View& view : capture.views) by_size[{view.camera.width, view.camera.height}].push_back(&view);
  Findings findings;
  for (const auto& [size, views] : by_size) {
    if (views.size() < kFewestOfGroup) continue;
    std::vector<double> all;
    for (const View* view : views) all.push_back(FocalOf(view->camera));
    const double usual = Median(std::move(all));
    Finding finding{.kind = "focal-length-apart"};
    std::vector<std::string> focals;
    for (const View* view : views) {
      const double focal = FocalOf(view->camera);
      if (std::abs(std::log(focal / usual)) < kFocalApart) continue;
      finding.views.push_back(view->name);
      if (focals.size() < 4) focals.push_back(fmt::format("{:.0f}", focal));
    }
    // More of them are another lens, or a zoom that was used.
    if (finding.views.empty() || finding.views.size() > kMostApart * static_cast<double>(views.size()))
      continue;
    finding.message = fmt::format(
        "{}: focal lengths of {}{} pixels stand apart from the {:.0f} that the {} other photos of {}x{} have",
        NamesInWords(finding.views), fmt::join(focals, ", "),
        finding.views.size() > focals.size() ? ", ..." : "", usual, views.size() - finding.views.size(),
        size.first, size.second);
    finding.advice =
        "Photos of one lens have one focal length: recover the poses with one camera for all, or leave these "
        "photos out. If the zoom was moved for them, nothing is to do.";
    finding.numbers = {{"usual", usual}, {"views", finding.views.size()}};
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace

Findings CheckIntrinsics(const Capture& capture) {
  std::map<std::string, Finding> by_message;
  for (const View& view : capture.views) {
    std::string advice;
    const std::string message = WhatIsWrong(view.camera, &advice);
    if (message.empty()) continue;
    Finding& finding = by_message[message];
    finding.kind = "wrong-intrinsics";
    finding.message = message;
    finding.advice = advice;
    finding.views.push_back(view.name);
  }
  Findings findings;
  for (auto& [message, finding] : by_message) {
    if (finding.views.size() == capture.views.size())
      finding.views.clear();
    else
      finding.message = NamesInWords(finding.views) + ": " + finding.message;
    findings.push_back(std::move(finding));
    if (findings.size() == 5) break;  // a camera of its own for each view
  }
  Findings apart = CheckFocalGroups(capture);
  findings.insert(findings.end(), apart.begin(), apart.end());
  return findings;
}

Findings CheckSparsePoints(const Capture& capture) {
  const size_t count = capture.views.size();
  std::vector<std::vector<double>> errors(count);
  std::vector<Pose> camera_from_world;
  for (const View& view : capture.views) camera_from_world.push_back(view.world_from_camera.Inverse());
  for (const Observation& seen : capture.observations) {
    const Camera& camera = capture.views[seen.view].camera;
    const auto pixel = camera.Project(camera_from_world[seen.view] * capture.points[seen.point].position);
    const double scale = 640.0 / std::max(camera.width, camera.height);
    errors[seen.view].push_back(pixel ? scale * (*pixel - Vec2(seen.x, seen.y)).norm() : 1e3);
  }
  std::vector<double> medians(count, -1), known;
  for (size_t v = 0; v < count; ++v) {
    if (errors[v].size() < 20) continue;
    medians[v] = Median(std::move(errors[v]));
    known.push_back(medians[v]);
  }
  if (known.size() < 3) return {};
  const double usual = Median(std::move(known));
  if (usual > kReprojectionPixels) {
    return {{.kind = "sparse-points-disagree",
             .message = fmt::format(
                 "sparse points and poses disagree: the points are projected {:.0f} pixels (of 640) "
                 "from where the views are said to see them",
                 usual),
             .advice = "Points, poses and intrinsics must come from one reconstruction.",
             .numbers = {{"median_error", usual}}}};
  }
  Findings findings;
  for (size_t v = 0; v < count; ++v) {
    if (medians[v] <= std::max(kReprojectionPixels, kReprojectionFactor * usual)) continue;
    findings.push_back(
        {.kind = "sparse-points-disagree",
         .message = fmt::format("'{}' disagrees with the sparse points: they are projected {:.0f} pixels "
                                "(of 640) from where it is said to see them, in other views {:.1f}",
                                capture.views[v].name, medians[v], usual),
         .advice = "Its pose or camera is wrong. Leave it out, or estimate it again.",
         .views = {capture.views[v].name},
         .numbers = {{"median_error", medians[v]}, {"usual_error", usual}}});
  }
  return findings;
}

}  // namespace semfield::diagnosis
