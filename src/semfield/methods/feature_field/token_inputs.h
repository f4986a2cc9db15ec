#pragma once

#include <vector>

#include "semfield/field/radiance_field.h"
#include "semfield/methods/feature_field/feature_options.h"

namespace semfield {

// What a feature field needs to know of one view: the frozen field's samples behind every token, and the
// rendered quantities that options.head_inputs names.
struct TokenInputs {
  int num_tokens = 0;
  RaySamples samples;         // of token_rays x token_rays rays a token as one, row-major over the token grid
  std::vector<float> pixels;  // [NumPixelRows(options), num_tokens]: (color over black - 1/2) / 10
  std::vector<float> extras;  // [NumExtraRows(options), num_tokens]
};

// Three for each of token_pixels x token_pixels rays through a token.
int NumPixelRows(const FeatureOptions& options);

// geometry 16 (the radiance field's latent, whose width must be that), direction 16 (spherical harmonics),
// color 3, depth 1, position 5 (u, v, uu, vv, uv in [-1, 1]).
int NumExtraRows(const FeatureOptions& options);

// What a square camera sees, as grid x grid tokens. `stop` as RadianceField::Render.
TokenInputs MakeTokenInputs(const RadianceField& field, const Camera& square, const Pose& world_from_camera,
                            int grid, const FeatureOptions& options, const StopToken* stop = nullptr);

}  // namespace semfield
