#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/base/options.h"
#include "semfield/capture/capture.h"
#include "semfield/geometry/rays.h"

namespace semfield {

constexpr int kSyntheticHeldOutEvery = 8;  // "object": this share of the cameras goes to transforms_test.json

struct SyntheticOptions {
  int views = 40;
  int width = 320;
  int height = 240;
  int seed = 1;
  std::string scene = "room";  // "room" (textured box room with objects, cameras inside) or "object" (objects
                               // on nothing, alpha)
  double fov_y_degrees = 55;
  double noise = 0;  // standard deviation added to 8-bit colours
  // Errors of the poses that are written for the training views: the photos, depths and labels stay true.
  double pose_error_degrees = 0;  // turn about a random axis
  double pose_error_shift = 0;    // shift of the centre in a random direction, world units
  // Photos of training views are brighter or darker by up to so many stops, each its own number, with mean
  // zero.
  double exposure_error_stops = 0;
  void Describe(OptionList& list);
};

// A labelled primitive scene with known answers: boxes, spheres, cylinders with procedural textures, lit
// without shadows. Exact distance, normals, instance and class ids.
struct SyntheticHit {
  bool hit = false;
  float distance = 0;    // along the unit ray
  float normal[3] = {};  // unit, towards the ray's origin side
  float rgb[3] = {};
  int instance = 0;
  int class_id = -1;
};

class SyntheticScene {
 public:
  explicit SyntheticScene(const SyntheticOptions& options);
  ~SyntheticScene();
  SyntheticHit Trace(const Ray& ray) const;
  Box3 Bounds() const;
  const std::vector<std::string>& class_names() const;
  const std::map<int, InstanceLabel>& instances() const;
  // The cameras of the capture, in the order its views have when read (name order; of "object", test views
  // first).
  std::vector<std::pair<Camera, Pose>> Cameras() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Writes a capture: images (4 rays a pixel), depth (16-bit millimetres), semantic, instance, labels.json,
// transforms.json with "aabb" ("object": RGBA images, transforms_train.json and transforms_test.json).
// `folder` must not hold a capture already, unless overwrite. A stop leaves pictures, but no pose file.
void WriteSynthetic(const SyntheticOptions& options, const std::filesystem::path& folder,
                    bool overwrite = false, const JobControl& control = {});

}  // namespace semfield
