#include "semfield/edits/paint.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "semfield/image/pixels.h"
#include "semfield/image/srgb.h"
#include "semfield/surface/mesh_atlas.h"
#include "semfield/surface/mesh_texture.h"

namespace semfield {
namespace {

// Stored values of a byte in linear light.
const std::array<float, 256>& LinearTable() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> linear;
    for (int i = 0; i < 256; ++i) linear[i] = static_cast<float>(LinearFromSrgb(i / 255.0));
    return linear;
  }();
  return table;
}

double Wrapped(double at) {
  return at - std::floor(at);
}

// Linear light of a picture that repeats, between four pixels; u, v in pictures from the top left corner.
std::array<double, 3> PictureAt(const ImageU8& picture, double u, double v) {
  const double x = Wrapped(u) * picture.width - 0.5, y = Wrapped(v) * picture.height - 0.5;
  const int x0 = static_cast<int>(std::floor(x)), y0 = static_cast<int>(std::floor(y));
  const double fx = x - x0, fy = y - y0;
  const auto wrap = [](int i, int size) { return (i + size) % size; };
  std::array<double, 3> light;
  const std::array<float, 256>& linear = LinearTable();
  for (int k = 0; k < 3; ++k) {
    const auto at = [&](int dx, int dy) {
      return linear[picture.At(wrap(x0 + dx, picture.width), wrap(y0 + dy, picture.height), k)];
    };
    light[k] = (1 - fy) * ((1 - fx) * at(0, 0) + fx * at(1, 0)) + fy * ((1 - fx) * at(0, 1) + fx * at(1, 1));
  }
  return light;
}

// Every texel by where it lies. A picture that repeats shows several places at once: its mesh falls back to
// the colors of its vertices.
template <class Painted>
void PaintTexels(const Painted& painted, MeshNode* node) {
  const bool repeats = std::any_of(node->uv.begin(), node->uv.end(), [](const Eigen::Vector2f& uv) {
    return uv.minCoeff() < 0 || uv.maxCoeff() > 1;
  });
  if (repeats) {
    node->uv.clear();
    node->texture = {};
    return;
  }
  const int size = std::max(node->texture.width, node->texture.height);
  node->texture = Resize(node->texture, size, size);
  Atlas atlas{.mesh = node->mesh, .uv = node->uv, .size = size};
  for (Eigen::Vector2f& uv : atlas.uv) uv *= static_cast<float>(size);
  std::vector<char> has_color(node->texture.num_pixels(), 0);
  for (const Texel& texel : TexelsOf(atlas)) {
    uint8_t* stored = &node->texture.data[3 * static_cast<size_t>(texel.pixel)];
    const auto shown = painted({stored[0], stored[1], stored[2]}, texel.place, texel.normal);
    std::copy_n(shown.begin(), 3, stored);
    has_color[texel.pixel] = 1;
  }
  DilateTexture(std::move(has_color), &node->texture);
}

}  // namespace

double LuminanceOf(const float stored[3]) {
  return 0.2126 * LinearFromSrgb(stored[0]) + 0.7152 * LinearFromSrgb(stored[1]) +
         0.0722 * LinearFromSrgb(stored[2]);
}

double BrightnessOf(const Mesh& mesh) {
  if (mesh.colors.empty()) return 0.5;
  double sum = 0;
  for (const auto& color : mesh.colors) {
    const float stored[3] = {color[0] / 255.0f, color[1] / 255.0f, color[2] / 255.0f};
    sum += LuminanceOf(stored);
  }
  return std::max(kLeastBrightness, sum / static_cast<double>(mesh.colors.size()));
}

std::array<float, 3> ThingPaint::Shown(const float stored[3], const Vec3& place, const Vec3& normal) const {
  std::array<double, 3> color = light;
  if (!picture.data.empty()) {
    const Vec3 at = (box_from_world * place - corner) / tile, side = (box_from_world * normal).cwiseAbs();
    const double aspect = static_cast<double>(picture.width) / picture.height;
    // The side that it looks to most; z is up, so that pictures stand upright on the walls of the box.
    const double u = side.x() > side.y() && side.x() >= side.z() ? at.y() : at.x();
    const double v = side.z() > side.x() && side.z() > side.y() ? at.y() : at.z();
    color = PictureAt(picture, u, -aspect * v);
  }
  const double shade = LuminanceOf(stored) / brightness;
  std::array<float, 3> shown;
  for (int k = 0; k < 3; ++k)
    shown[k] = static_cast<float>(SrgbFromLinear(std::clamp(color[k] * shade, 0.0, 1.0)));
  return shown;
}

void PaintNode(const ThingPaint& paint, MeshNode* node) {
  Mesh& mesh = node->mesh;
  const std::vector<Vec3f> normals = WeldedNormals(mesh);
  const auto painted = [&](std::array<uint8_t, 3> color, const Vec3f& place, const Vec3f& normal) {
    const float stored[3] = {color[0] / 255.0f, color[1] / 255.0f, color[2] / 255.0f};
    const std::array<float, 3> shown = paint.Shown(stored, place.cast<double>(), normal.cast<double>());
    for (int k = 0; k < 3; ++k) color[k] = static_cast<uint8_t>(std::lround(255 * shown[k]));
    return color;
  };
  for (size_t v = 0; v < mesh.colors.size(); ++v)
    mesh.colors[v] = painted(mesh.colors[v], mesh.vertices[v], normals[v]);
  if (node->uv.empty()) return;
  if (paint.picture.data.empty()) {  // every texel the same way, wherever it is
    for (size_t i = 0; i < node->texture.num_pixels(); ++i) {
      uint8_t* stored = &node->texture.data[3 * i];
      const auto shown = painted({stored[0], stored[1], stored[2]}, Vec3f::Zero(), Vec3f::UnitZ());
      std::copy_n(shown.begin(), 3, stored);
    }
    return;
  }
  PaintTexels(painted, node);
}

}  // namespace semfield
