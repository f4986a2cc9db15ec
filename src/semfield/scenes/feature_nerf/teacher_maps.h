#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/capture/object_views.h"
#include "semfield/perception/object_teacher.h"
#include "semfield/scenes/feature_nerf/object_batches.h"
#include "semfield/scenes/feature_nerf/teacher_projection.h"

namespace semfield {

// What a teacher says of pictures of objects, as a FeatureNeRF takes it: on a grid of kSide tokens a side, in
// few channels, as much as the object covers each token.
class TeacherMaps {
 public:
  static constexpr int kSide = 32;

  // models: as ObjectTeacherOptions.
  TeacherMaps(const std::string& models, const std::string& onnxruntime);
  const std::string& key() const { return teacher_.key(); }
  struct Seen {
    torch::Tensor whole;            // [1, h, w, C] as the teacher says it
    torch::Tensor features, alpha;  // [kSide * kSide, C], and the share of each token that is opaque
  };
  Seen Look(const ImageU8& rgba, const StopToken* stop);
  // [1, channels, kSide, kSide]
  torch::Tensor Project(const TeacherProjection& projection, const Seen& seen) const;

 private:
  ObjectTeacher teacher_;
};

struct TrainingObjectsOptions {
  std::string teacher;       // models; empty: there is none
  int teacher_channels = 0;  // of the projection
  int teacher_views = 2;     // of each object, evenly chosen; 0: all
  std::string onnxruntime;
  std::filesystem::path cache;  // where the teacher's maps are kept; empty: nowhere
};
struct TrainingObjects {
  std::vector<std::string> categories;
  std::vector<TrainingObject> objects;
  TeacherProjection projection;  // undefined tensors without a teacher
};
// All objects of the categories with what the teacher says of them, which takes about 0.1 s a picture the
// first time. An object that cannot be read is skipped and named in a warning; none that can: InputError.
TrainingObjects ReadTrainingObjects(std::span<const ObjectCategory> categories,
                                    const TrainingObjectsOptions& options, const JobControl& control);

}  // namespace semfield
