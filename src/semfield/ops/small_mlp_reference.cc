#include "semfield/ops/small_mlp_reference.h"

#include <vector>

namespace semfield::ops::reference {
namespace {

// Where a layer's weights begin; its biases follow them.
struct Layer {
  int input;
  int output;
  size_t begin;
};

std::vector<Layer> Layers(const MlpShape& shape) {
  std::vector<Layer> layers;
  size_t begin = 0;
  for (int l = 0; l <= shape.num_hidden; ++l) {
    const Layer layer{l == 0 ? shape.input : shape.hidden,
                      l == shape.num_hidden ? shape.output : shape.hidden, begin};
    begin += static_cast<size_t>(layer.input) * layer.output + (shape.bias ? layer.output : 0);
    layers.push_back(layer);
  }
  return layers;
}

}  // namespace

void MlpForward(const MlpShape& shape, const float* parameters, const MlpInput& input, float* output,
                float* activations) {
  const std::vector<Layer> layers = Layers(shape);
  const size_t stride = input.stride;
  for (int column = 0; column < input.num_columns; ++column) {
    std::vector<double> x(shape.input);
    for (int i = 0; i < shape.input; ++i) x[i] = input.rows[i * stride + column];
    for (size_t l = 0; l < layers.size(); ++l) {
      const float* weights = parameters + layers[l].begin;
      const float* biases = weights + static_cast<size_t>(layers[l].input) * layers[l].output;
      std::vector<double> y(layers[l].output);
      for (int o = 0; o < layers[l].output; ++o) {
        double sum = shape.bias ? biases[o] : 0.0;
        for (int i = 0; i < layers[l].input; ++i)
          sum += static_cast<double>(weights[o * layers[l].input + i]) * x[i];
        if (l + 1 == layers.size()) {
          output[o * stride + column] = static_cast<float>(sum);
          continue;
        }
        y[o] = sum > 0 ? sum : sum * shape.leaky_slope;
        if (activations != nullptr)
          activations[(l * shape.hidden + o) * stride + column] = static_cast<float>(y[o]);
      }
      x = y;
    }
  }
}

void MlpBackward(const MlpShape& shape, const float* parameters, const MlpInput& input,
                 const float* activations, const MlpGradients& gradients) {
  const std::vector<Layer> layers = Layers(shape);
  const size_t num_parameters = layers.back().begin +
                                static_cast<size_t>(layers.back().input) * shape.output +
                                (shape.bias ? shape.output : 0);
  const size_t stride = input.stride;
  std::vector<double> gradient(num_parameters, 0.0);
  for (int column = 0; column < input.num_columns; ++column) {
    std::vector<double> d_y(shape.output);
    for (int o = 0; o < shape.output; ++o) d_y[o] = gradients.d_output[o * stride + column];
    for (size_t l = layers.size(); l-- > 0;) {
      const Layer& layer = layers[l];
      const float* x = l == 0 ? input.rows : activations + (l - 1) * shape.hidden * stride;
      const float* weights = parameters + layer.begin;
      double* d_weights = gradient.data() + layer.begin;
      double* d_biases = d_weights + static_cast<size_t>(layer.input) * layer.output;
      std::vector<double> d_x(layer.input, 0.0);
      for (int o = 0; o < layer.output; ++o) {
        if (shape.bias) d_biases[o] += d_y[o];
        for (int i = 0; i < layer.input; ++i) {
          d_weights[o * layer.input + i] += d_y[o] * x[i * stride + column];
          d_x[i] += d_y[o] * weights[o * layer.input + i];
        }
      }
      for (int i = 0; i < layer.input; ++i) {
        if (l > 0 && !(x[i * stride + column] > 0)) d_x[i] *= shape.leaky_slope;
        if (l == 0 && gradients.d_input != nullptr)
          gradients.d_input[i * stride + column] = static_cast<float>(d_x[i]);
      }
      d_y = d_x;
    }
  }
  for (size_t p = 0; p < num_parameters; ++p) gradients.d_parameters[p] += static_cast<float>(gradient[p]);
}

}  // namespace semfield::ops::reference
