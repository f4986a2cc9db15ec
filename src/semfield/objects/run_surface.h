#pragma once

#include "semfield/base/job_control.h"
#include "semfield/objects/surface_map.h"
#include "semfield/run/opened_run.h"

namespace semfield {

// Pixels of the longest side of the pictures in which objects are found.
inline constexpr int kObjectResolution = 480;

// What a view shows of the field's surface, at most kObjectResolution pixels a side; view: into
// Capture::views, -1 for another camera.
DepthView RenderDepthView(const RadianceField& field, const Camera& camera, const Pose& world_from_camera,
                          int view, const StopToken* stop = nullptr);

// The surface that the training views of a run see. Their depths are rendered once a field and kept in the
// run, in selections/surface.safetensors, where the run can be written to.
SurfaceMap SurfaceOfRun(const OpenedRun& run, const JobControl& control);

}  // namespace semfield
