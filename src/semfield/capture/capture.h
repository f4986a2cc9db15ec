#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/geometry/types.h"

namespace semfield {

// One posed photo. Paths are absolute; an empty path means the capture has none.
struct View {
  std::string name;  // unique in the capture; the file path relative to the capture, without "./"
  Camera camera;     // of the original image, before any downscale
  Pose world_from_camera;
  std::filesystem::path image;
  std::filesystem::path mask;      // 8 bit, 0 = ignore this pixel: neither trained nor scored
  bool mask_inverted = false;      // the other way round: nonzero = ignore (instant-ngp's dynamic masks)
  std::filesystem::path depth;     // 16 bit z-depth, times depth_unit
  std::filesystem::path semantic;  // 8 or 16 bit class id; 255/65535 = void
  std::filesystem::path instance;  // 8 or 16 bit instance id; 0 = none
  bool has_alpha = false;
  bool mask_is_alpha = false;  // what the mask cuts away is empty: the photo's alpha (mask_use.h)
  double near_depth = 0;  // z-depths between which what the view sees lies, in world units; both 0: unknown
  double far_depth = 0;
};

// A point that structure from motion triangulated, in the world, and where a view saw one.
struct SparsePoint {
  Vec3 position = Vec3::Zero();
  std::array<uint8_t, 3> color{};
  float error = -1;  // mean reprojection error, pixels; negative when unknown
};
struct Observation {
  uint32_t view = 0;   // index into Capture::views
  uint32_t point = 0;  // index into Capture::points
  float x = 0, y = 0;  // pixels of the view's image
};

struct InstanceLabel {
  std::string name;
  std::string class_name;
  int class_id = -1;
};

// What stands around the cameras, which decides how space is mapped to the field's unit cube.
enum class SceneExtent {
  kBounded,    // everything lies inside `bounds`
  kUnbounded,  // contraction around the cameras
};

// Immutable after reading. The world inside is right-handed, in the capture's own units (readers convert axes
// only, unless they must: then capture_from_world undoes it for export).
struct Capture {
  std::filesystem::path path;  // folder or file given by the user
  std::string format;          // reader's name
  std::vector<View> views;     // in name order
  std::vector<int> train;      // indices into views, increasing
  std::vector<int> held_out;   // never trained on
  std::string split_rule;      // in words, for info and reports
  SceneExtent extent = SceneExtent::kUnbounded;
  Box3 bounds;  // kBounded: of the scene; kUnbounded: of the cube that contraction leaves unwarped
  std::string bounds_rule;          // in words
  double depth_unit = 0.001;        // world units a depth step
  std::vector<SparsePoint> points;  // empty unless the capture comes with a sparse model
  std::vector<Observation> observations;
  std::vector<std::string> class_names;
  // [labels] which class a value of the semantic maps is, 65535: none; empty: values are classes.
  std::vector<uint16_t> class_of_label;
  std::map<int, InstanceLabel> instances;
  Mat4 capture_from_world =
      Mat4::Identity();               // applied_transform / applied_scale of the file, kept for export
  std::vector<std::string> warnings;  // with advice; ReadOptions says which of them are logged
  std::string hash;                   // of the pose file(s), hex

  bool HasAlpha() const;
  bool HasInstances() const;
  // Index of a view by exact name, file stem, index ("12") or split position ("test:3", "train:0"); Error
  // otherwise, naming the nearest names.
  int FindView(const std::string& name) const;
};

}  // namespace semfield
