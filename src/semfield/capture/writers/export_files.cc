#include "semfield/capture/writers/export_files.h"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <set>

#include "semfield/base/error.h"
#include "semfield/base/parallel.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr int kHoldOutEvery = 8;
constexpr double kSimilarityTolerance = 1e-6;

ImageU8 InvertedMask(const fs::path& file) {
  const ImageU8 image = ReadImage(file);
  ImageU8 mask(image.width, image.height, 1);
  for (size_t p = 0; p < mask.num_pixels(); ++p) {
    bool ignored = false;
    for (int c = 0; c < std::min(image.channels, 3); ++c) {
      ignored = ignored || image.data[p * image.channels + c] != 0;
    }
    mask.data[p] = ignored ? 0 : 255;
  }
  return mask;
}

}  // namespace

std::vector<std::string> ExportNames(const Capture& capture, bool flat) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const View& view : capture.views) {
    std::string name;
    bool first = true;
    for (const fs::path& part : fs::path(view.name)) {
      const std::string text = part.string();
      const bool image_folder = first && (text == "images" || text.rfind("images_", 0) == 0);
      first = false;
      if (image_folder || text == ".." || text == "." || text == "/" || text.empty()) continue;
      name += (name.empty() ? "" : flat ? "_" : "/") + text;
    }
    if (name.empty()) name = view.image.filename().string();
    if (!taken.insert(name).second) {
      name = fmt::format("{:06}_{}", names.size(), fs::path(name).filename().string());
      taken.insert(name);
    }
    names.push_back(std::move(name));
  }
  return names;
}

void CopyFileTo(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to.parent_path(), error);
  if (!error) fs::copy_file(from, to, error);
  if (error) {
    throw Error(error == std::errc::no_space_on_device ? ErrorKind::kResource : ErrorKind::kInput,
                fmt::format("{}: cannot be copied to {}: {}", from.string(), to.string(), error.message()));
  }
}

void CopyImagesAndMasks(const Capture& capture, const std::vector<std::string>& names, const fs::path& out,
                        const JobControl& control) {
  for (size_t i = 0; i < names.size(); ++i) {
    control.ThrowIfStopped();
    control.Report({.stage = "convert",
                    .done = static_cast<double>(i),
                    .total = static_cast<double>(names.size()),
                    .detail = names[i]});
    const View& view = capture.views[i];
    CopyFileTo(view.image, out / "images" / names[i]);
    if (view.mask.empty()) continue;
    const fs::path mask = out / "masks" / (names[i] + ".png");
    if (view.mask_inverted) {
      WritePng(mask, InvertedMask(view.mask));
    } else {
      CopyFileTo(view.mask, mask);
    }
  }
}

Pose OriginalPose(const Capture& capture, const Pose& world_from_camera, double* scale) {
  const Mat4& m = capture.capture_from_world;
  const Mat3 linear = m.topLeftCorner<3, 3>();
  *scale = std::cbrt(linear.determinant());
  const Mat3 rotation = linear / *scale;
  if (!(*scale > 0) ||
      !((rotation.transpose() * rotation - Mat3::Identity()).cwiseAbs().maxCoeff() < kSimilarityTolerance)) {
    throw InputError(
        "{}: its applied_transform is no rotation with one scale, so poses cannot be written without it. "
        "Write "
        "transforms instead, which keeps it.",
        capture.path.string());
  }
  const Vec3 center = linear * world_from_camera.translation + m.topRightCorner<3, 1>();
  return {NearestRotation(rotation * world_from_camera.rotation), center};
}

bool HasDefaultSplit(const Capture& capture) {
  std::vector<int> held_out;
  for (int i = 0; i < static_cast<int>(capture.views.size()); i += kHoldOutEvery) held_out.push_back(i);
  return capture.held_out == held_out &&
         capture.held_out.size() + capture.train.size() == capture.views.size();
}

void NoteLostLabels(const Capture& capture, const std::string& format, std::vector<std::string>* notes) {
  const auto lost = [&](bool there, const char* what) {
    if (there) notes->push_back(fmt::format("{} has no place for {}: left out", format, what));
  };
  const auto any = [&](fs::path View::*file) {
    return std::any_of(capture.views.begin(), capture.views.end(),
                       [&](const View& view) { return !(view.*file).empty(); });
  };
  lost(any(&View::depth), "depth maps");
  lost(any(&View::semantic) || any(&View::instance) || !capture.class_names.empty(), "classes and instances");
  lost(!HasDefaultSplit(capture), "the capture's own split (every 8th view will be held out)");
}

}  // namespace semfield
