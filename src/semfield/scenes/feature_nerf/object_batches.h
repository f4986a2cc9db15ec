#pragma once

#include <cstdint>
#include <vector>

#include "semfield/base/half.h"
#include "semfield/base/random.h"
#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/image/image.h"
#include "semfield/scenes/feature_nerf/feature_nerf_model.h"
#include "semfield/scenes/training/read_ahead.h"

namespace semfield {

// One object with its views, as it is trained on. Its origin is the middle of its box, whose diagonal is 1.
struct TrainingObject {
  int category = 0;
  Camera camera;                        // of every view
  std::vector<Pose> world_from_camera;  // [views]
  std::vector<ImageU8> rgba;            // [views] straight alpha
  std::vector<ImageF> depth;            // [views] along the axis, 0: none, of any size; or empty
  std::vector<int> looked;              // views that the teacher looked at, in order
  int teacher_channels = 0, teacher_side = 0;
  std::vector<Half> teacher;  // [looked, channels, side, side] projected, 0 outside of alpha
};

// A picture of an object at a camera, as the network takes it: its own frame is the camera's
// (ObjectPictures).
struct PictureInput {
  const ImageU8* rgba = nullptr;
  Camera camera;
  Vec3 offset = Vec3::Zero();  // the object's origin in the camera's frame
  int category = 0;
};
// teacher of the result is undefined. All pictures have the first one's size.
ObjectPictures PicturesOf(const std::vector<PictureInput>& pictures);

struct ObjectBatchOptions {
  int objects = 4, rays = 128, seed = 1, rank = 0;
  int coarse_samples = 24, fine_samples = 10, depth_samples = 10;
};

// Source pictures of some objects, and what rays of a target view of each are to show.
struct ObjectBatch {
  ObjectPictures pictures;
  ObjectRays rays;
  torch::Tensor object_from_picture;  // [N, 3, 3] turns the frame of the source picture into the object's
  torch::Tensor true_rgb;             // [M, 3] over black
  torch::Tensor true_alpha;           // [M]
  torch::Tensor true_distance;        // [M] along the ray, 0: unknown
  torch::Tensor true_teacher;         // [M, channels]; undefined without a teacher
  torch::Tensor has_teacher;          // [M] bool
};

// Batches of many objects, each a function of seed, step and rank alone.
class ObjectBatches {
 public:
  // No object, or one without views: InputError.
  ObjectBatches(std::vector<TrainingObject> objects, const ObjectBatchOptions& options);
  ObjectBatch Next(int step) { return ahead_.Next(step); }
  const std::vector<TrainingObject>& objects() const { return objects_; }

 private:
  struct Target {
    const TrainingObject* object;
    int source, view;
  };
  ObjectBatch Make(int step) const;
  Target Draw(Random* random) const;
  void DrawRays(const Target& target, int64_t at, Random* random, ObjectBatch* batch) const;

  const std::vector<TrainingObject> objects_;
  const ObjectBatchOptions options_;
  std::vector<std::vector<std::vector<int>>> boxes_;  // [objects][views] x0 y0 x1 y1 of what is not empty
  ReadAhead<ObjectBatch> ahead_;                      // last: it reads through all of the above
};

}  // namespace semfield
