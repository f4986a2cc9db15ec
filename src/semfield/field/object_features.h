#pragma once

#include <memory>
#include <span>
#include <string>

#include "semfield/base/error.h"
#include "semfield/base/job_control.h"
#include "semfield/field/radiance_field.h"
#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/image/image.h"
#include "semfield/perception/feature_map.h"

namespace semfield {

// One posed picture of an object that stands alone, around the world's origin.
struct ObjectPicture {
  ImageU8 rgba;  // 4 channels, straight alpha, camera.width x camera.height
  Camera camera;
  Pose world_from_camera;
  std::string name = {};  // for features that lie in files: "chair_000/3"; may be empty
};

// What one picture says of its object. Const calls are thread-safe; a call whose `stop` is asked to stop
// throws InterruptedError; nullptr cannot be stopped.
class SeenObject {
 public:
  virtual ~SeenObject() = default;
  // The features of what `camera` sees, as width x height tokens, each at the middle of its share of the
  // picture: [channels, height, width]; 0 where the camera sees nothing of the object. InputError where
  // ObjectFeatures::sees_other_cameras() is false and the camera is not the picture's own.
  virtual FeatureMap Render(const Camera& camera, const Pose& world_from_camera, int width, int height,
                            const StopToken* stop = nullptr) const = 0;
  // features[i] at places[i] of the world, whatever looks at them: [places, channels].
  virtual void At(std::span<const Vec3> places, std::span<float> features,
                  const StopToken* stop = nullptr) const = 0;
  // The object as colours and depth seen from anywhere; nullptr where only features are known. Lives as long
  // as this object.
  virtual const RadianceField* radiance() const { return nullptr; }
};

// Features by which places of objects of one kind are told from one another: near ones mean the same place
// (FeatureNeRF section 3). Cosines compare them. Const calls are thread-safe.
class ObjectFeatures {
 public:
  virtual ~ObjectFeatures() = default;
  virtual std::string name() const = 0;  // for tables: "teacher", "feature_nerf"
  virtual int channels() const = 0;
  // Whether SeenObject::Render answers for cameras other than the picture's own.
  virtual bool sees_other_cameras() const = 0;
  // Looks at a picture. Sizes that do not fit each other or no alpha: InputError.
  virtual std::unique_ptr<SeenObject> See(ObjectPicture picture, const StopToken* stop = nullptr) const = 0;
  // Where the camera of a picture stands that nobody knows, as its object looks. Not every one can tell:
  // InputError. Pictures as See.
  virtual Pose GuessPose(const ImageU8& rgba, const Camera& camera, const StopToken* stop = nullptr) const;
};

inline Pose ObjectFeatures::GuessPose(const ImageU8&, const Camera&, const StopToken*) const {
  throw InputError("{} cannot tell from where a picture was taken", name());
}

}  // namespace semfield
