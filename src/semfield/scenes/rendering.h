#pragma once

#include <functional>
#include <vector>

#include "semfield/capture/capture.h"
#include "semfield/field/radiance_field.h"
#include "semfield/scenes/nn/torch.h"
#include "semfield/scenes/scene_views.h"

// What methods that show a capture from its photos have in common.
namespace semfield {

// The middles of pixels `begin` to `end`, row by row.
std::vector<Vec2> PixelsOf(const Camera& camera, int64_t begin, int64_t end);

// The middles of width x height equal parts of a camera's picture, in its pixels, row by row.
std::vector<Vec2> TokenCenters(const Camera& camera, int width, int height);

void CopyTo(const torch::Tensor& values, float* into);

// Whether depth alone is asked, which few rays show well enough for votes and selections.
bool FewRaysDo(const RenderRequest& request, const Camera& camera, int cell);

// Depth by one ray for every `cell` x `cell` pixels: `render` shows the smaller camera. Between rays inverse
// depth is linear, as on a plane, where the four around a pixel have depths within a twentieth of each other;
// elsewhere the nearest counts. Opacity is 1 where there is depth.
RenderedView DepthOfFewRays(const Camera& camera, int cell,
                            const std::function<RenderedView(const Camera&)>& render);

// The cube around the capture's bounds.
SceneMap MapOf(const Capture& capture);

// The training views that have a photo, into Capture::views. None: InputError; fewer than `sources`, from
// which views are rendered: a message.
std::vector<int> PhotosToRenderFrom(const Capture& capture, int sources);

// Which of `photos`, by their place in it, a view is rendered from: at most `sources`, the best first
// (SceneViews::Nearest), never the view itself. None is left: InputError.
std::vector<int64_t> SourcesOf(const SceneViews& views, const Pose& target, const std::vector<int>& photos,
                               int sources);

}  // namespace semfield
