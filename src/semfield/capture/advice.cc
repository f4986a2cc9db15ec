#include "semfield/capture/advice.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "semfield/base/error.h"
#include "semfield/capture/bounds.h"
#include "semfield/capture/camera_key.h"

namespace semfield {
namespace {

constexpr int kFewViews = 20;
constexpr int kFewViewsOfCamera = 5;

void AdviseOnIntrinsics(const Capture& capture, std::vector<std::string>* out) {
  int off_center = 0, stretched = 0;
  const Camera *center_example = nullptr, *stretch_example = nullptr;
  for (const View& view : capture.views) {
    const Camera& c = view.camera;
    if (std::abs(c.cx / c.width - 0.5) > 0.1 || std::abs(c.cy / c.height - 0.5) > 0.1) {
      ++off_center;
      center_example = &c;
    }
    if (c.fy / c.fx > 1.1 || c.fy / c.fx < 1 / 1.1) {
      ++stretched;
      stretch_example = &c;
    }
  }
  if (off_center > 0) {
    out->push_back(fmt::format(
        "{} views have a principal point far from the middle ({:.0f}, {:.0f} of {}x{}); it is used as "
        "given, but check that the images were not cropped after calibration",
        off_center, center_example->cx, center_example->cy, center_example->width, center_example->height));
  }
  if (stretched > 0) {
    out->push_back(fmt::format(
        "{} views have fl_y = {:.2f} fl_x; pixels of photos are square, so check the calibration or "
        "whether the images were stretched",
        stretched, stretch_example->fy / stretch_example->fx));
  }
}

void AdviseOnCounts(const Capture& capture, std::vector<std::string>* out) {
  const int count = static_cast<int>(capture.views.size());
  if (count < kFewViews) {
    out->push_back(fmt::format(
        "only {} views; expect floating artefacts away from them, 50 or more overlapping photos are "
        "better",
        count));
  }
  std::map<decltype(CameraKey(Camera())), int> views_of_camera;
  for (const View& view : capture.views) ++views_of_camera[CameraKey(view.camera)];
  if (views_of_camera.size() < 2 || static_cast<int>(views_of_camera.size()) > count / 4) return;
  int few = 0, views = 0;
  for (const auto& [key, number] : views_of_camera) {
    if (number < kFewViewsOfCamera) {
      ++few;
      views += number;
    }
  }
  if (few > 0) {
    out->push_back(fmt::format(
        "{} of {} cameras took only {} views together; their calibration is weak, leave those views "
        "out if they look worse than the rest",
        few, views_of_camera.size(), views));
  }
}

// Poses equal up to rounding, found along one sorted axis.
void AdviseOnRepeatedPoses(const Capture& capture, double spread, std::vector<std::string>* out) {
  const std::vector<View>& views = capture.views;
  std::vector<int> order(views.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    const double x = views[a].world_from_camera.translation.x(),
                 y = views[b].world_from_camera.translation.x();
    return std::pair(x, a) < std::pair(y, b);
  });
  const double near = 1e-5 * spread;
  int repeated = 0;
  std::string example;
  for (size_t i = 0; i < order.size(); ++i) {
    const Pose& a = views[order[i]].world_from_camera;
    for (size_t k = i + 1; k < std::min(order.size(), i + 64); ++k) {
      const Pose& b = views[order[k]].world_from_camera;
      if (b.translation.x() - a.translation.x() > near) break;
      if ((b.translation - a.translation).norm() > near || RotationAngle(a.rotation, b.rotation) > 1e-4)
        continue;
      if (repeated++ == 0) example = fmt::format("'{}' and '{}'", views[order[i]].name, views[order[k]].name);
      break;
    }
  }
  if (repeated > 0) {
    out->push_back(fmt::format(
        "{} views repeat the pose of another ({}); if one of two is held out, scores will be too good",
        repeated, example));
  }
}

void AdviseOnLayout(const Capture& capture, std::vector<std::string>* out) {
  const CameraLayout layout = AnalyzeLayout(capture.views);
  if (layout.spread < 1e-9) {
    out->push_back("all cameras stand at one point; depth cannot be learnt without moving the camera");
  } else if (layout.spread < 1e-3 || layout.spread > 1e4) {
    out->push_back(
        fmt::format("cameras are spread over {:.3g} world units; scale the poses to a few units or metres",
                    layout.spread));
  } else if (layout.mean_center.norm() > 1e5 * layout.spread) {
    out->push_back(
        fmt::format("cameras are {:.3g} world units from the origin but spread over {:.3g}; move the origin "
                    "near them or single precision will blur them",
                    layout.mean_center.norm(), layout.spread));
  }
  if (layout.forward_facing) {
    out->push_back("all cameras look the same way; the scene will hold only from their side");
  }
  AdviseOnRepeatedPoses(capture, layout.spread, out);
}

}  // namespace

std::vector<std::string> AdviseOn(const Capture& capture) {
  std::vector<std::string> advice;
  if (capture.views.empty()) return advice;
  AdviseOnCounts(capture, &advice);
  AdviseOnIntrinsics(capture, &advice);
  AdviseOnLayout(capture, &advice);
  return advice;
}

}  // namespace semfield
