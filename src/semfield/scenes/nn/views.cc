#include "semfield/scenes/nn/views.h"

namespace semfield::nn {
namespace {

namespace F = torch::nn::functional;

constexpr float kNearest = 1e-4f;  // depth in front of a camera from which on a point counts
constexpr float kNever = -1e9f;

F::GridSampleFuncOptions Between(bool border) {
  F::GridSampleFuncOptions options = F::GridSampleFuncOptions().mode(torch::kBilinear).align_corners(false);
  return border ? options.padding_mode(torch::kBorder) : options.padding_mode(torch::kZeros);
}

torch::Tensor Unit(const torch::Tensor& v) {
  return v / v.norm(2, -1, true).clamp_min(1e-9);
}

}  // namespace

Projection Project(const ViewCameras& cameras, const torch::Tensor& points) {
  using torch::indexing::Slice;
  const torch::Tensor rotation = cameras.camera_from_world.index({Slice(), Slice(), Slice(0, 3)});
  const torch::Tensor shift = cameras.camera_from_world.index({Slice(), Slice(), 3});
  const torch::Tensor in_camera =
      torch::matmul(points.unsqueeze(0), rotation.transpose(1, 2)) + shift.unsqueeze(1);  // [V, P, 3]
  const torch::Tensor depth = in_camera.index({"...", 2});
  const torch::Tensor before = depth > kNearest;
  const torch::Tensor divisor = torch::where(before, depth, torch::ones_like(depth)).unsqueeze(-1);
  const torch::Tensor focal = cameras.intrinsics.index({Slice(), Slice(0, 2)}).unsqueeze(1);
  const torch::Tensor middle = cameras.intrinsics.index({Slice(), Slice(2, 4)}).unsqueeze(1);
  const torch::Tensor at = in_camera.index({"...", Slice(0, 2)}) / divisor * focal + middle;
  const torch::Tensor inside = ((at >= 0) & (at <= 1)).all(-1);
  return {.at = at, .depth = depth, .valid = before & inside};
}

torch::Tensor SampleMaps(const torch::Tensor& maps, const torch::Tensor& at) {
  const torch::Tensor grid = (2 * at.clamp(-1, 2) - 1).unsqueeze(1);  // [V, 1, P, 2]
  return F::grid_sample(maps, grid, Between(true)).squeeze(2).permute({2, 0, 1});
}

torch::Tensor SampleVolume(const torch::Tensor& volume, const torch::Tensor& unit) {
  const torch::Tensor grid = (2 * unit - 1).view({1, 1, 1, -1, 3});
  return F::grid_sample(volume, grid, Between(false)).view({volume.size(1), -1}).t();
}

Statistics OverViews(const torch::Tensor& values, const torch::Tensor& valid) {
  const torch::Tensor weight = valid.to(values.dtype()).unsqueeze(-1);  // [P, V, 1]
  const torch::Tensor count = weight.sum(1, true).clamp_min(1);
  const torch::Tensor mean = (values * weight).sum(1, true) / count;
  const torch::Tensor variance = ((values - mean).square() * weight).sum(1, true) / count;
  return {.mean = mean, .variance = variance};
}

torch::Tensor RayDifference(const torch::Tensor& points, const torch::Tensor& targets,
                            const torch::Tensor& sources) {
  const torch::Tensor a = Unit(targets - points).unsqueeze(1);               // [P, 1, 3]
  const torch::Tensor b = Unit(sources.unsqueeze(0) - points.unsqueeze(1));  // [P, V, 3]
  const torch::Tensor difference = a - b;
  const torch::Tensor unit = difference / difference.norm(2, -1, true).clamp_min(1e-6);
  return torch::cat({unit, (a * b).sum(-1, true)}, -1);
}

torch::Tensor SoftmaxOverViews(const torch::Tensor& scores, const torch::Tensor& valid) {
  return torch::softmax(scores.masked_fill(~valid, kNever), 1) * valid.to(scores.dtype());
}

}  // namespace semfield::nn
