#include "semfield/capture/readers/transforms_frames.h"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <map>

#include "semfield/base/error.h"
#include "semfield/base/text.h"
#include "semfield/capture/view_files.h"

namespace semfield {
namespace {

constexpr size_t kMaxFrames = 1'000'000;
constexpr double kScaleTolerance = 1e-3;
constexpr double kRigidTolerance = 5e-3;

// Splits a scaled rotation; the scale is the cube root of the determinant.
double ScaleOf(const Mat3& m, const std::string& where) {
  const double determinant = m.determinant();
  if (!(std::abs(determinant) > 1e-30)) {
    throw InputError("{}: the upper left 3x3 is singular (determinant {:.3g}), expected a rotation", where,
                     determinant);
  }
  if (determinant < 0) {
    throw InputError(
        "{}: the upper left 3x3 mirrors (determinant {:.3g}), expected a rotation. Export the poses in a "
        "right-handed frame.",
        where, determinant);
  }
  const double scale = std::cbrt(determinant);
  const Mat3 r = m / scale;
  const double deviation = (r.transpose() * r - Mat3::Identity()).cwiseAbs().maxCoeff();
  if (deviation > kRigidTolerance) {
    throw InputError(
        "{}: the upper left 3x3 is no rotation (its columns are off orthonormal by {:.2g}, allowed {}). "
        "Expected a camera-to-world matrix.",
        where, deviation, kRigidTolerance);
  }
  return scale;
}

std::string FirstOf(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(3, names.size()); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > 3 ? text + ", ..." : text;
}

// The first missing names, and what the first may be called on this disk.
std::string MissingText(const CaptureFiles& disk, const std::vector<std::string>& names) {
  const std::filesystem::path other = FindOtherCase(disk.folder(), names.front());
  if (other.empty()) return FirstOf(names);
  return fmt::format("{}; there is {}: upper and lower case must agree", FirstOf(names),
                     PrintableText(other.filename().string()));
}

}  // namespace

void FrameCollector::Add(const JsonFields& file, FrameSplit split) {
  const Json& list = file.Need("frames");
  if (!list.is_array())
    throw InputError("{}: expected a list, got {}", file.Where("frames"), JsonExcerpt(list));
  if (list.size() > kMaxFrames) {
    throw InputError("{}: {} entries are more than {}", file.Where("frames"), list.size(), kMaxFrames);
  }
  for (size_t i = 0; i < list.size(); ++i)
    AddFrame(list[i], file, file.Where(fmt::format("frames[{}]", i)), split);
}

std::filesystem::path FrameCollector::FindExtra(const JsonFields& frame, const std::string& key) {
  const std::optional<std::string> text = frame.Text(key);
  if (!text || text->empty()) return {};
  const std::filesystem::path found = disk_.FindImage(disk_.folder(), *text, frame.Where(key));
  if (found.empty()) missing_extras_.push_back(*text);
  return found;
}

void FrameCollector::AddFrame(const Json& value, const JsonFields& file, const std::string& label,
                              FrameSplit split) {
  const JsonFields fields(value, label + ".");
  const std::string file_path = JsonText(fields.Need("file_path"), fields.Where("file_path"));
  if (file_path.empty())
    throw InputError("{}: empty, expected the path of an image", fields.Where("file_path"));
  ++listed_;
  const std::string where = fields.Where("transform_matrix");
  const Mat4 matrix = JsonMatrix(fields.Need("transform_matrix"), where, false);
  ScaleOf(matrix.topLeftCorner<3, 3>(), where);
  const std::filesystem::path image = disk_.FindImage(disk_.folder(), file_path, fields.Where("file_path"));
  if (image.empty()) {
    missing_.push_back(file_path);
    return;
  }
  View view;
  view.name = ViewName(disk_.folder(), image);
  view.image = image;
  view.world_from_camera = {matrix.topLeftCorner<3, 3>(), matrix.topRightCorner<3, 1>()};
  view.mask = FindExtra(fields, "mask_path");
  if (view.mask.empty()) {
    // instant-ngp's masks of what moves: beside the image, and nonzero where a pixel is to be ignored.
    const auto dynamic = image.parent_path() / fmt::format("dynamic_mask_{}.png", image.stem().string());
    if (disk_.Has(dynamic)) {
      view.mask = dynamic;
      view.mask_inverted = true;
    }
  }
  const double near = fields.Number("near_depth", 0, 1e12).value_or(0);
  const double far = fields.Number("far_depth", 0, 1e12).value_or(0);
  if (near > 0 && far > near) {
    view.near_depth = near;
    view.far_depth = far;
  }
  view.depth = FindExtra(fields, "depth_path");
  if (view.depth.empty()) view.depth = FindExtra(fields, "depth_file_path");  // nerfstudio's name for it
  view.semantic = FindExtra(fields, "semantic_path");
  view.instance = FindExtra(fields, "instance_path");
  frames_.push_back({std::move(view), fields, file, split, fields.Number("sharpness", 0, 1e18).value_or(-1)});
}

void FrameCollector::NormalizeScale(std::vector<std::string>* warnings) {
  double common = 0;
  for (TransformsFrame& frame : frames_) {
    Pose& pose = frame.view.world_from_camera;
    const std::string where = frame.fields.Where("transform_matrix");
    const double scale = ScaleOf(pose.rotation, where);
    if (common == 0) common = scale;
    if (std::abs(scale / common - 1) > kScaleTolerance) {
      throw InputError(
          "{}: the rotation is scaled by {:.6g} while {} is scaled by {:.6g}. One scale for all can be "
          "undone, different ones cannot.",
          where, scale, frames_.front().fields.Where("transform_matrix"), common);
    }
    pose.rotation = NearestRotation(pose.rotation / scale);
    pose = FlipOpenGlOpenCv(pose);
  }
  if (std::abs(common - 1) > kScaleTolerance) {
    warnings->push_back(
        fmt::format("all rotations are scaled by {:.6g}; the scale was dropped and the positions kept. "
                    "Export rigid poses to be sure.",
                    common));
  }
}

std::vector<TransformsFrame> FrameCollector::Finish(std::vector<std::string>* warnings) {
  if (frames_.size() < 3) {
    throw InputError("{}: {} of {} listed images exist, at least 3 are needed{}", disk_.folder().string(),
                     frames_.size(), listed_,
                     missing_.empty() ? "."
                                      : fmt::format(" (not found: {}). Paths are relative to this folder.",
                                                    MissingText(disk_, missing_)));
  }
  if (!missing_.empty()) {
    warnings->push_back(fmt::format("{} of {} listed images are missing and were skipped ({})",
                                    missing_.size(), listed_, MissingText(disk_, missing_)));
  }
  if (!missing_extras_.empty()) {
    warnings->push_back(fmt::format("{} listed masks, depth or label maps are missing and were left out ({})",
                                    missing_extras_.size(), FirstOf(missing_extras_)));
  }
  std::map<std::string, const TransformsFrame*> by_name;
  for (const TransformsFrame& frame : frames_) {
    const auto [it, inserted] = by_name.emplace(frame.view.name, &frame);
    if (!inserted) {
      throw InputError(
          "{}: '{}' is listed before by {}. Every image may have one pose: remove one of the two.",
          frame.fields.Where("file_path"), frame.view.name, it->second->fields.Where("file_path"));
    }
  }
  NormalizeScale(warnings);
  std::sort(frames_.begin(), frames_.end(), [](const TransformsFrame& a, const TransformsFrame& b) {
    return NaturalLess(a.view.name, b.view.name);
  });
  return std::move(frames_);
}

}  // namespace semfield
