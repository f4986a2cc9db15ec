#include "semfield/interaction/square_prompt.h"

#include <algorithm>

namespace semfield {

Prompt SquarePrompt(const SquareView& view, const Prompt& prompt) {
  Prompt square;
  square.words = prompt.words;
  square.classes = prompt.classes;
  // Rounding may put what is on the border a hair outside, where decoders refuse it.
  const auto inside = [&](const Vec2& pixel) -> Vec2 {
    return pixel.cwiseMax(0.0).cwiseMin(static_cast<double>(view.square().width));
  };
  for (const PromptPoint& point : prompt.points) {
    const std::optional<Vec2> seen = view.SquareFromFrame({point.x, point.y});
    if (!seen) continue;
    const Vec2 p = inside(*seen);
    square.points.push_back({.x = p.x(), .y = p.y(), .positive = point.positive});
  }
  for (const PromptBox& box : prompt.boxes) {
    PromptBox mapped = {1e30, 1e30, -1e30, -1e30};
    constexpr int kPerSide = 8;
    for (int i = 0; i <= kPerSide; ++i) {
      const double t = static_cast<double>(i) / kPerSide;
      const double x = box.x0 + t * (box.x1 - box.x0), y = box.y0 + t * (box.y1 - box.y0);
      for (const Vec2& border : {Vec2(x, box.y0), Vec2(x, box.y1), Vec2(box.x0, y), Vec2(box.x1, y)}) {
        const std::optional<Vec2> seen = view.SquareFromFrame(border);
        if (!seen) continue;
        const Vec2 p = inside(*seen);
        mapped = {std::min(mapped.x0, p.x()), std::min(mapped.y0, p.y()), std::max(mapped.x1, p.x()),
                  std::max(mapped.y1, p.y())};
      }
    }
    if (mapped.x0 < mapped.x1 && mapped.y0 < mapped.y1) square.boxes.push_back(mapped);
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

}  // namespace semfield
