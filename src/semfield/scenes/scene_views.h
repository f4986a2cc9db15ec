#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"
#include "semfield/scenes/nn/views.h"
#include "semfield/views/photo_classes.h"

namespace semfield {

// A capture as networks see it: in units of the longest side of its bounds, whose least corner is the origin,
// so that a capture of another scale gives the same numbers.
class SceneViews {
 public:
  // Capture and store must outlive it. Without a model nobody says classes: those are not to be asked for.
  SceneViews(const Capture& capture, const ImageStore& store, const PhotoClassesOptions& classes);

  const Capture& capture() const { return capture_; }
  const ImageStore& store() const { return store_; }
  PhotoClasses& classes();
  const PhotoClasses& classes() const;
  double unit() const { return unit_; }  // world units
  // Sides of the bounds in units, x y z; the longest is 1.
  const std::array<float, 3>& sides() const { return sides_; }

  Vec3 FromWorld(const Vec3& point) const { return (point - capture_.bounds.min) / unit_; }
  // Without what lenses distort, as Pictures and ClassMaps are.
  nn::ViewCameras CamerasOf(std::span<const int> views) const;
  torch::Tensor PlacesFromWorld(std::span<const Vec3> places) const;  // [places, 3], in units
  nn::ViewCameras CameraAt(const Camera& camera, const Pose& world_from_camera) const;
  // [views, 3, H, W] in [0, 1]; all views must have one size (the first one's, others are resized to it).
  torch::Tensor Pictures(std::span<const int> views) const;
  // [views, classes, h, w] probabilities, as the first one's size.
  // Photos of lenses that distort are shown as a lens of the same focal lengths without distortion would.
  torch::Tensor ClassMaps(std::span<const int> views, const StopToken* stop);
  // Rays through positions of a view's picture, 0 to 1 over it: origins and unit directions, [rays, 3] each,
  // and the cosine to the camera's axis, [rays].
  struct Rays {
    torch::Tensor origins, directions, cosines;
  };
  Rays RaysOf(const Camera& camera, const Pose& world_from_camera, const std::vector<Vec2>& pixels) const;

  // Of `candidates`, at most `count`, the best first: the least sum of the angle under which the middle of
  // the bounds sees target and candidate apart, of the angle between their axes, and of their distance in
  // units. Those that stand and look exactly as the target does are the target itself and never chosen.
  std::vector<int> Nearest(const Pose& target, std::span<const int> candidates, int count) const;

 private:
  const Capture& capture_;
  const ImageStore& store_;
  std::optional<PhotoClasses> classes_;
  double unit_ = 1;
  std::array<float, 3> sides_{};
};

}  // namespace semfield
