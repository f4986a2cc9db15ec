#pragma once

#include <algorithm>
#include <cstddef>

#include "semfield/ops/small_mlp.h"

namespace semfield::ops::internal {

// One layer of an MlpShape and where its parameters begin in the network's array.
struct MlpLayer {
  int input = 0;
  int output = 0;
  size_t weights = 0;  // [output][input]
  size_t biases = 0;   // [output], if the shape has them
};

// Columns taken through all layers at once: a layer's values then come from L1.
inline constexpr int kMlpBlock = 64;

inline int MlpNumLayers(const MlpShape& shape) {
  return shape.num_hidden + 1;
}

// Rows of the widest thing that a layer reads or writes.
inline size_t MlpWidest(const MlpShape& shape) {
  return static_cast<size_t>(std::max({shape.input, shape.hidden, shape.output}));
}

inline MlpLayer GetMlpLayer(const MlpShape& shape, int index) {
  const size_t hidden = static_cast<size_t>(shape.hidden);
  const size_t bias_rows = shape.bias ? 1 : 0;
  MlpLayer layer;
  layer.input = index == 0 ? shape.input : shape.hidden;
  layer.output = index == shape.num_hidden ? shape.output : shape.hidden;
  if (index > 0) {
    layer.weights = (static_cast<size_t>(shape.input) + bias_rows) * hidden +
                    static_cast<size_t>(index - 1) * (hidden + bias_rows) * hidden;
  }
  layer.biases = layer.weights + static_cast<size_t>(layer.input) * static_cast<size_t>(layer.output);
  return layer;
}

}  // namespace semfield::ops::internal
