#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/capture/writers/export_files.h"
#include "semfield/capture/writers/writers.h"

namespace semfield {
namespace {

constexpr double kSameFocal = 1e-6;  // relative
constexpr double kCentered = 1e-3;   // pixels

void CheckCamera(const Camera& c, const std::string& where) {
  if (c.HasDistortion()) {
    throw InputError(
        "{}: LLFF has no lens distortion. Write colmap or transforms, or undistort the images first (colmap "
        "image_undistorter).",
        where);
  }
  if (std::abs(c.fx - c.fy) > kSameFocal * c.fx || std::abs(c.cx - 0.5 * c.width) > kCentered ||
      std::abs(c.cy - 0.5 * c.height) > kCentered) {
    throw InputError(
        "{}: LLFF has one focal length and the principal point in the middle, this camera has {}, {} and {}, "
        "{} of "
        "{}x{}. Write colmap or transforms.",
        where, c.fx, c.fy, c.cx, c.cy, c.width, c.height);
  }
}

// The view's own range; else what the box of the scene spans along its axis, cut at a hundredth of the box.
std::pair<double, double> DepthRange(const Capture& capture, const View& view) {
  if (view.near_depth > 0 && view.far_depth > view.near_depth) return {view.near_depth, view.far_depth};
  const Vec3 extent = capture.bounds.Extent();
  double near = std::numeric_limits<double>::infinity(), far = 0;
  for (int corner = 0; corner < 8; ++corner) {
    const Vec3 p = capture.bounds.min + Vec3((corner & 1) * extent.x(), ((corner >> 1) & 1) * extent.y(),
                                             (corner >> 2) * extent.z());
    const double depth = (p - view.world_from_camera.translation).dot(view.world_from_camera.rotation.col(2));
    near = std::min(near, depth);
    far = std::max(far, depth);
  }
  near = std::max(near, 0.01 * extent.maxCoeff());
  return {near, std::max(far, 2 * near)};
}

std::string NpyOf(const std::vector<double>& data, size_t rows, size_t cols) {
  std::string header =
      fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}", rows, cols);
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  return bytes.append(reinterpret_cast<const char*>(data.data()), data.size() * sizeof(double));
}

class LlffWriter : public Writer {
 public:
  std::string name() const override { return "llff"; }
  std::string description() const override { return "poses_bounds.npy of LLFF, for undistorted images"; }

  void Write(const Capture& capture, const std::filesystem::path& out, const JobControl& control,
             std::vector<std::string>* notes) const override {
    const std::vector<std::string> names = ExportNames(capture, true);
    std::vector<size_t> order(names.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return names[a] < names[b]; });
    std::vector<double> data;
    bool estimated = false;
    for (const size_t i : order) {
      const View& view = capture.views[i];
      CheckCamera(view.camera, view.name);
      double scale = 1;
      const Pose pose = OriginalPose(capture, view.world_from_camera, &scale);
      const double size[3] = {static_cast<double>(view.camera.height), static_cast<double>(view.camera.width),
                              view.camera.fx};
      for (int r = 0; r < 3; ++r) {
        data.insert(data.end(), {pose.rotation(r, 1), pose.rotation(r, 0), -pose.rotation(r, 2),
                                 pose.translation(r), size[r]});
      }
      const auto [near, far] = DepthRange(capture, view);
      estimated = estimated || view.near_depth <= 0;
      data.insert(data.end(), {near * scale, far * scale});
    }
    CopyImagesAndMasks(capture, names, out, control);
    NoteLostLabels(capture, name(), notes);
    if (estimated)
      notes->push_back("near and far depths are not known; those of the scene's box were written");
    if (!capture.points.empty()) {
      notes->push_back(
          fmt::format("llff has no place for {} sparse points: left out", capture.points.size()));
    }
    WriteFileAtomically(out / "poses_bounds.npy", NpyOf(data, names.size(), 17));
  }
};

}  // namespace

std::unique_ptr<Writer> MakeLlffWriter() {
  return std::make_unique<LlffWriter>();
}

}  // namespace semfield
