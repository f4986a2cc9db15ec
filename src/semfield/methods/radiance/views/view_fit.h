#pragma once

#include "semfield/field/view_fitter.h"
#include "semfield/geometry/camera.h"
#include "semfield/image/image.h"
#include "semfield/methods/radiance/model/radiance_model.h"
#include "semfield/methods/radiance/views/pose_refinement.h"

namespace semfield {

// How one photo differs from the rendering at its given pose: a motion of the camera, and an affine map of
// colour exp(a_k) c_k + b_k as in view_exposure.h.
struct ViewFit {
  PoseCorrection correction;
  float exposure[6] = {};  // a[3], b[3]

  void Show(ImageF* rgb) const;  // replaces a rendering's colours by what the photo would show of them
};

// Fits a view that the field was not trained on, with the field held. Looks at the left half of the photo
// only (3 channels, over `background`), and of that at what `mask` lets through (nonzero; null: all). Nothing
// there: no motion, no change of colour. The same bits for any number of threads.
ViewFit FitLeftHalf(const RadianceModel& model, const Camera& camera, const Pose& given, const ImageF& photo,
                    const ImageU8* mask, const float background[3], const ViewFitOptions& options);

}  // namespace semfield
