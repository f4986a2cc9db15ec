#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "semfield/methods/feature_field/pose_sampler.h"
#include "semfield/methods/feature_field/teacher_cache.h"
#include "semfield/methods/feature_field/teacher_eye.h"
#include "semfield/methods/method.h"

namespace semfield {

// Makes teacher entries: a pose between training poses, our own rendering of it, the teacher's features.
class ViewMaker {
 public:
  // The teacher's eyes, one for each thread. `inputs` holds a radiance field; what it refers to must outlive
  // this object.
  ViewMaker(const TrainingInputs& inputs, const FeatureOptions& options, TeacherEyes eyes);

  int num_workers() const { return static_cast<int>(eyes_.size()); }
  const TeacherEye& eye() const { return *eyes_[0]; }

  // The entry of a stream index. Its target comes from the cache's folder if it is there, else from the
  // teacher and goes there at once: a process that is killed loses no more than the views in the making.
  // `worker` is below num_workers() and at work once at a time. Asked to stop: InterruptedError.
  std::shared_ptr<const TeacherEntry> Make(int64_t index, int worker, const TeacherCache* cache = nullptr,
                                           const StopToken* stop = nullptr) const;

 private:
  const TrainingInputs inputs_;
  const FeatureOptions options_;
  const PoseSampler poses_;
  const TeacherEyes eyes_;
};

}  // namespace semfield
