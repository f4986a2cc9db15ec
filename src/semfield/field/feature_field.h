#pragma once

#include <string>

#include "semfield/base/job_control.h"
#include "semfield/field/radiance_field.h"
#include "semfield/perception/feature_map.h"

namespace semfield {

// The space that features live in: whose features they are and of what shape.
struct FeatureSpace {
  std::string
      encoder;  // name of the model card whose features are meant; of a class field, of its class list
  int channels = 0;
  int grid = 0;        // tokens a side of the picture that the encoder sees
  int resolution = 0;  // pixels a side of that picture, a square
};

// What a scene's every view looks like in a space of features. Fields in the spaces of several encoders may
// belong to one radiance field. Const calls are thread-safe.
class FeatureField {
 public:
  virtual ~FeatureField() = default;
  virtual const FeatureSpace& space() const = 0;
  // The features of what `camera` sees, as width x height tokens: [space().channels, height, width]. The
  // radiance field is the one whose scene this is; it is only read. A field whose tokens look at their
  // neighbours renders space().grid x space().grid tokens and nothing else (a failed check). `stop` as
  // RadianceField::Render.
  virtual FeatureMap Render(const RadianceField& radiance, const Camera& camera,
                            const Pose& world_from_camera, int width, int height,
                            const StopToken* stop = nullptr) const = 0;
};

// The features of a whole square picture.
inline FeatureMap RenderGrid(const FeatureField& features, const RadianceField& radiance,
                             const Camera& square, const Pose& world_from_camera,
                             const StopToken* stop = nullptr) {
  const int grid = features.space().grid;
  return features.Render(radiance, square, world_from_camera, grid, grid, stop);
}

}  // namespace semfield
