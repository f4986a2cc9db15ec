#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/geometry/types.h"
#include "semfield/image/image.h"

namespace semfield {

// A named place of an object, which others of its category have too.
struct ObjectKeypoint {
  std::optional<Vec3> position;  // in the world; none: this object has no such place
  std::vector<uint8_t> visible;  // [views] 1 where the view sees it
};

// Places of an object's surface, evenly spread, and the part that each lies on.
struct SurfacePoints {
  std::vector<Vec3> positions;
  std::vector<uint8_t> parts;  // [positions] index into ObjectCategory::parts
};

// Views of one object that stands alone, all through the same camera. The object lies around the world's
// origin, and z is up. Files are decoded when they are asked for and not kept; const calls are thread-safe.
// Damaged files: Error naming them.
class ObjectViews {
 public:
  virtual ~ObjectViews() = default;

  std::string id;                         // unique in its category
  Camera camera;                          // of every view
  std::vector<Pose> world_from_camera;    // [views]
  std::vector<ObjectKeypoint> keypoints;  // [ObjectCategory::keypoints], or empty: none are known
  std::vector<int> parts_present;         // increasing; empty: not known
  int num_views() const { return static_cast<int>(world_from_camera.size()); }

  // [views] of camera.width x camera.height, RGBA, straight alpha: colour is 0 where alpha is.
  virtual std::vector<ImageU8> Pictures() const = 0;
  // [views] of the same size, 1 channel: which part, 0 where none is. Empty where no parts are known.
  virtual std::vector<ImageU8> PartMaps() const { return {}; }
  // [views] z-depths in world units, 0 where nothing is, each the depth of the middle of pixel
  // (stride x + stride / 2, stride y + stride / 2) for stride = camera.width / width. Empty where none are
  // known.
  virtual std::vector<ImageF> Depths() const { return {}; }
  virtual bool HasPoints() const { return false; }
  virtual SurfacePoints Points() const { return {}; }  // empty where none are known
};

// Objects of one kind, which have parts and places in common.
struct ObjectCategory {
  std::filesystem::path path;          // folder
  std::string name;                    // "chair"
  std::vector<std::string> parts;      // [0] is the background; empty: none are labelled
  std::vector<std::string> keypoints;  // empty: none are known
  std::vector<int> mirrored;           // [keypoints] which one lies on the other side, itself where none does
  double near = 0.8, far = 1.8;        // z-depths between which objects lie, world units
  std::vector<std::unique_ptr<const ObjectViews>> objects;
};

// Two pictures to carry something from the one to the other.
struct ObjectPair {
  int source = 0, source_view = 0;  // indices into ObjectCategory::objects and their views
  int target = 0, target_view = 0;
  bool operator==(const ObjectPair&) const = default;
};

}  // namespace semfield
