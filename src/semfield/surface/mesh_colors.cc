#include "semfield/surface/mesh_colors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

constexpr int kSamples = 8;            // of a vertex, the weightiest
constexpr float kLeastFacing = 0.15f;  // cosine under which a photo says little of a surface
constexpr int64_t kChunk = 4096;

struct Sample {
  float weight = 0;  // 0: none
  std::array<uint8_t, 3> color = {};
};
void Insert(const Sample& sample, std::array<Sample, kSamples>* samples) {
  if (sample.weight <= samples->back().weight) return;
  int at = kSamples - 1;
  for (; at > 0 && (*samples)[at - 1].weight < sample.weight; --at) (*samples)[at] = (*samples)[at - 1];
  (*samples)[at] = sample;
}

int Apart(const std::array<uint8_t, 3>& a, const std::array<uint8_t, 3>& b) {
  return std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) + std::abs(a[2] - b[2]);
}

// The four nearest pixels' mean; nothing where a pixel does not count or is see-through.
std::optional<std::array<float, 3>> ColorAt(const ImageU8& image, const ImageU8* mask, const Vec2& pixel) {
  const double fx = pixel.x() - 0.5, fy = pixel.y() - 0.5;
  const int x0 = std::max(0, static_cast<int>(std::floor(fx))),
            y0 = std::max(0, static_cast<int>(std::floor(fy)));
  const int x1 = std::min(x0 + 1, image.width - 1), y1 = std::min(y0 + 1, image.height - 1);
  const double u = std::clamp(fx - x0, 0.0, 1.0), v = std::clamp(fy - y0, 0.0, 1.0);
  std::array<float, 3> color = {};
  constexpr int kOpaque = 250;
  for (int corner = 0; corner < 4; ++corner) {
    const int x = corner & 1 ? x1 : x0, y = corner & 2 ? y1 : y0;
    if (mask != nullptr && mask->At(x, y) == 0) return std::nullopt;
    if (image.channels == 4 && image.At(x, y, 3) < kOpaque) return std::nullopt;
    const double weight = (corner & 1 ? u : 1 - u) * (corner & 2 ? v : 1 - v);
    for (int k = 0; k < 3; ++k) color[k] += static_cast<float>(weight * image.At(x, y, k) / 255);
  }
  return color;
}

// The scene's color of what a photo shows: ColorMap the other way round.
std::array<uint8_t, 3> Unexposed(const std::array<float, 3>& shown, const ColorMap& exposure) {
  std::array<uint8_t, 3> color;
  for (int k = 0; k < 3; ++k) {
    const float value = (shown[k] - exposure.offset[k]) * std::exp(-exposure.log_gain[k]);
    color[k] = static_cast<uint8_t>(std::lround(255 * std::clamp(value, 0.0f, 1.0f)));
  }
  return color;
}

// The mean of those near to the sample that is nearest to all.
std::array<uint8_t, 3> Agreed(const std::array<Sample, kSamples>& samples) {
  constexpr int kNear = 60;  // of three times 255
  double least = 0;
  const Sample* middle = nullptr;
  for (const Sample& sample : samples) {
    if (sample.weight <= 0) break;
    double apart = 0;
    for (const Sample& other : samples) apart += other.weight * Apart(sample.color, other.color);
    if (middle == nullptr || apart < least) {
      least = apart;
      middle = &sample;
    }
  }
  double sum[3] = {0, 0, 0}, weight = 0;
  for (const Sample& sample : samples) {
    if (sample.weight <= 0 || Apart(sample.color, middle->color) > kNear) continue;
    weight += sample.weight;
    for (int k = 0; k < 3; ++k) sum[k] += sample.weight * sample.color[k];
  }
  std::array<uint8_t, 3> color;
  for (int k = 0; k < 3; ++k) color[k] = static_cast<uint8_t>(std::lround(sum[k] / weight));
  return color;
}

}  // namespace

struct PhotoColors::Samples {
  std::array<Sample, kSamples> all;  // the lightest last
};

PhotoColors::PhotoColors(std::vector<Vec3f> places, std::vector<Vec3f> normals, const MeshRays& occluders,
                         double tolerance)
    : places_(std::move(places)),
      normals_(std::move(normals)),
      occluders_(occluders),
      tolerance_(tolerance),
      samples_(places_.size()) {
  SF_CHECK_EQ(places_.size(), normals_.size());
}

PhotoColors::~PhotoColors() = default;

void PhotoColors::LookAll(const std::vector<ColorView>& views, const std::string& stage,
                          const JobControl& control) {
  for (size_t i = 0; i < views.size(); ++i) {
    control.ThrowIfStopped();
    Look(views[i]);
    control.Report(
        {.stage = stage, .done = static_cast<double>(i + 1), .total = static_cast<double>(views.size())});
  }
}

std::optional<std::array<uint8_t, 3>> PhotoColors::ColorOf(int64_t point) const {
  const auto& samples = samples_[point].all;
  if (samples.front().weight <= 0) return std::nullopt;
  return Agreed(samples);
}

