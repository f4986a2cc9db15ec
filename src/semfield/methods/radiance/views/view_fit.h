#pragma once

#include "semfield/field/color_map.h"
#include "semfield/field/view_fitter.h"
#include "semfield/methods/radiance/model/radiance_model.h"
#include "semfield/methods/radiance/views/pose_refinement.h"

namespace semfield {

// How one photo differs from the rendering at its given pose: a motion of the camera, and a map of colour.
struct ViewFit {
  PoseCorrection correction;
  ColorMap exposure;
};

// Fits a view that the field was not trained on, with the field held, as ViewFitter::FitLeftHalf.
ViewFit FitLeftHalf(const RadianceModel& model, const UnseenPhoto& photo, const ViewFitOptions& options);

}  // namespace semfield
