#include "semfield/capture/readers/colmap_model.h"

#include <Eigen/Geometry>
#include <cmath>
#include <fstream>
#include <set>

#include "semfield/base/atomic_file.h"
#include "semfield/base/error.h"
#include "semfield/capture/view_files.h"

namespace semfield {
namespace fs = std::filesystem;
namespace {

constexpr double kMaxCoordinate = 1e12;

bool IsBinary(const fs::path& folder) {
  return IsFile(folder / "cameras.bin") && IsFile(folder / "images.bin");
}

bool IsText(const fs::path& folder) {
  return IsFile(folder / "cameras.txt") && IsFile(folder / "images.txt");
}

void CheckModel(const ColmapModel& model, const std::string& where) {
  std::set<uint32_t> ids;
  for (const ColmapImage& image : model.images) {
    if (!ids.insert(image.id).second) throw InputError("{}: image id {} occurs twice", where, image.id);
    if (model.cameras.count(image.camera_id) == 0) {
      throw InputError("{}: image {} was taken by camera {}, which the model has not", where, image.id,
                       image.camera_id);
    }
  }
  for (const auto& [id, point] : model.points) {
    if (!point.position.allFinite() || point.position.cwiseAbs().maxCoeff() > kMaxCoordinate) {
      throw InputError("{}: point {}: its position is not finite or too large", where, id);
    }
  }
}

}  // namespace

const std::vector<ColmapModelKind>& ColmapModelKinds() {
  static const auto* kinds = new std::vector<ColmapModelKind>{{"SIMPLE_PINHOLE", 0, 3},
                                                              {"PINHOLE", 1, 4},
                                                              {"SIMPLE_RADIAL", 2, 4},
                                                              {"RADIAL", 3, 5},
                                                              {"OPENCV", 4, 8},
                                                              {"OPENCV_FISHEYE", 5, 8},
                                                              {"FULL_OPENCV", 6, 12},
                                                              {"FOV", 7, 5},
                                                              {"SIMPLE_RADIAL_FISHEYE", 8, 4},
                                                              {"RADIAL_FISHEYE", 9, 5},
                                                              {"THIN_PRISM_FISHEYE", 10, 12}};
  return *kinds;
}

bool IsColmapModel(const fs::path& folder) {
  return IsBinary(folder) || IsText(folder);
}

uint64_t CountColmapImages(const fs::path& folder) {
  try {
    if (IsBinary(folder)) {
      std::ifstream file(folder / "images.bin", std::ios::binary);
      unsigned char bytes[8] = {};
      if (!file.read(reinterpret_cast<char*>(bytes), 8)) return 0;
      uint64_t count = 0;
      for (int i = 7; i >= 0; --i) count = count << 8 | bytes[i];
      return count;
    }
    uint64_t lines = 0;
    std::ifstream file(folder / "images.txt");
    for (std::string line; std::getline(file, line);) lines += line.empty() || line[0] != '#';
    return (lines + 1) / 2;
  } catch (...) {
    return 0;
  }
}

ColmapModel ReadColmapModel(const fs::path& folder) {
  ColmapModel model;
  if (IsBinary(folder)) {
    ReadColmapBinary(folder, &model);
  } else if (IsText(folder)) {
    ReadColmapText(folder, &model);
  } else {
    throw InputError("{}: holds no COLMAP model (cameras and images, .bin or .txt)", folder.string());
  }
  CheckModel(model, folder.string());
  return model;
}

Pose ColmapPose(const double q[4], const double t[3], const std::string& where) {
  const Eigen::Quaterniond rotation(q[0], q[1], q[2], q[3]);
  const double norm = rotation.norm();
  if (!std::isfinite(norm) || norm < 1e-6 || norm > 1e6) {
    throw InputError("{}: its quaternion {} {} {} {} is no rotation", where, q[0], q[1], q[2], q[3]);
  }
  const Vec3 translation(t[0], t[1], t[2]);
  if (!translation.allFinite() || translation.cwiseAbs().maxCoeff() > kMaxCoordinate) {
    throw InputError("{}: its translation {} {} {} is not finite or too large", where, t[0], t[1], t[2]);
  }
  return {rotation.normalized().toRotationMatrix(), translation};
}

}  // namespace semfield
