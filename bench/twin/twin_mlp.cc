#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "bench/twin/twin.h"

namespace semfield::twin {
namespace {

// The backward pass of rows [begin, end), weight gradients to `d_weights`.
void BackwardRows(Mlp& mlp, const at::Tensor& input, const at::Tensor& d_output, int64_t begin, int64_t end,
                  std::vector<at::Tensor>& d_weights) {
  at::Tensor d = d_output.slice(0, begin, end);
  for (int64_t l = static_cast<int64_t>(mlp.weights.size()) - 1; l >= 0; --l) {
    const at::Tensor x = l == 0 ? input.slice(0, begin, end) : mlp.values[l - 1].slice(0, begin, end);
    d_weights[l].addmm_(d.t(), x);
    if (l == 0) {
      at::Tensor d_input = mlp.d_input.slice(0, begin, end);
      at::mm_out(d_input, d, mlp.weights[0]);
    } else {
      at::Tensor d_x = at::mm(d, mlp.weights[l]);
      at::threshold_backward_out(d_x, d_x, x, 0);
      d = d_x;
    }
  }
}

}  // namespace

void MlpForward(Mlp& mlp, const at::Tensor& input, int64_t chunk) {
  const c10::InferenceMode no_autograd;
  const int64_t count = input.size(0);
  if (chunk <= 0) chunk = count;
  const auto run = [&](int64_t begin, int64_t end) {
    at::Tensor x = input.slice(0, begin, end);
    for (size_t l = 0; l < mlp.weights.size(); ++l) {
      at::Tensor y = mlp.values[l].slice(0, begin, end);
      at::mm_out(y, x, mlp.weights[l].t());
      if (l + 1 < mlp.weights.size()) y.relu_();
      x = y;
    }
  };
  if (chunk == count) return run(0, count);
  at::parallel_for(0, (count + chunk - 1) / chunk, 1, [&](int64_t first, int64_t last) {
    const c10::InferenceMode no_autograd_here;
    for (int64_t piece = first; piece < last; ++piece)
      run(piece * chunk, std::min(count, (piece + 1) * chunk));
  });
}

void MlpBackward(Mlp& mlp, const at::Tensor& input, const at::Tensor& d_output, int64_t chunk) {
  const c10::InferenceMode no_autograd;
  const int64_t count = input.size(0);
  for (at::Tensor& d : mlp.d_weights) d.zero_();
  if (chunk <= 0 || chunk >= count) return BackwardRows(mlp, input, d_output, 0, count, mlp.d_weights);
  const int num_threads = at::get_num_threads();
  std::vector<std::vector<at::Tensor>> sums(num_threads);
  for (auto& sum : sums) {
    for (const at::Tensor& d : mlp.d_weights) sum.push_back(at::zeros_like(d));
  }
  at::parallel_for(0, (count + chunk - 1) / chunk, 1, [&](int64_t first, int64_t last) {
    const c10::InferenceMode no_autograd_here;
    for (int64_t piece = first; piece < last; ++piece) {
      BackwardRows(mlp, input, d_output, piece * chunk, std::min(count, (piece + 1) * chunk),
                   sums[at::get_thread_num()]);
    }
  });
  for (const auto& sum : sums) {
    for (size_t l = 0; l < sum.size(); ++l) mlp.d_weights[l].add_(sum[l]);
  }
}

}  // namespace semfield::twin
