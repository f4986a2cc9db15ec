#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "semfield/geometry/pose.h"

namespace semfield {

// A COLMAP sparse model as its files state it, before anything is looked for on disk. Cameras are OpenCV
// axes, pixel centres at +0.5: the same as inside.
struct ColmapCamera {
  std::string model;  // "SIMPLE_RADIAL"
  uint64_t width = 0, height = 0;
  std::vector<double> parameters;  // as many as the model has
};

struct ColmapKeypoint {
  double x = 0, y = 0;  // pixels
  uint64_t point_id = 0;
};

struct ColmapImage {
  uint32_t id = 0;
  std::string name;  // may hold sub-folders
  uint32_t camera_id = 0;
  Pose camera_from_world;
  std::vector<ColmapKeypoint> keypoints;  // those that belong to a 3D point
};

struct ColmapPoint {
  Vec3 position = Vec3::Zero();
  std::array<uint8_t, 3> color{};
  double error = 0;  // mean reprojection error, pixels; negative when unknown
};

struct ColmapModel {
  std::map<uint32_t, ColmapCamera> cameras;
  std::vector<ColmapImage> images;         // ids are unique
  std::map<uint64_t, ColmapPoint> points;  // empty when there is no points3D file
};

struct ColmapModelKind {
  const char* name;
  int id;  // in cameras.bin
  size_t num_parameters;
};
const std::vector<ColmapModelKind>& ColmapModelKinds();

inline constexpr uint64_t kNoColmapPoint = std::numeric_limits<uint64_t>::max();

// Whether `folder` holds a model: cameras and images, .bin or .txt.
bool IsColmapModel(const std::filesystem::path& folder);
// Number of images the model announces, without reading it; 0 when it is damaged. Never throws.
uint64_t CountColmapImages(const std::filesystem::path& folder);
// Reads cameras, images and points3D (which may be absent); binary files before text ones. rigs and frames of
// newer versions repeat what images says and are not read. Truncated, hostile counts, numbers that are not
// finite, unknown camera models, repeated or missing ids: Error naming file and place.
ColmapModel ReadColmapModel(const std::filesystem::path& folder);

// The two encodings (colmap_binary.cc, colmap_text.cc).
void ReadColmapBinary(const std::filesystem::path& folder, ColmapModel* model);
void ReadColmapText(const std::filesystem::path& folder, ColmapModel* model);

// From the numbers in a file: w x y z and translation. Error, starting with `where`, when it is no pose.
Pose ColmapPose(const double q[4], const double t[3], const std::string& where);

}  // namespace semfield