void PhotoColors::Look(const ColorView& view) {
  const std::shared_ptr<const ImageU8> image = view.image();
  const std::shared_ptr<const ImageU8> mask = view.mask ? view.mask() : nullptr;
  const DepthView& depth = *view.depth;
  ParallelChunks(static_cast<int64_t>(places_.size()), kChunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t p = begin; p < end; ++p) {
      const float weight = Weight(view, p);
      if (weight <= samples_[p].all.back().weight) continue;
      const auto at = depth.Project(places_[p].cast<double>());
      const Vec2 pixel(at->pixel.x() * view.camera.width / depth.depth.width,
                       at->pixel.y() * view.camera.height / depth.depth.height);
      const auto color = ColorAt(*image, mask.get(), pixel);
      if (color) Insert({weight, Unexposed(*color, view.exposure)}, &samples_[p].all);
    }
  });
}

// How well a view sees a point; 0: not at all, or not well enough to be taken.
float PhotoColors::Weight(const ColorView& view, int64_t point) const {
  const Vec3f eye = view.depth->world_from_camera.translation.cast<float>();
  const Vec3f way = eye - places_[point];
  const float distance = way.norm();
  const float facing = normals_[point].dot(way) / std::max(1e-20f, distance);
  if (facing < kLeastFacing) return 0;
  const float weight = facing * facing / (distance * distance);
  if (weight <= samples_[point].all.back().weight) return 0;
  if (!view.depth->Sees(places_[point].cast<double>(), tolerance_)) return 0;
  return occluders_.IsFree(places_[point], eye, static_cast<float>(tolerance_)) ? weight : 0;
}

namespace {

// The field's colors of vertices, seen from close before them. False where the field has nothing there.
std::vector<char> ColorByField(const RadianceField& field, const std::vector<Vec3f>& normals,
                               const std::vector<int>& vertices, double tolerance, const JobControl& control,
                               Mesh* mesh) {
  std::vector<char> is_known(vertices.size(), 0);
  for (size_t begin = 0; begin < vertices.size(); begin += kChunk) {
    const size_t end = std::min(vertices.size(), begin + kChunk);
    std::vector<Ray> rays;
    for (size_t i = begin; i < end; ++i) {
      const Vec3f normal = normals[vertices[i]];
      const Vec3f origin = mesh->vertices[vertices[i]] + static_cast<float>(2 * tolerance) * normal;
      rays.push_back({.origin = {origin.x(), origin.y(), origin.z()},
                      .direction = {-normal.x(), -normal.y(), -normal.z()},
                      .z_scale = 1});
    }
    const RaySamples seen = field.Weights(rays, {.rgb = true}, control.stop);
    for (size_t i = begin; i < end; ++i) {
      const float opacity = seen.opacity[i - begin];
      if (opacity < 0.5f) continue;
      is_known[i] = 1;
      for (int k = 0; k < 3; ++k) {
        const float value = std::clamp(seen.rgb[3 * (i - begin) + k] / opacity, 0.0f, 1.0f);
        mesh->colors[vertices[i]][k] = static_cast<uint8_t>(std::lround(255 * value));
      }
    }
  }
  return is_known;
}

// Vertices without a color take the mean of their neighbors', layer by layer; the last ones are gray.
void Spread(const std::vector<char>& is_known_at_first, Mesh* mesh) {
  std::vector<char> is_known = is_known_at_first;
  constexpr int kMostLayers = 50;
  for (int layer = 0; layer < kMostLayers; ++layer) {
    std::vector<std::array<int, 4>> sums(mesh->vertices.size(), {0, 0, 0, 0});
    for (const auto& face : mesh->faces) {
      for (const int32_t v : face) {
        for (const int32_t other : face) {
          if (is_known[v] || !is_known[other]) continue;
          for (int k = 0; k < 3; ++k) sums[v][k] += mesh->colors[other][k];
          ++sums[v][3];
        }
      }
    }
    bool grew = false;
    for (size_t v = 0; v < sums.size(); ++v) {
      if (sums[v][3] == 0) continue;
      for (int k = 0; k < 3; ++k) mesh->colors[v][k] = static_cast<uint8_t>(sums[v][k] / sums[v][3]);
      is_known[v] = 1;
      grew = true;
    }
    if (!grew) break;
  }
}

}  // namespace

ColoringResult ColorVertices(const std::vector<ColorView>& views, const RadianceField& field,
                             double tolerance, const JobControl& control, Mesh* mesh) {
  constexpr std::array<uint8_t, 3> kGray = {128, 128, 128};
  mesh->colors.assign(mesh->vertices.size(), kGray);
  const MeshRays rays(*mesh);
  const std::vector<Vec3f> normals = VertexNormals(*mesh);
  PhotoColors colors(mesh->vertices, normals, rays, tolerance);
  colors.LookAll(views, "color", control);
  ColoringResult result;
  std::vector<int> unseen;
  std::vector<char> is_known(mesh->vertices.size(), 1);
  for (int v = 0; v < mesh->num_vertices(); ++v) {
    if (const auto color = colors.ColorOf(v)) {
      mesh->colors[v] = *color;
      ++result.from_photos;
    } else {
      unseen.push_back(v);
    }
  }
  const std::vector<char> by_field = ColorByField(field, normals, unseen, tolerance, control, mesh);
  for (size_t i = 0; i < unseen.size(); ++i) is_known[unseen[i]] = by_field[i];
  result.from_field = static_cast<int>(std::count(by_field.begin(), by_field.end(), 1));
  result.from_neighbors = static_cast<int>(unseen.size()) - result.from_field;
  Spread(is_known, mesh);
  return result;
}

}  // namespace semfield
