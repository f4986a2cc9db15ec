#include "semfield/capture/readers/opensfm.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <map>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/base/hash.h"
#include "semfield/base/text.h"
#include "semfield/capture/capture_files.h"
#include "semfield/capture/readers/image_folder.h"
#include "semfield/capture/readers/json_fields.h"
#include "semfield/capture/view_files.h"
#include "semfield/image/codecs.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 30;
constexpr double kMaxFocal = 100;  // larger sides

fs::path PoseFileOf(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error) ? path / "reconstruction.json" : path;
}

Vec3 ReadVector(const Json& value, const std::string& where) {
  if (!value.is_array() || value.size() != 3) {
    throw InputError("{}: expected 3 numbers, got {}", where, JsonExcerpt(value));
  }
  Vec3 v;
  for (int k = 0; k < 3; ++k) v[k] = JsonNumber(value[k], fmt::format("{}[{}]", where, k), -1e12, 1e12);
  return v;
}

// Normalised coordinates: the larger side is 1, the origin in the middle of the image.
Camera ReadCamera(const JsonFields& fields) {
  const std::string type = fields.Text("projection_type").value_or("perspective");
  Camera camera;
  if (type == "fisheye" || type == "fisheye_opencv") {
    camera.model = CameraModel::kFisheye;
  } else if (type != "perspective" && type != "brown" && type != "simple_radial" && type != "radial") {
    throw InputError(
        "{}: '{}' is not supported. Known: perspective, brown, simple_radial, radial, fisheye, "
        "fisheye_opencv. "
        "Undistort the images with OpenSfM if yours is another.",
        fields.Where("projection_type"), type.substr(0, 60));
  }
  camera.width = static_cast<int>(JsonNumber(fields.Need("width"), fields.Where("width"), 1, 65535));
  camera.height = static_cast<int>(JsonNumber(fields.Need("height"), fields.Where("height"), 1, 65535));
  const double side = std::max(camera.width, camera.height);
  const std::optional<double> focal = fields.Number("focal", 1e-6, kMaxFocal);
  const std::optional<double> fx = fields.Number("focal_x", 1e-6, kMaxFocal);
  if (!focal && !fx) throw InputError("{}: missing, and so is focal_x", fields.Where("focal"));
  camera.fx = side * fx.value_or(focal.value_or(0));
  camera.fy = side * fields.Number("focal_y", 1e-6, kMaxFocal).value_or(camera.fx / side);
  camera.cx = 0.5 * camera.width + side * fields.Number("c_x", -2, 2).value_or(0);
  camera.cy = 0.5 * camera.height + side * fields.Number("c_y", -2, 2).value_or(0);
  const auto lens = [&](const char* key) { return fields.Number(key, -1e3, 1e3).value_or(0); };
  camera.k1 = lens("k1");
  camera.k2 = lens("k2");
  camera.k3 = lens("k3");
  camera.k4 = lens("k4");
  camera.p1 = lens("p1");
  camera.p2 = lens("p2");
  return camera;
}

// The shot's rotation vector and translation are camera from world, OpenCV axes.
Pose ReadPose(const JsonFields& shot) {
  const Vec3 turn = ReadVector(shot.Need("rotation"), shot.Where("rotation"));
  const double angle = turn.norm();
  if (angle > 1e3) throw InputError("{}: {} radians is no rotation", shot.Where("rotation"), angle);
  Pose camera_from_world;
  if (angle > 0) camera_from_world.rotation = Eigen::AngleAxisd(angle, turn / angle).toRotationMatrix();
  camera_from_world.translation = ReadVector(shot.Need("translation"), shot.Where("translation"));
  return camera_from_world.Inverse();
}

const Json& LargestOf(const Json& root, const std::string& where) {
  if (!root.is_array() || root.empty()) {
    throw InputError("{}: expected a list of reconstructions, got {}", where, JsonExcerpt(root));
  }
  const auto shots = [](const Json& r) {
    return r.is_object() && r.contains("shots") && r["shots"].is_object() ? r["shots"].size() : 0;
  };
  return *std::max_element(root.begin(), root.end(),
                           [&](const Json& a, const Json& b) { return shots(a) < shots(b); });
}

class OpenSfmReader : public Reader {
 public:
  std::string name() const override { return "opensfm"; }
  std::string description() const override {
    return "reconstruction.json of OpenSfM and OpenDroneMap, with images/";
  }

