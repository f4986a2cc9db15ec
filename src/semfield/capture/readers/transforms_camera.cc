#include "semfield/capture/readers/transforms_camera.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "semfield/base/error.h"
#include "semfield/capture/view_files.h"

namespace semfield {
namespace {

constexpr double kMaxSide = 65535;
constexpr double kMaxFocal = 1e7;

// Frame keys before file keys.
struct Levels {
  const JsonFields& file;
  const JsonFields& frame;

  std::optional<double> Number(const std::string& key, double low, double high) const {
    const std::optional<double> value = frame.Number(key, low, high);
    return value ? value : file.Number(key, low, high);
  }
  const JsonFields* Holder(const std::string& key) const {
    if (frame.Find(key) != nullptr) return &frame;
    return file.Find(key) != nullptr ? &file : nullptr;
  }
};

// Some exporters leave "fl_x": 0 beside a good camera_angle_x.
std::optional<double> Focal(const JsonFields& level, const std::string& key) {
  const std::optional<double> value = level.Number(key, 0, kMaxFocal);
  return value && *value == 0 ? std::nullopt : value;
}

// fl = size / (2 tan(angle / 2)), the pinhole model.
std::optional<double> FocalFromAngle(const JsonFields& level, const std::string& key, int size, bool fisheye,
                                     CameraNotes* notes) {
  std::optional<double> angle = level.Number(key, -std::numbers::pi, std::numbers::pi);
  if (!angle || *angle == 0) return std::nullopt;
  if (fisheye) {
    throw InputError(
        "{}: a fisheye camera needs fl_x, an angle alone does not say which projection it measures",
        level.Where(key));
  }
  if (*angle < 0) ++notes->negative_angle;
  const double half = 0.5 * std::abs(*angle);
  if (half < 1e-4 || half > 0.5 * std::numbers::pi - 1e-4) {
    throw InputError("{}: {} rad is no field of view of a pinhole camera (expected radians between 0 and pi)",
                     level.Where(key), *angle);
  }
  return 0.5 * size / std::tan(half);
}

std::optional<double> FocalOf(const Levels& levels, const char* axis, int size, bool fisheye,
                              CameraNotes* notes) {
  for (const JsonFields* level : {&levels.frame, &levels.file}) {
    if (const auto focal = Focal(*level, fmt::format("fl_{}", axis))) return focal;
    if (const auto focal =
            FocalFromAngle(*level, fmt::format("camera_angle_{}", axis), size, fisheye, notes)) {
      return focal;
    }
  }
  return std::nullopt;
}

struct ModelName {
  const char* name;
  CameraModel model;
  bool distorts;
};
constexpr std::array<ModelName, 8> kModels{{{"OPENCV", CameraModel::kOpenCv, true},
                                            {"PINHOLE", CameraModel::kOpenCv, false},
                                            {"SIMPLE_PINHOLE", CameraModel::kOpenCv, false},
                                            {"SIMPLE_RADIAL", CameraModel::kOpenCv, true},
                                            {"RADIAL", CameraModel::kOpenCv, true},
                                            {"OPENCV_FISHEYE", CameraModel::kFisheye, true},
                                            {"SIMPLE_RADIAL_FISHEYE", CameraModel::kFisheye, true},
                                            {"RADIAL_FISHEYE", CameraModel::kFisheye, true}}};

const ModelName& ReadModel(const Levels& levels) {
  if (const JsonFields* holder = levels.Holder("camera_model")) {
    const std::string text = *holder->Text("camera_model");
    std::string known;
    for (const ModelName& model : kModels) {
      if (text == model.name) return model;
      known += (known.empty() ? "" : ", ") + std::string(model.name);
    }
    throw InputError(
        "{}: unknown model '{}'. Known: {}. Undistort the images to PINHOLE if yours is another.",
        holder->Where("camera_model"), text.substr(0, 60), known);
  }
  for (const char* key : {"ftheta_p0", "is_latlong", "latlong", "is_equirectangular", "equirectangular"}) {
    const JsonFields* holder = levels.Holder(key);
    if (holder != nullptr && *holder->Find(key) != false) {
      throw InputError(
          "{}: this lens model is not supported. Convert the images to OPENCV, OPENCV_FISHEYE or PINHOLE.",
          holder->Where(key));
    }
  }
  const JsonFields* holder = levels.Holder("is_fisheye");
  return holder != nullptr && *holder->Flag("is_fisheye") ? kModels[5] : kModels[0];
}

void ReadDistortion(const Levels& levels, const ModelName& model, Camera* camera, CameraNotes* notes) {
  const auto coefficient = [&](const char* key) { return levels.Number(key, -1e3, 1e3).value_or(0); };
  camera->k1 = coefficient("k1");
  camera->k2 = coefficient("k2");
  camera->k3 = coefficient("k3");
  camera->k4 = coefficient("k4");
  camera->p1 = coefficient("p1");
  camera->p2 = coefficient("p2");
  if (!model.distorts && camera->HasDistortion()) ++notes->pinhole_distorted;
  if (camera->model == CameraModel::kFisheye && (camera->p1 != 0 || camera->p2 != 0)) {
    ++notes->dropped_tangential;
    camera->p1 = camera->p2 = 0;
  }
}

int ReadSide(const Levels& levels, const char* key, int of_image) {
  const std::optional<double> side = levels.Number(key, 0, kMaxSide);
  return side && *side >= 0.5 ? static_cast<int>(std::lround(*side)) : of_image;
}

}  // namespace

Camera ReadTransformsCamera(const JsonFields& file, const JsonFields& frame, const ImageInfo& image,
                            CameraNotes* notes) {
  const Levels levels{file, frame};
  Camera camera;
  camera.width = ReadSide(levels, "w", image.width);
  camera.height = ReadSide(levels, "h", image.height);
  const ModelName& model = ReadModel(levels);
  camera.model = model.model;
  const bool fisheye = camera.model == CameraModel::kFisheye;
  const std::optional<double> fx = FocalOf(levels, "x", camera.width, fisheye, notes);
  const std::optional<double> fy = FocalOf(levels, "y", camera.height, fisheye, notes);
  if (!fx && !fy) {
    throw InputError(
        "{}: missing, and so are fl_y, camera_angle_x and camera_angle_y, here and at file level: "
        "give one of them (focal length in pixels, or field of view in radians)",
        frame.Where("fl_x"));
  }
  camera.fx = fx ? *fx : *fy;
  camera.fy = fy ? *fy : *fx;
  camera.cx = levels.Number("cx", -1e6, 1e6).value_or(0.5 * camera.width);
  camera.cy = levels.Number("cy", -1e6, 1e6).value_or(0.5 * camera.height);
  ReadDistortion(levels, model, &camera, notes);

  bool resized = false;
  const int width = camera.width, height = camera.height;
  camera = FitCameraToImage(camera, image.width, image.height, frame.Where("file_path"), &resized);
  if (resized && notes->resized++ == 0) {
    notes->resized_example = fmt::format("{}x{} -> {}x{}", width, height, image.width, image.height);
  }
  return camera;
}

}  // namespace semfield
