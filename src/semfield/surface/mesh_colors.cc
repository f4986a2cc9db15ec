#include "semfield/surface/mesh_colors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

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
using Samples = std::array<Sample, kSamples>;  // the lightest last

void Insert(const Sample& sample, Samples* samples) {
  if (sample.weight <= samples->back().weight) return;
  int at = kSamples - 1;
  for (; at > 0 && (*samples)[at - 1].weight < sample.weight; --at) (*samples)[at] = (*samples)[at - 1];
  (*samples)[at] = sample;
}

int Apart(const std::array<uint8_t, 3>& a, const std::array<uint8_t, 3>& b) {
  return std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) + std::abs(a[2] - b[2]);
}

// The mean of those near to the sample that is nearest to all.
std::array<uint8_t, 3> Agreed(const Samples& samples) {
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

class VertexColors {
 public:
  VertexColors(const Mesh& mesh, double tolerance)
      : mesh_(mesh),
        tolerance_(tolerance),
        rays_(mesh),
        normals_(VertexNormals(mesh)),
        samples_(mesh.vertices.size()) {}

  void Look(const ColorView& view) {
    const std::shared_ptr<const ImageU8> image = view.image();
    const std::shared_ptr<const ImageU8> mask = view.mask ? view.mask() : nullptr;
    ParallelChunks(mesh_.num_vertices(), kChunk, [&](int64_t begin, int64_t end, int) {
      for (int64_t v = begin; v < end; ++v) {
        const float weight = Weight(view, static_cast<int>(v));
        if (weight <= samples_[v].back().weight) continue;
        const auto at = view.depth->Project(mesh_.vertices[v].cast<double>());
        const Vec2 pixel(at->pixel.x() * view.camera.width / view.depth->depth.width,
                         at->pixel.y() * view.camera.height / view.depth->depth.height);
        const auto color = ColorAt(*image, mask.get(), pixel);
        if (color) Insert({weight, Unexposed(*color, view.exposure)}, &samples_[v]);
      }
    });
  }

  const Samples& samples(int vertex) const { return samples_[vertex]; }
  const Vec3f& normal(int vertex) const { return normals_[vertex]; }

 private:
  // How well a view sees a vertex; 0: not at all.
  float Weight(const ColorView& view, int v) const {
    const Vec3f& vertex = mesh_.vertices[v];
    const Vec3 point = vertex.cast<double>();
    const Vec3f eye = view.depth->world_from_camera.translation.cast<float>();
    const Vec3f way = eye - vertex;
    const float distance = way.norm();
    const float facing = normals_[v].dot(way) / std::max(1e-20f, distance);
    if (facing < kLeastFacing) return 0;
    const float weight = facing * facing / (distance * distance);
    if (weight <= samples_[v].back().weight) return 0;  // it would not be taken
    if (!view.depth->Sees(point, tolerance_)) return 0;
    return rays_.IsFree(vertex, eye, static_cast<float>(tolerance_)) ? weight : 0;
  }

  const Mesh& mesh_;
  const double tolerance_;
  const MeshRays rays_;
  const std::vector<Vec3f> normals_;
  std::vector<Samples> samples_;
};

// The field's colors of vertices, seen from close before them. False where the field has nothing there.
std::vector<char> ColorByField(const RadianceField& field, const VertexColors& colors,
                               const std::vector<int>& vertices, double tolerance, const JobControl& control,
                               Mesh* mesh) {
  std::vector<char> is_known(vertices.size(), 0);
  for (size_t begin = 0; begin < vertices.size(); begin += kChunk) {
    const size_t end = std::min(vertices.size(), begin + kChunk);
    std::vector<Ray> rays;
    for (size_t i = begin; i < end; ++i) {
      const Vec3f normal = colors.normal(vertices[i]);
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
  VertexColors colors(*mesh, tolerance);
  for (size_t i = 0; i < views.size(); ++i) {
    control.ThrowIfStopped();
    colors.Look(views[i]);
    control.Report(
        {.stage = "color", .done = static_cast<double>(i + 1), .total = static_cast<double>(views.size())});
  }
  ColoringResult result;
  std::vector<int> unseen;
  std::vector<char> is_known(mesh->vertices.size(), 1);
  for (int v = 0; v < mesh->num_vertices(); ++v) {
    if (colors.samples(v).front().weight > 0) {
      mesh->colors[v] = Agreed(colors.samples(v));
      ++result.from_photos;
    } else {
      unseen.push_back(v);
    }
  }
  const std::vector<char> by_field = ColorByField(field, colors, unseen, tolerance, control, mesh);
  for (size_t i = 0; i < unseen.size(); ++i) is_known[unseen[i]] = by_field[i];
  result.from_field = static_cast<int>(std::count(by_field.begin(), by_field.end(), 1));
  result.from_neighbors = static_cast<int>(unseen.size()) - result.from_field;
  Spread(is_known, mesh);
  return result;
}

}  // namespace semfield
