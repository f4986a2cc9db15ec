#include "semfield/interaction/seen_classes.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {

ClassMaps RenderedClasses(const RadianceField& radiance, const PyramidField& pyramid, DenseDecoder& decoder) {
  return [&](const Camera& square, const Pose& world_from_square, const StopToken* stop) {
    return decoder.Decode(pyramid.Render(radiance, square, world_from_square, stop), stop);
  };
}

ClassMaps RenderedClasses(const RadianceField& radiance, const ClassField& classes) {
  return [&](const Camera& square, const Pose& world_from_square, const StopToken* stop) {
    return classes.Render(radiance, square, world_from_square, stop);
  };
}

SeenClasses::SeenClasses(const Camera& frame, const Pose& world_from_camera, int resolution,
                         const ClassMaps& source, const StopToken* stop)
    : frame_(frame), squares_(CoverWithSquares(frame, resolution)) {
  for (const SquareView& square : squares_)
    maps_.push_back(source(square.square(), square.WorldFromSquare(world_from_camera), stop));
}

SeenClasses::SeenClasses(const SquareView& square, FeatureMap map) : frame_(square.frame()) {
  squares_.push_back(square);
  maps_.push_back(std::move(map));
}

bool SeenClasses::At(const Vec2& pixel, std::span<float> probabilities) const {
  const std::optional<size_t> central = MostCentral(squares_, pixel);
  if (!central) return false;
  const SquareView& square = squares_[*central];
  const FeatureMap& map = maps_[*central];
  const std::optional<Vec2> at = square.SquareFromFrame(pixel);
  if (!at) return false;
  const double u = at->x() / square.square().width * map.width - 0.5;
  const double v = at->y() / square.square().height * map.height - 0.5;
  const int x0 = std::clamp(static_cast<int>(std::floor(u)), 0, map.width - 1);
  const int y0 = std::clamp(static_cast<int>(std::floor(v)), 0, map.height - 1);
  const int x1 = std::min(x0 + 1, map.width - 1), y1 = std::min(y0 + 1, map.height - 1);
  const auto fx = static_cast<float>(std::clamp(u - x0, 0.0, 1.0));
  const auto fy = static_cast<float>(std::clamp(v - y0, 0.0, 1.0));
  for (int c = 0; c < map.channels; ++c) {
    const float* plane = map.data.data() + static_cast<size_t>(c) * map.height * map.width;
    const auto row = [&](int y) {
      const float left = plane[static_cast<size_t>(y) * map.width + x0];
      return left + fx * (plane[static_cast<size_t>(y) * map.width + x1] - left);
    };
    probabilities[c] = row(y0) + fy * (row(y1) - row(y0));
  }
  return true;
}

template <class Value>
ImageU8 SeenClasses::Paint(uint8_t unseen, const Value& value) const {
  ImageU8 image(frame_.width, frame_.height, 1);
  ParallelFor(image.height, [&](int64_t y, int) {
    std::vector<float> probabilities(num_classes());
    for (int x = 0; x < image.width; ++x) {
      const bool is_seen = At({x + 0.5, static_cast<double>(y) + 0.5}, probabilities);
      image.At(x, static_cast<int>(y), 0) = is_seen ? value(probabilities) : unseen;
    }
  });
  return image;
}

ImageU8 SeenClasses::Likeliest(const std::vector<bool>& allowed) const {
  SF_CHECK_LT(num_classes(), static_cast<int>(kUnseen));
  return Paint(kUnseen, [&](const std::vector<float>& p) {
    uint8_t best = kUnseen;
    for (size_t c = 0; c < p.size(); ++c) {
      if (!allowed.empty() && !allowed[c]) continue;
      if (best == kUnseen || p[c] > p[best]) best = static_cast<uint8_t>(c);
    }
    return best;
  });
}

ImageU8 SeenClasses::MaskOf(const std::vector<bool>& is_meant) const {
  SF_CHECK_EQ(static_cast<int>(is_meant.size()), num_classes());
  return Paint(0, [&](const std::vector<float>& p) {
    float inside = 0, best_other = 0;
    for (size_t c = 0; c < p.size(); ++c) {
      if (is_meant[c])
        inside += p[c];
      else
        best_other = std::max(best_other, p[c]);
    }
    return static_cast<uint8_t>(inside > best_other ? 255 : 0);
  });
}

}  // namespace semfield
