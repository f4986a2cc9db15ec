#pragma once

#include "semfield/base/job_control.h"
#include "semfield/field/color_map.h"
#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/image/image.h"

namespace semfield {

struct ViewFitOptions {
  bool pose = true;
  bool exposure = true;
  int steps = 200;
  int rays = 1024;  // a step
  int seed = 1;
};

// The part of a picture that a fit may look at: columns below half the width. The rest can then be scored
// without having been seen.
inline int FittedColumns(int width) {
  return width / 2;
}

// A photo that a field was not trained on.
struct UnseenPhoto {
  Camera camera;
  Pose world_from_camera;             // as given
  const ImageF& rgb;                  // 3 channels in [0, 1], over `background`
  const ImageU8* mask = nullptr;      // nonzero where the photo counts; nullptr: everywhere
  const float* background = nullptr;  // [3] behind the scene
};

// How such a photo differs from the rendering at its given pose.
struct FittedView {
  Pose world_from_camera;  // where the camera stands by the fit
  double degrees = 0;      // by which the fit turned the camera
  double distance = 0;     // by which it shifted it, world units
  ColorMap color;
};

// Fits the pose and the exposure of a view to a radiance field that is held.
class ViewFitter {
 public:
  virtual ~ViewFitter() = default;
  // Looks at the left half of the photo only, and of that at what the mask lets through. Nothing there: no
  // motion, no change of color. The same bits for any number of threads.
  virtual FittedView FitLeftHalf(const UnseenPhoto& photo, const ViewFitOptions& options) const = 0;
};

}  // namespace semfield
