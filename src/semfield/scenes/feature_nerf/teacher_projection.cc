#include "semfield/scenes/feature_nerf/teacher_projection.h"

#include "semfield/base/check.h"

namespace semfield {

TeacherProjection TeacherProjection::Fit(const std::string& teacher, const torch::Tensor& rows,
                                         int64_t channels) {
  const torch::NoGradGuard no_gradient;
  SF_CHECK(rows.size(1) >= channels);
  TeacherProjection projection{.teacher = teacher};
  projection.mean = rows.mean(0);
  const torch::Tensor centered = (rows - projection.mean).to(torch::kDouble);
  const torch::Tensor covariance = torch::matmul(centered.t(), centered) / centered.size(0);
  const auto [values, vectors] = torch::linalg_eigh(covariance, "L");  // ascending
  torch::Tensor basis = vectors.slice(1, vectors.size(1) - channels).flip(1);
  basis = basis * (basis.sum(0, true) >= 0).to(torch::kDouble).mul(2).sub(1);
  const torch::Tensor kept = values.slice(0, values.size(0) - channels).clamp_min(0).sum();
  projection.basis = basis.to(torch::kFloat).contiguous();
  projection.scale =
      (static_cast<double>(channels) / kept.clamp_min(1e-12)).sqrt().to(torch::kFloat).reshape({1});
  return projection;
}

torch::Tensor TeacherProjection::Apply(const torch::Tensor& rows) const {
  return torch::matmul(rows - mean, basis) * scale;
}

std::vector<std::pair<std::string, torch::Tensor>> TeacherProjection::Tensors() const {
  return {{"projection.mean", mean}, {"projection.basis", basis}, {"projection.scale", scale}};
}

}  // namespace semfield
