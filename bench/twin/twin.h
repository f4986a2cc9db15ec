#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "semfield/ops/hash_grid.h"

// The same operations in LibTorch, as fast as its general operations allow: no autograd, work in place,
// storage that is reused, OpenBLAS, as many threads as base/parallel.h has. Where there are several ways to
// say a thing, all are here and a benchmark takes the fastest. Built for the benchmarks only.
namespace semfield::twin {

// ---- Hash grid. Points are three rows [n] in [0, 1].
struct HashGrid {
  ops::HashGridLayout layout;
  std::vector<at::Tensor> tables;     // a level: [entries, features], float
  std::vector<at::Tensor> gradients;  // the same
};
HashGrid MakeHashGrid(const ops::HashGridLayout& layout, const float* parameters);

enum class Gather {
  kEmbeddingBag,  // one fused gather and weighted sum; indices lie point by point
  kIndexSelect,   // all corners' rows, then a weighted sum
};
struct GridPlan {
  Gather gather = Gather::kEmbeddingBag;
  int64_t chunk = 1 << 14;  // points a task; tasks run on the threads, or with 0 the operations do inside
};
// [n, levels * features].
void HashGridForward(const HashGrid& grid, const GridPlan& plan, const at::Tensor& x, const at::Tensor& y,
                     const at::Tensor& z, at::Tensor& out);
// gradients += by scatter_add_, the levels shared among the threads. d_out as `out`.
void HashGridBackward(HashGrid& grid, const at::Tensor& x, const at::Tensor& y, const at::Tensor& z,
                      const at::Tensor& d_out);
// Rays of equal length: [rays, levels * features], sum over each ray's points of weight * encoding.
struct RaySamples {
  at::Tensor x, y, z, weight;  // [rays * samples_per_ray]
  int64_t samples_per_ray;
};
void HashGridRaysForward(const HashGrid& grid, const GridPlan& plan, const RaySamples& samples,
                         at::Tensor& out);

// ---- Fully connected network, ReLU between the layers, no biases. Rows are samples.
struct Mlp {
  std::vector<at::Tensor> weights;  // [out, in]
  std::vector<at::Tensor> d_weights;
  std::vector<at::Tensor> values;  // [n, width] after each layer, the last one linear
  at::Tensor d_input;
};
// chunk: rows a task, tasks on the threads; 0: whole matrices, OpenBLAS shares them out. MlpForward keeps
// `values` for MlpBackward.
void MlpForward(Mlp& mlp, const at::Tensor& input, int64_t chunk);
void MlpBackward(Mlp& mlp, const at::Tensor& input, const at::Tensor& d_output, int64_t chunk);

// ---- Rendering. Rays of equal length: [rays, samples].
struct Composite {
  at::Tensor density, through, transmittance, weight;  // transmittance: behind the sample
};
Composite CompositeForward(const at::Tensor& raw, const at::Tensor& dt);
// [rays, channels] from values [rays, samples, channels]; as a product of matrices, or as a weighted sum.
at::Tensor CompositeValues(const at::Tensor& weight, const at::Tensor& values, bool as_product);
// d_raw; d_values is written.
at::Tensor CompositeBackward(const Composite& forward, const at::Tensor& dt, const at::Tensor& values,
                             const at::Tensor& d_out, bool as_product, at::Tensor& d_values);

// Marching on a fixed lattice of `steps` intervals from where a ray enters the cube [-1, 1]^3: distances of
// the samples in occupied cells, one after another, and the rays they belong to.
struct Samples {
  at::Tensor ray, distance;
};
struct Lattice {
  int64_t resolution;  // of `occupied`
  float near_distance, step;
  int64_t steps, chunk;
};
Samples March(const at::Tensor& origins, const at::Tensor& directions, const at::Tensor& occupied,
              const Lattice& lattice);

// ---- Adam on one array.
struct AdamState {
  at::Tensor parameters, first, second, gradient, half;
};
struct AdamNumbers {
  double rate, beta1, beta2, epsilon;
  int step;
};
// Every parameter; chunk as above.
void AdamDense(AdamState& state, const AdamNumbers& numbers, int64_t chunk);
// Blocks of 16 whose gradient is not all zero: they are found, gathered, stepped and put back.
void AdamSparse(AdamState& state, const AdamNumbers& numbers);

// Real spherical harmonics of degree 0..3: [16, n].
void SphericalHarmonics(const at::Tensor& x, const at::Tensor& y, const at::Tensor& z, at::Tensor& out,
                        int64_t chunk);

}  // namespace semfield::twin
