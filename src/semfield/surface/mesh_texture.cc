#include "semfield/surface/mesh_texture.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "semfield/base/check.h"

namespace semfield {
namespace {

constexpr int kGap = 2;  // pixels around each chart, for bilinear filters

}  // namespace

void DilateTexture(std::vector<char> has_color, ImageU8* picture) {
  constexpr int kLayers = 2 * kGap;
  for (int layer = 0; layer < kLayers; ++layer) {
    std::vector<std::pair<size_t, std::array<uint8_t, 3>>> grown;
    for (int y = 0; y < picture->height; ++y) {
      for (int x = 0; x < picture->width; ++x) {
        const size_t at = static_cast<size_t>(y) * picture->width + x;
        if (has_color[at]) continue;
        int sum[3] = {0, 0, 0}, count = 0;
        for (int v = std::max(0, y - 1); v <= std::min(picture->height - 1, y + 1); ++v) {
          for (int u = std::max(0, x - 1); u <= std::min(picture->width - 1, x + 1); ++u) {
            if (!has_color[static_cast<size_t>(v) * picture->width + u]) continue;
            for (int k = 0; k < 3; ++k) sum[k] += picture->At(u, v, k);
            ++count;
          }
        }
        if (count == 0) continue;
        grown.push_back({at,
                         {static_cast<uint8_t>(sum[0] / count), static_cast<uint8_t>(sum[1] / count),
                          static_cast<uint8_t>(sum[2] / count)}});
      }
    }
    for (const auto& [at, color] : grown) {
      std::copy_n(color.begin(), 3, &picture->data[3 * at]);
      has_color[at] = 1;
    }
  }
}

TexturedMesh TextureMesh(const Mesh& mesh, int size, const std::vector<ColorView>& views,
                         const MeshRays& occluders, double tolerance, const JobControl& control) {
  SF_CHECK_EQ(mesh.colors.size(), mesh.vertices.size());
  Atlas atlas = MakeAtlas(mesh, size, kGap, control);
  const std::vector<Texel> texels = TexelsOf(atlas);
  std::vector<Vec3f> places, normals;
  for (const Texel& texel : texels) {
    places.push_back(texel.place);
    normals.push_back(texel.normal);
  }
  PhotoColors colors(std::move(places), std::move(normals), occluders, tolerance);
  colors.LookAll(views, "texture", control);
  TexturedMesh textured;
  textured.num_charts = atlas.num_charts;
  textured.texture = ImageU8(atlas.size, atlas.size, 3);
  std::vector<char> has_color(textured.texture.num_pixels(), 0);
  int64_t from_photos = 0;
  for (size_t i = 0; i < texels.size(); ++i) {
    const auto seen = colors.ColorOf(static_cast<int64_t>(i));
    from_photos += seen.has_value();
    const std::array<uint8_t, 3> color = seen ? *seen : texels[i].fallback;
    std::copy_n(color.begin(), 3, &textured.texture.data[3 * static_cast<size_t>(texels[i].pixel)]);
    has_color[texels[i].pixel] = 1;
  }
  if (!texels.empty())
    textured.from_photos = static_cast<double>(from_photos) / static_cast<double>(texels.size());
  DilateTexture(std::move(has_color), &textured.texture);
  for (const Eigen::Vector2f& at : atlas.uv) textured.uv.push_back(at / static_cast<float>(atlas.size));
  textured.mesh = std::move(atlas.mesh);
  return textured;
}

}  // namespace semfield
