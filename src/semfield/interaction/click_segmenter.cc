#include "semfield/interaction/click_segmenter.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/stopwatch.h"

namespace semfield {

std::optional<SurfaceClick> ClickSegmenter::Lift(const Camera& camera, const Pose& world_from_camera,
                                                 const PromptPoint& point) const {
  const Ray ray = MakeRay(camera, world_from_camera, {point.x, point.y});
  const RaySamples samples = field_.Weights({&ray, 1}, WeightRequest{});
  const double distance = samples.distance[0];
  if (distance <= 0) return std::nullopt;
  const Vec3 direction(ray.direction[0], ray.direction[1], ray.direction[2]);
  return SurfaceClick{.point = world_from_camera.translation + distance * direction,
                      .positive = point.positive};
}

Prompt ClickSegmenter::Reproject(const std::vector<SurfaceClick>& clicks, const Camera& camera,
                                 const Pose& world_from_camera, double depth_tolerance,
                                 std::vector<bool>* used) const {
  Prompt prompt;
  used->assign(clicks.size(), false);
  const Pose camera_from_world = world_from_camera.Inverse();
  for (size_t i = 0; i < clicks.size(); ++i) {
    const Vec3 local = camera_from_world * clicks[i].point;
    const std::optional<Vec2> pixel = camera.Project(local);
    if (!pixel || !camera.Contains(*pixel)) continue;
    const Ray ray = MakeRay(camera, world_from_camera, *pixel);
    const double rendered = field_.Weights({&ray, 1}, WeightRequest{}).distance[0];
    if (rendered <= 0 || std::abs(rendered - local.norm()) > depth_tolerance * local.norm()) continue;
    (*used)[i] = true;
    prompt.points.push_back({.x = pixel->x(), .y = pixel->y(), .positive = clicks[i].positive});
  }
  return prompt;
}

Prompt ClickSegmenter::SquarePrompt(const SquareView& view, const Prompt& prompt) {
  Prompt square;
  // Rounding may put what is on the border a hair outside, where decoders refuse it.
  const auto inside = [&](const Vec2& pixel) -> Vec2 {
    return view.SquareFromFrame(pixel).cwiseMax(0.0).cwiseMin(static_cast<double>(view.square().width));
  };
  for (const PromptPoint& point : prompt.points) {
    const Vec2 p = inside({point.x, point.y});
    square.points.push_back({.x = p.x(), .y = p.y(), .positive = point.positive});
  }
  for (const PromptBox& box : prompt.boxes) {
    PromptBox mapped = {1e30, 1e30, -1e30, -1e30};
    constexpr int kPerSide = 8;
    for (int i = 0; i <= kPerSide; ++i) {
      const double t = static_cast<double>(i) / kPerSide;
      const double x = box.x0 + t * (box.x1 - box.x0), y = box.y0 + t * (box.y1 - box.y0);
      for (const Vec2& border : {Vec2(x, box.y0), Vec2(x, box.y1), Vec2(box.x0, y), Vec2(box.x1, y)}) {
        const Vec2 p = inside(border);
        mapped = {std::min(mapped.x0, p.x()), std::min(mapped.y0, p.y()), std::max(mapped.x1, p.x()),
                  std::max(mapped.y1, p.y())};
      }
    }
    square.boxes.push_back(mapped);
  }
  return square;
}

Mask DecodePrompt(PromptDecoder& decoder, const FeatureMap& features, int resolution, const Prompt& prompt,
                  Granularity granularity) {
  // Positive clicks first: a mask input made from a negative click alone would mean nothing.
  std::vector<PromptPoint> points = prompt.points;
  std::stable_sort(points.begin(), points.end(),
                   [](const PromptPoint& a, const PromptPoint& b) { return a.positive && !b.positive; });
  Prompt so_far;
  so_far.boxes = prompt.boxes;
  if (!points.empty()) so_far.points.push_back(points[0]);
  Mask mask = decoder.Decode(features, resolution, resolution, so_far, granularity, nullptr);
  for (size_t i = 1; i < points.size(); ++i) {
    so_far.points.push_back(points[i]);
    const std::vector<float> previous = mask.low_res_logits;
    mask = decoder.Decode(features, resolution, resolution, so_far, granularity, &previous);
  }
  return mask;
}

SegmentResult ClickSegmenter::SegmentWith(const FeatureMap& features, const SquareView& view,
                                          const Prompt& prompt, Granularity granularity) {
  SegmentResult result;
  Stopwatch stopwatch;
  const Mask square =
      DecodePrompt(decoder_, features, view.square().width, SquarePrompt(view, prompt), granularity);
  result.milliseconds["decode"] = stopwatch.LapMilliseconds();
  result.mask = view.ToFrame(square);
  result.milliseconds["map"] = stopwatch.Milliseconds();
  return result;
}

SegmentResult ClickSegmenter::Segment(const Camera& camera, const Pose& world_from_camera,
                                      const Prompt& prompt, Granularity granularity) {
  const Stopwatch stopwatch;
  const SquareView view(camera, kSquareMaskResolution);
  const FeatureMap features = RenderGrid(features_, field_, view.square(), world_from_camera);
  const double features_milliseconds = stopwatch.Milliseconds();
  SegmentResult result = SegmentWith(features, view, prompt, granularity);
  result.milliseconds["features"] = features_milliseconds;
  return result;
}

}  // namespace semfield
