#pragma once

#include <vector>

#include "semfield/methods/feature_field/feature_options.h"
#include "semfield/methods/feature_field/token_inputs.h"
#include "semfield/ops/hash_grid.h"
#include "semfield/training/parameter.h"

namespace semfield {

// E_sem of the options.
ops::HashGridLayout SemanticGridLayout(const FeatureOptions& options);
// Its numbers before the first step, with a half copy, which is what kernels read.
Parameter MakeSemanticGrid(const FeatureOptions& options, const ops::HashGridLayout& layout);

// Tiles of kTileColumns tokens (ops/tile.h) that a view fills.
int NumTokenTiles(const TokenInputs& inputs);

// The inner sum of SAN Eq. 6 of every token: the first layout.num_features() of `rows` rows of each tile,
// [tile][rows][kTileStride].
void ComposeSemantics(const ops::HashGridLayout& layout, const Parameter& grid, const TokenInputs& inputs,
                      int rows, float* out);
// From the gradient of those rows, laid out alike, to a step of the grid.
void StepSemantics(const ops::HashGridLayout& layout, const TokenInputs& inputs, int rows, const float* d_out,
                   const ops::AdamOptions& adam, Parameter* grid);

// What is not learned, [num_rows, num_tokens], cut into tiles: row `first` and those that follow.
void CutIntoTiles(const TokenInputs& inputs, const std::vector<float>& from, int rows, int first, float* out);

}  // namespace semfield
