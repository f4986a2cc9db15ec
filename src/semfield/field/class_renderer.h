#pragma once

#include <span>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/geometry/camera.h"
#include "semfield/geometry/pose.h"
#include "semfield/image/image.h"

namespace semfield {

// Classes of a scene, as a method renders them itself. Const calls are thread-safe. A call whose `stop` is
// asked to stop throws InterruptedError; nullptr cannot be stopped.
class ClassRenderer {
 public:
  virtual ~ClassRenderer() = default;
  virtual const std::vector<std::string>& classes() const = 0;
  // Who says what the photos show, by the hash of its file.
  virtual std::string model() const = 0;
  // [height, width, classes] probabilities; what they lack of 1 in sum is nothing.
  virtual ImageF Render(const Camera& camera, const Pose& world_from_camera,
                        const StopToken* stop = nullptr) const = 0;
  // The same at places of the world, whatever looks at them: [places, classes].
  virtual void At(std::span<const Vec3> places, std::span<float> probability,
                  const StopToken* stop = nullptr) const = 0;
};

}  // namespace semfield
