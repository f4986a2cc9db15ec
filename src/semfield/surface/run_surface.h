#pragma once

#include <string>
#include <vector>

#include "semfield/base/job_control.h"
#include "semfield/run/opened_run.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// Pixels of the longest side of the pictures in which objects are found.
inline constexpr int kObjectResolution = 480;

// What a view shows of the field's surface, at most kObjectResolution pixels a side; view: into
// Capture::views, -1 for another camera.
DepthView RenderDepthView(const RadianceField& field, const Camera& camera, const Pose& world_from_camera,
                          int view, const StopToken* stop = nullptr);

// What the training views of a run show of its surface. Rendered once a field and kept in the run, in
// selections/surface.safetensors; who is stopped keeps what is rendered so far.
std::vector<DepthView> DepthsOfRun(const OpenedRun& run, const JobControl& control);

// The same as cells, which selections are made of.
SurfaceMap SurfaceOfRun(const OpenedRun& run, const JobControl& control);
// A view's picture of a run's surface: one of the map's, or rendered.
SurfaceView SeenBy(const OpenedRun& run, const SurfaceMap& map, const NamedView& view,
                   const StopToken* stop = nullptr);
// Names the surface that the selections of a run are numbered on.
std::string SurfaceName(const OpenedRun& run, const SurfaceMap& map);

}  // namespace semfield
