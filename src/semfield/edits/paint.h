#pragma once

#include <array>
#include <optional>

#include "semfield/geometry/types.h"
#include "semfield/image/image.h"
#include "semfield/surface/mesh_files.h"

namespace semfield {

// Another color for a thing, with its shading kept: what a point shows, in linear light, is the new color
// times how bright the point was beside the thing as a whole.
struct ThingPaint {
  std::array<double, 3> light = {};  // the new color in linear light
  double brightness = 0.5;           // of the thing as it was seen: the mean of its luminances, linear
  // A picture in the place of the one color; empty: none. It lies on the thing as on the box around it: each
  // point takes the side that it looks to most, upright on the sides, and the picture repeats.
  ImageU8 picture;                         // RGB
  double tile = 1;                         // world units that the picture is wide
  Mat3 box_from_world = Mat3::Identity();  // axes of the box, z upwards
  Vec3 corner = Vec3::Zero();              // of the box, in its axes

  // stored: sRGB in [0, 1] of a point of the thing; place, normal: where it is and looks to, where the thing
  // was found. Returns what it shows now.
  std::array<float, 3> Shown(const float stored[3], const Vec3& place, const Vec3& normal) const;
};

inline constexpr double kLeastBrightness = 0.02;
// The luminance (Rec. 709) of stored sRGB in linear light.
double LuminanceOf(const float stored[3]);
// The mean over a mesh's vertices; 0.5 of one without colors, 0.02 at least.
double BrightnessOf(const Mesh& mesh);

// Paints a mesh: the colors of its vertices and its texture.
void PaintNode(const ThingPaint& paint, MeshNode* node);

}  // namespace semfield