  bool Sniff(const fs::path& path) const override {
    try {
      const fs::path file = PoseFileOf(path);
      std::error_code error;
      if (!fs::is_regular_file(file, error) || file.extension() != ".json") return false;
      if (file != path && LeadsOutside(path, file)) return true;  // refused when it is read
      const std::string text = ReadTextFile(file, kMaxFileBytes);
      const size_t first = text.find_first_not_of(" \t\r\n");
      return first != std::string::npos && text[first] == '[' && text.find("\"shots\"") != std::string::npos;
    } catch (...) {
      return false;
    }
  }

  Capture Read(const fs::path& path, const ReadOptions& options) const override {
    const fs::path file = PoseFileOf(path);
    const fs::path folder = fs::absolute(file).lexically_normal().parent_path();
    const CaptureFiles disk(path, folder, options.allow_outside);
    const Json root = ReadJsonFile(disk.Checked(file), kMaxFileBytes);
    const JsonFields reconstruction(LargestOf(root, file.string()), file.string() + ": ");
    Capture capture;
    capture.format = name();
    capture.hash = Sha256File(file);
    if (root.size() > 1) {
      capture.warnings.push_back(
          fmt::format("{} reconstructions; the one with the most shots is used", root.size()));
    }
    AddViews(reconstruction, disk, &capture);
    AddPoints(reconstruction, &capture);
    AttachSiblingMasks(disk, folder, folder / "images", &capture);
    return capture;
  }

 private:
  static void AddViews(const JsonFields& reconstruction, const CaptureFiles& disk, Capture* capture) {
    const fs::path images = disk.folder() / "images";
    const JsonFields all_cameras(reconstruction.Need("cameras"), reconstruction.Where("cameras."));
    std::map<std::string, Camera> cameras;
    for (const auto& [id, value] : all_cameras.object->items()) {
      cameras[id] = ReadCamera(JsonFields(value, all_cameras.Where(PrintableText(id) + ".")));
    }
    const JsonFields shots(reconstruction.Need("shots"), reconstruction.Where("shots."));
    std::vector<fs::path> files;
    std::vector<std::string> missing;
    for (const auto& [shot_name, value] : shots.object->items()) {
      const JsonFields shot(value, shots.Where(PrintableText(shot_name) + "."));
      const std::string camera = JsonText(shot.Need("camera"), shot.Where("camera"));
      if (cameras.count(camera) == 0) {
        throw InputError("{}: '{}' is not among the cameras", shot.Where("camera"), camera.substr(0, 80));
      }
      View view;
      view.world_from_camera = ReadPose(shot);
      view.camera = cameras.at(camera);
      view.image = disk.FindImage(images, shot_name, shots.Where(PrintableText(shot_name)));
      if (view.image.empty()) {
        missing.push_back(PrintableText(shot_name));
        continue;
      }
      view.name = ViewName(disk.folder(), view.image);
      files.push_back(view.image);
      capture->views.push_back(std::move(view));
    }
    if (files.size() < 3) {
      throw InputError("{}: {} of {} images exist under {}, at least 3 are needed{}", shots.Where(""),
                       files.size(), shots.object->size(), images.string(),
                       missing.empty() ? "" : fmt::format(" (not found: {})", missing.front()));
    }
    if (!missing.empty()) {
      capture->warnings.push_back(fmt::format("{} of {} listed images are missing and were skipped ({})",
                                              missing.size(), shots.object->size(), missing.front()));
    }
    const std::vector<ImageInfo> infos = ReadImageInfos(files);
    for (size_t i = 0; i < files.size(); ++i) {
      View& view = capture->views[i];
      view.camera =
          FitCameraToImage(view.camera, infos[i].width, infos[i].height, files[i].string(), nullptr);
      view.has_alpha = infos[i].channels == 4 || infos[i].channels == 2;
    }
    std::sort(capture->views.begin(), capture->views.end(),
              [](const View& a, const View& b) { return NaturalLess(a.name, b.name); });
  }

  static void AddPoints(const JsonFields& reconstruction, Capture* capture) {
    const Json* points = reconstruction.Find("points");
    if (points == nullptr) return;
    const JsonFields all(*points, reconstruction.Where("points."));
    for (const auto& [id, value] : points->items()) {
      const JsonFields fields(value, all.Where(PrintableText(id) + "."));
      SparsePoint point;
      point.position = ReadVector(fields.Need("coordinates"), fields.Where("coordinates"));
      if (const Json* color = fields.Find("color")) {
        const Vec3 rgb = ReadVector(*color, fields.Where("color"));
        for (int c = 0; c < 3; ++c) point.color[c] = static_cast<uint8_t>(std::clamp(rgb[c], 0.0, 255.0));
      }
      capture->points.push_back(point);
    }
  }
};

}  // namespace

std::unique_ptr<Reader> MakeOpenSfmReader() {
  return std::make_unique<OpenSfmReader>();
}

}  // namespace semfield
