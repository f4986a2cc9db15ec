#include "semfield/evaluation/evaluation_scene.h"

#include <cmath>

#include "semfield/image/pixels.h"

namespace semfield {

ImageF PhotoOverBackground(const EvaluationScene& scene, int view) {
  const std::shared_ptr<const ImageU8> photo = scene.store.Image(view);
  ImageF out(photo->width, photo->height, 3);
  const bool has_alpha = photo->channels == 4;
  for (size_t i = 0; i < photo->num_pixels(); ++i) {
    const uint8_t* pixel = photo->data.data() + i * photo->channels;
    const float alpha = has_alpha ? static_cast<float>(pixel[3]) / 255.0f : 1.0f;
    for (int c = 0; c < 3; ++c) {
      out.data[3 * i + c] = alpha * static_cast<float>(pixel[c]) / 255.0f + (1 - alpha) * scene.background[c];
    }
  }
  return out;
}

std::vector<int> SpreadViews(const std::vector<int>& views, int max_count) {
  const int count = static_cast<int>(views.size());
  if (max_count <= 0 || max_count >= count) return views;
  std::vector<int> spread;
  for (int64_t i = 0; i < max_count; ++i) spread.push_back(views[(2 * i + 1) * count / (2 * max_count)]);
  return spread;
}

Json FiniteOrNull(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

}  // namespace semfield
