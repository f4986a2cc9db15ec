#include "bench/end_to_end/step_twin.h"

#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "semfield/base/check.h"

namespace semfield::bench {
namespace {

constexpr double kMinTransmittance = 1e-4;
constexpr double kLargestExponent = 15;

template <class T>
at::Tensor Copy(const std::vector<T>& values, at::IntArrayRef shape) {
  const auto type = c10::CppTypeToScalarType<T>::value;
  return at::from_blob(const_cast<T*>(values.data()), shape, at::TensorOptions(type)).clone();
}

at::Tensor CopyOf(const RadianceTrainer& trainer, const std::string& name) {
  for (const TensorView& tensor : trainer.Tensors()) {
    if (tensor.name != name) continue;
    const int64_t count = static_cast<int64_t>(tensor.data.size() / sizeof(float));
    return at::from_blob(const_cast<std::byte*>(tensor.data.data()), {count}, at::kFloat).clone();
  }
  SF_CHECK(false);
  return {};
}

twin::AdamState MakeState(const RadianceTrainer& trainer, const std::string& name) {
  twin::AdamState state;
  state.parameters = CopyOf(trainer, name);
  state.first = CopyOf(trainer, name + ".first_moment");
  state.second = CopyOf(trainer, name + ".second_moment");
  state.gradient = at::zeros_like(state.parameters);
  state.half = state.parameters.to(at::kHalf);
  return state;
}

std::vector<at::Tensor> Rows(int64_t rows, const std::vector<int64_t>& widths) {
  std::vector<at::Tensor> values;
  for (size_t l = 1; l < widths.size(); ++l) values.push_back(at::empty({rows, widths[l]}, at::kFloat));
  return values;
}

}  // namespace

std::string StepPlan::Name() const {
  return fmt::format("{}, encoding by {} points, networks by {}, {} Adam by {}",
                     grid.gather == twin::Gather::kEmbeddingBag ? "embedding bag" : "index_select",
                     grid.chunk == 0 ? "all" : std::to_string(grid.chunk),
                     mlp_chunk == 0 ? "all rows" : fmt::format("{} rows", mlp_chunk),
                     sparse_adam ? "sparse" : "dense",
                     sparse_adam       ? "blocks"
                     : adam_chunk == 0 ? "all"
                                       : std::to_string(adam_chunk));
}

StepTwin::Network StepTwin::MakeNetwork(const RadianceTrainer& trainer, const std::string& name,
                                        std::vector<int64_t> widths) {
  Network network;
  network.widths = std::move(widths);
  network.state = MakeState(trainer, name);
  network.before = network.state.parameters.clone();
  int64_t offset = 0;
  for (size_t l = 0; l + 1 < network.widths.size(); ++l) {
    const int64_t out = network.widths[l + 1], in = network.widths[l], end = offset + out * in;
    network.mlp.weights.push_back(network.state.parameters.slice(0, offset, end).view({out, in}));
    network.mlp.d_weights.push_back(network.state.gradient.slice(0, offset, end).view({out, in}));
    offset = end;
  }
  SF_CHECK_EQ(offset, network.state.parameters.size(0));
  return network;
}

StepTwin::StepTwin(const RadianceTrainer& trainer, const StepData& data)
    : options_(trainer.model().options), step_(trainer.step() + 1), num_rays_(data.num_rays) {
  const c10::InferenceMode no_autograd;
  const int64_t samples = static_cast<int64_t>(data.x.size()), hidden = options_.hidden;
  x_ = Copy(data.x, {samples});
  y_ = Copy(data.y, {samples});
  z_ = Copy(data.z, {samples});
  dt_ = Copy(data.dt, {samples});
  ray_ = Copy(data.ray, {samples});
  begin_ = Copy(data.begin, {num_rays_ + 1});
  rgba_ = Copy(data.rgba, {num_rays_, 4});
  background_ = Copy(data.background, {num_rays_, 3});
  const at::Tensor inverse = 1 / (1 + Copy(data.t, {samples}));
  s_ = 1 - inverse;
  ds_ = dt_ * inverse * inverse;
  at::Tensor rows = at::empty({16, num_rays_}, at::kFloat);
  twin::SphericalHarmonics(Copy(data.direction[0], {num_rays_}), Copy(data.direction[1], {num_rays_}),
                           Copy(data.direction[2], {num_rays_}), rows, num_rays_);
  harmonics_ = rows.t().contiguous();

  const ops::HashGridLayout& layout = trainer.model().layout;
  grid_state_ = MakeState(trainer, "grid");
  // Our kernels read the table in half precision: the same numbers here, or losses would differ by rounding.
  grid_state_.parameters.copy_(grid_state_.half);
  grid_before_ = grid_state_.parameters.clone();
  grid_.layout = layout;
  for (const ops::HashGridLevel& level : layout.levels) {
    const int64_t features = layout.config.features_per_level, begin = static_cast<int64_t>(level.offset);
    const auto part = [&](const at::Tensor& all) {
      return all.slice(0, begin, begin + level.num_entries * features).view({level.num_entries, features});
    };
    grid_.tables.push_back(part(grid_state_.parameters));
    grid_.gradients.push_back(part(grid_state_.gradient));
  }
  encoded_ = at::empty({samples, layout.num_features()}, at::kFloat);
  density_ =
      MakeNetwork(trainer, "density_mlp", {layout.num_features(), hidden, RadianceModel::kGeometryRows});
  color_ = MakeNetwork(trainer, "color_mlp", {RadianceModel::kGeometryRows + 16, hidden, hidden, 3});
  density_.mlp.values = Rows(samples, density_.widths);
}

// Densities of all samples, then everything of those before their ray's cut.
void StepTwin::Density(const StepPlan& plan) {
  twin::HashGridForward(grid_, plan.grid, x_, y_, z_, encoded_);
  twin::MlpForward(density_.mlp, encoded_, plan.mlp_chunk);
  const at::Tensor density = density_.mlp.values[1]
                                 .select(1, 0)
                                 .add(options_.density_bias.value())
                                 .clamp_max_(kLargestExponent)
                                 .exp_();
  const at::Tensor tau = density * dt_;
  // Packed rays: one running sum over all samples, less what it was at the ray's first. Double precision
  // keeps the digits.
  const at::Tensor before = tau.cumsum(0, at::kDouble).sub_(tau);
  const at::Tensor depth =
      before
          .sub(before.index_select(0, begin_.slice(0, 0, num_rays_).clamp_max(tau.size(0) - 1))
                   .index_select(0, ray_))
          .to(at::kFloat);
  const at::Tensor open = depth.le(-std::log(kMinTransmittance));
  kept_ = open.nonzero().view(-1);
  const at::Tensor counts = at::zeros({num_rays_ + 1}, at::kLong);
  kept_ray_ = ray_.index_select(0, kept_);
  counts.slice(0, 1).scatter_add_(0, kept_ray_, at::ones_like(kept_ray_));
  kept_begin_ = counts.cumsum(0);
  kept_density_ = density.index_select(0, kept_);
  kept_dt_ = dt_.index_select(0, kept_);
  const at::Tensor through = depth.index_select(0, kept_).neg_().exp_();
  const at::Tensor kept_tau = tau.index_select(0, kept_);
  weight_ = kept_tau.neg().expm1_().neg_().mul_(through);
  behind_ = through.sub_(weight_);
  at::Tensor ray_tau;
  Running(kept_tau.unsqueeze(0), &ray_tau);
  final_ = ray_tau[0].neg().exp().to(at::kFloat);
  kept_encoded_ = encoded_.index_select(0, kept_);
  density_kept_.weights = density_.mlp.weights;
  density_kept_.d_weights = density_.mlp.d_weights;
  density_kept_.values = {density_.mlp.values[0].index_select(0, kept_),
                          density_.mlp.values[1].index_select(0, kept_)};
  density_kept_.d_input = at::empty_like(kept_encoded_);
}

// Inclusive running sums along each ray of rows [k, kept]; per_ray: [k, rays].
at::Tensor StepTwin::Running(const at::Tensor& values, at::Tensor* per_ray) const {
  const int64_t rows = values.size(0), kept = values.size(1);
  at::Tensor sums = at::zeros({rows, kept + 1}, at::kDouble);
  at::Tensor inclusive = sums.slice(1, 1);
  at::cumsum_out(inclusive, values.to(at::kDouble), 1);
  const at::Tensor at_begin = sums.index_select(1, kept_begin_);
  const at::Tensor first = at_begin.slice(1, 0, num_rays_);
  *per_ray = at_begin.slice(1, 1).sub(first);
  return inclusive.sub(first.index_select(1, kept_ray_));
}

void StepTwin::Color(const StepPlan& plan) {
  color_input_ = at::cat({density_kept_.values[1], harmonics_.index_select(0, kept_ray_)}, 1);
  color_.mlp.values = Rows(kept_.size(0), color_.widths);
  color_.mlp.d_input = at::empty_like(color_input_);
  twin::MlpForward(color_.mlp, color_input_, plan.mlp_chunk);
  color_.mlp.values[2].sigmoid_();
}

at::Tensor StepTwin::ColorLoss(Losses* losses) {
  const at::Tensor& color = color_.mlp.values[2];
  at::Tensor rgb = at::zeros({num_rays_, 3}, at::kFloat);
  const at::Tensor wide = kept_ray_.unsqueeze(1).expand({kept_.size(0), 3});
  rgb.scatter_add_(0, wide, color * weight_.unsqueeze(1));
  const at::Tensor alpha = rgba_.slice(1, 3);
  const at::Tensor error = rgb.add_(final_.unsqueeze(1) * background_)
                               .sub_(rgba_.slice(1, 0, 3) * alpha + background_ * (1 - alpha));
  losses->mse = error.square().sum().item<double>() / (3.0 * static_cast<double>(num_rays_));
  const at::Tensor d_rgb = error.mul_(2.0 / 3 / static_cast<double>(num_rays_));
  d_final_ = (d_rgb * background_).sum(1);
  const at::Tensor d_ray = d_rgb.index_select(0, kept_ray_);
  d_weight_ = (d_ray * color).sum(1);
  return d_ray.mul_(weight_.unsqueeze(1)).mul_(color).mul_(1 - color);
}

// Mip-NeRF 360 Eq. 15 by running sums, as ops::DistortionLoss.
void StepTwin::Distortion(Losses* losses) {
  const double scale = options_.distortion.value() / static_cast<double>(num_rays_);
  const at::Tensor s = s_.index_select(0, kept_), ds = ds_.index_select(0, kept_);
  const at::Tensor moments = at::stack({weight_, weight_ * s});
  at::Tensor totals;
  const at::Tensor running = Running(moments, &totals);
  const at::Tensor before = running - moments;
  const at::Tensor behind = totals.index_select(1, kept_ray_).sub_(running);
  const at::Tensor front = (s * before[0]).sub_(before[1]).to(at::kFloat);
  const at::Tensor back = behind[1].sub(s * behind[0]).to(at::kFloat);
  const at::Tensor own = weight_ * ds;
  losses->distortion =
      (weight_ * (2 * front + own / 3)).sum().item<double>() / static_cast<double>(num_rays_);
  d_weight_.add_(front.add(back).mul_(2).add_(own, 2.0 / 3), scale);
}

at::Tensor StepTwin::DensityGradient() const {
  at::Tensor totals;
  const at::Tensor running = Running((weight_ * d_weight_).unsqueeze(0), &totals);
  const at::Tensor after = totals.index_select(1, kept_ray_).sub_(running)[0].to(at::kFloat);
  at::Tensor d_tau = behind_ * d_weight_;
  d_tau.sub_(after).sub_((final_ * d_final_).index_select(0, kept_ray_));
  return d_tau.mul_(kept_dt_).mul_(kept_density_);
}

StepTwin::Losses StepTwin::Step(const StepPlan& plan, double grid_rate, double mlp_rate) {
  const c10::InferenceMode no_autograd;
  Losses losses;
  Density(plan);
  losses.kept = kept_.size(0);
  Color(plan);
  const at::Tensor d_logits = ColorLoss(&losses);
  Distortion(&losses);
  twin::MlpBackward(color_.mlp, color_input_, d_logits, plan.mlp_chunk);
  at::Tensor d_output = color_.mlp.d_input.slice(1, 0, RadianceModel::kGeometryRows).contiguous();
  d_output.select(1, 0).add_(DensityGradient());
  twin::MlpBackward(density_kept_, kept_encoded_, d_output, plan.mlp_chunk);
  twin::HashGridBackward(grid_, x_.index_select(0, kept_), y_.index_select(0, kept_),
                         z_.index_select(0, kept_), density_kept_.d_input);
  Update(plan, grid_rate, mlp_rate);
  return losses;
}

void StepTwin::Update(const StepPlan& plan, double grid_rate, double mlp_rate) {
  const twin::AdamNumbers numbers = {
      .rate = grid_rate, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-15, .step = step_};
  if (plan.sparse_adam) {
    twin::AdamSparse(grid_state_, numbers);
  } else {
    twin::AdamDense(grid_state_, numbers, plan.adam_chunk);
  }
  twin::AdamNumbers mlp_numbers = numbers;
  mlp_numbers.rate = mlp_rate;
  twin::AdamDense(density_.state, mlp_numbers, 0);
  twin::AdamDense(color_.state, mlp_numbers, 0);
}

at::Tensor StepTwin::MlpChange(bool color) const {
  const Network& network = color ? color_ : density_;
  return network.state.parameters - network.before;
}

}  // namespace semfield::bench
