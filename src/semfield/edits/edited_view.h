#pragma once

#include <memory>

#include "semfield/edits/edited_scene.h"
#include "semfield/field/radiance_field.h"

namespace semfield {

// An edited scene as a camera sees it, by its radiance field.
//
// Where something was removed or moved away, rays are empty from just before its surface to the next surface
// that the training views saw. Where there is none, or a surface that only its back would be seen of, nothing
// is known: such pixels show a gray checkerboard (UnseenShade) and have no depth. What was moved or copied is
// the same field, looked at from where the camera would stand; backs that no view saw are the checkerboard
// again. What came from files is its mesh. Which hides which is decided pixel by pixel, by distance.
class EditedView {
 public:
  // All must outlive it.
  EditedView(const RadianceField& field, const EditedScene& scene);
  ~EditedView();

  // As RadianceField::Render.
  RenderedView Render(const Camera& camera, const Pose& world_from_camera, RenderRequest request,
                      const StopToken* stop = nullptr) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// What a pixel shows where nothing is known of the scene: squares of 8 pixels in two grays, sRGB in [0, 1].
float UnseenShade(int x, int y);

}  // namespace semfield
