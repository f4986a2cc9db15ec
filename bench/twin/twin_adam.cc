#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <cmath>

#include "bench/twin/twin.h"

namespace semfield::twin {
namespace {

constexpr int64_t kBlock = 16;

// All in place; p, m, v and g may be parts of larger tensors.
void Step(at::Tensor p, at::Tensor m, at::Tensor v, at::Tensor g, const AdamNumbers& a) {
  const double rate = a.rate / (1 - std::pow(a.beta1, a.step));
  const double correction = 1 / std::sqrt(1 - std::pow(a.beta2, a.step));
  m.mul_(a.beta1).add_(g, 1 - a.beta1);
  v.mul_(a.beta2).addcmul_(g, g, 1 - a.beta2);
  const at::Tensor deviation = v.sqrt().mul_(correction).add_(a.epsilon);
  p.addcdiv_(m, deviation, -rate);
}

}  // namespace

void AdamDense(AdamState& state, const AdamNumbers& numbers, int64_t chunk) {
  const int64_t count = state.parameters.size(0);
  const auto run = [&](int64_t begin, int64_t end) {
    const c10::InferenceMode no_autograd;
    const auto part = [&](const at::Tensor& t) { return t.slice(0, begin, end); };
    at::Tensor p = part(state.parameters), g = part(state.gradient);
    Step(p, part(state.first), part(state.second), g, numbers);
    part(state.half).copy_(p);
    g.zero_();
  };
  if (chunk <= 0) return run(0, count);
  at::parallel_for(0, (count + chunk - 1) / chunk, 1, [&](int64_t first, int64_t last) {
    for (int64_t piece = first; piece < last; ++piece)
      run(piece * chunk, std::min(count, (piece + 1) * chunk));
  });
}

void AdamSparse(AdamState& state, const AdamNumbers& numbers) {
  const c10::InferenceMode no_autograd;
  const auto blocks = [](const at::Tensor& t) { return t.view({-1, kBlock}); };
  const at::Tensor where = blocks(state.gradient).abs().amax(1).nonzero().view(-1);
  const auto take = [&](const at::Tensor& t) { return at::index_select(blocks(t), 0, where); };
  const at::Tensor p = take(state.parameters), m = take(state.first), v = take(state.second),
                   g = take(state.gradient);
  Step(p, m, v, g, numbers);
  blocks(state.parameters).index_copy_(0, where, p);
  blocks(state.first).index_copy_(0, where, m);
  blocks(state.second).index_copy_(0, where, v);
  blocks(state.half).index_copy_(0, where, p.to(at::kHalf));
  state.gradient.zero_();
}

}  // namespace semfield::twin
