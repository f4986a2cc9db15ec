#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "bench/twin/twin.h"

namespace semfield::twin {

Composite CompositeForward(const at::Tensor& raw, const at::Tensor& dt) {
  const c10::InferenceMode no_autograd;
  Composite c;
  c.density = raw.clamp_max(15).exp_();
  const at::Tensor tau = c.density * dt;
  c.transmittance = at::cumsum(tau, 1).neg_().exp_();
  // weight_i = T_i (1 - exp(-tau_i)), T_i = T_{i+1} exp(tau_i): (exp(tau_i) - 1) T_{i+1}
  c.weight = at::expm1(tau).mul_(c.transmittance);
  return c;
}

at::Tensor CompositeValues(const at::Tensor& weight, const at::Tensor& values, bool as_product) {
  const c10::InferenceMode no_autograd;
  if (as_product) return at::bmm(weight.unsqueeze(1), values).squeeze(1);
  return (values * weight.unsqueeze(2)).sum(1);
}

at::Tensor CompositeBackward(const Composite& forward, const at::Tensor& dt, const at::Tensor& values,
                             const at::Tensor& d_out, bool as_product, at::Tensor& d_values) {
  const c10::InferenceMode no_autograd;
  at::mul_out(d_values, forward.weight.unsqueeze(2), d_out.unsqueeze(1));
  const at::Tensor d_weight =
      as_product ? at::bmm(values, d_out.unsqueeze(2)).squeeze(2) : (values * d_out.unsqueeze(1)).sum(2);
  // dL/dtau_i = T_{i+1} g_i - sum_{j>i} w_j g_j
  const at::Tensor wg = forward.weight * d_weight;
  const at::Tensor sums = at::cumsum(wg, 1);
  const at::Tensor behind = sums.slice(1, -1) - sums;
  return (forward.transmittance * d_weight).sub_(behind).mul_(dt).mul_(forward.density);
}

Samples March(const at::Tensor& origins, const at::Tensor& directions, const at::Tensor& occupied,
              const Lattice& lattice) {
  const auto [resolution, near_distance, step, steps, chunk] = lattice;
  const int64_t rays = origins.size(1);
  const int64_t pieces = (rays + chunk - 1) / chunk;
  std::vector<at::Tensor> ray(pieces), distance(pieces);
  const at::Tensor middles = at::arange(steps, at::kFloat).add_(0.5).mul_(step);
  at::parallel_for(0, pieces, 1, [&](int64_t first, int64_t last) {
    const c10::InferenceMode no_autograd;
    for (int64_t piece = first; piece < last; ++piece) {
      const int64_t begin = piece * chunk, end = std::min(rays, begin + chunk);
      const at::Tensor o = origins.slice(1, begin, end), d = directions.slice(1, begin, end);
      const at::Tensor a = (-1 - o) / d, b = (1 - o) / d;
      const at::Tensor enter = std::get<0>(at::minimum(a, b).max(0)).clamp_min_(near_distance);
      const at::Tensor leave = std::get<0>(at::maximum(a, b).min(0));
      const at::Tensor t = enter.unsqueeze(1) + middles;
      at::Tensor index;
      for (int axis = 2; axis >= 0; --axis) {
        at::Tensor cell = at::addcmul(o[axis].unsqueeze(1), t, d[axis].unsqueeze(1));
        cell =
            cell.add_(1).mul_(0.5f * static_cast<float>(resolution)).to(at::kInt).clamp_(0, resolution - 1);
        index = axis == 2 ? cell : index.mul_(resolution).add_(cell);
      }
      at::Tensor keep = at::index_select(occupied, 0, index.view(-1)).view(t.sizes());
      keep.logical_and_(t < leave.unsqueeze(1));
      const at::Tensor where = keep.view(-1).nonzero().view(-1);
      distance[piece] = t.view(-1).index_select(0, where);
      ray[piece] = where.div(steps, "floor").add_(begin);
    }
  });
  const c10::InferenceMode no_autograd;
  return {at::cat(ray), at::cat(distance)};
}

void SphericalHarmonics(const at::Tensor& x, const at::Tensor& y, const at::Tensor& z, at::Tensor& out,
                        int64_t chunk) {
  const int64_t count = x.size(0);
  at::parallel_for(0, (count + chunk - 1) / chunk, 1, [&](int64_t first, int64_t last) {
    const c10::InferenceMode no_autograd;
    for (int64_t piece = first; piece < last; ++piece) {
      const int64_t begin = piece * chunk, end = std::min(count, begin + chunk);
      const at::Tensor px = x.slice(0, begin, end), py = y.slice(0, begin, end), pz = z.slice(0, begin, end);
      const at::Tensor o = out.slice(1, begin, end);
      const at::Tensor xx = px * px, yy = py * py, zz = pz * pz, xy = px * py;
      const at::Tensor difference = xx - yy, five = zz.mul(5).sub_(1);
      const auto put = [&](int k, double factor, const at::Tensor& value) {
        at::Tensor row = o[k];
        at::mul_out(row, value, at::scalar_tensor(factor));
      };
      o[0].fill_(0.282094792);
      put(1, -0.488602512, py);
      put(2, 0.488602512, pz);
      put(3, -0.488602512, px);
      put(4, 1.092548431, xy);
      put(5, -1.092548431, py * pz);
      put(6, 0.315391565, zz.mul(3).sub_(1));
      put(7, -1.092548431, px * pz);
      put(8, 0.546274215, difference);
      put(9, -0.590043590, xx.mul(3).sub_(yy).mul_(py));
      put(10, 2.890611443, xy * pz);
      put(11, -0.457045799, five * py);
      put(12, 0.373176333, zz.mul(5).sub_(3).mul_(pz));
      put(13, -0.457045799, five * px);
      put(14, 1.445305721, difference * pz);
      put(15, -0.590043590, at::sub(xx, yy, 3).mul_(px));
    }
  });
}

}  // namespace semfield::twin
