#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "semfield/field/object_features.h"
#include "semfield/scenes/feature_nerf/feature_nerf_trainer.h"
#include "semfield/scenes/feature_nerf/teacher_maps.h"

namespace semfield {

// What FeatureNerfObjectsOptions::features may be.
inline const std::vector<std::string> kFeatureNerfFeatures = {"internal", "teacher", "joined", "aligned"};

struct FeatureNerfObjectsOptions {
  std::string category;  // one that the weights were trained on
  // internal: the internal feature (paper); teacher: what it says of the teacher's; joined: that and where in
  // the object the place is, as waves whose products tell how far two places are apart; aligned: the internal
  // feature, those waves, and what the teacher says of the picture where the place is seen in it.
  std::string features = "internal";
  std::string onnxruntime;
  std::string name = "feature_nerf";  // ObjectFeatures::name
};

// Objects as a trained FeatureNeRF sees them in single pictures.
class FeatureNerfObjects : public ObjectFeatures {
 public:
  // A category that was never trained: InputError that lists those that were, the nearest first.
  FeatureNerfObjects(LoadedFeatureNerf loaded, const FeatureNerfObjectsOptions& options);

  std::string name() const override { return options_.name; }
  int channels() const override;
  bool sees_other_cameras() const override { return true; }
  std::unique_ptr<SeenObject> See(ObjectPicture picture, const StopToken* stop) const override;
  // How the object of a picture stands: where the coordinates that are seen on it lie in the object's own
  // frame, by the rotation that fits best (Kabsch), of a camera that looks at its middle from `distance`.
  Pose GuessPose(const ImageU8& rgba, const Camera& camera, const StopToken* stop) const override;

 private:
  struct Encoded {
    EncodedObjects objects;
    torch::Tensor teacher;  // [1, h, w, C] of the picture, where the features need it
  };
  Encoded EncodePicture(const ImageU8& rgba, const Camera& camera, const Pose& pose,
                        const StopToken* stop) const;

  mutable FeatureNerfModel model_;
  const TeacherProjection projection_;
  const FeatureNerfObjectsOptions options_;
  int category_ = 0;
  mutable std::mutex teacher_mutex_;
  mutable std::unique_ptr<TeacherMaps> teacher_;  // once it is asked
};

}  // namespace semfield
