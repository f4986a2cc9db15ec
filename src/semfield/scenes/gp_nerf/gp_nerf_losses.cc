#include "semfield/scenes/gp_nerf/gp_nerf_losses.h"

#include "semfield/scenes/gp_nerf/instance_loss.h"
#include "semfield/scenes/nn/rays.h"
#include "semfield/scenes/training/ray_losses.h"

namespace semfield {
namespace {

namespace F = torch::nn::functional;

constexpr int64_t kNearSamples = 2;  // N_p of Eq. 13
constexpr double kEpsilon = 1e-6;

torch::Tensor Cosine(const torch::Tensor& a, const torch::Tensor& b) {
  return F::cosine_similarity(a, b, F::CosineSimilarityFuncOptions().dim(-1).eps(kEpsilon));
}

// Mean over what is labelled; 0 where nothing is. logits: [N, classes, h, w], labels: [N, h, w], -1: none.
torch::Tensor CrossEntropy(const torch::Tensor& logits, const torch::Tensor& labels) {
  const auto sum = F::CrossEntropyFuncOptions().ignore_index(-1).reduction(torch::kSum);
  return F::cross_entropy(logits, labels, sum) / (labels >= 0).sum().clamp_min(1);
}

double ShareRight(const torch::Tensor& logits, const torch::Tensor& labels) {
  const torch::Tensor right = (logits.detach().argmax(1) == labels).to(torch::kFloat);
  return MeanWhere(right, labels >= 0).item<double>();
}

// What the head's answers cost, and the share of them that is right. logits: [N, K, h, w], labels: [N, h, w].
struct Answers {
  torch::Tensor loss;
  double right = 0;
};

Answers AnswersOf(const GpNerfOptions& options, const torch::Tensor& logits, const torch::Tensor& labels) {
  if (options.instances == 0) return {CrossEntropy(logits, labels), ShareRight(logits, labels)};
  Answers sum{torch::zeros({})};
  const auto count = static_cast<double>(logits.size(0));
  for (int64_t i = 0; i < logits.size(0); ++i) {
    const InstanceLosses one = InstanceLoss(logits.narrow(0, i, 1), labels.narrow(0, i, 1));
    sum.loss = sum.loss + one.loss / count;
    sum.right += one.right / count;
  }
  return sum;
}

// The target photo's own features at the rays, [R, D].
torch::Tensor OwnAt(const torch::Tensor& levels, const torch::Tensor& at) {
  return nn::SampleMaps(levels, at.unsqueeze(0)).squeeze(1);
}

GpRendered RenderBatch(const GpNerfOptions& options, const SceneBatch& batch, const GpViews& views,
                       GpNerfModel& model) {
  const int64_t rays = batch.true_rgb.size(0), fine = model->options().fine_samples;
  const torch::Tensor units =
      (torch::arange(fine, torch::kFloat).unsqueeze(0) + batch.fine_jitter) / static_cast<double>(fine);
  return model->Render(views, {.origins = batch.rays.origins,
                               .directions = batch.rays.directions,
                               .sides = batch.scene->sides(),
                               .jitter = batch.coarse_jitter.expand({rays, model->options().coarse_samples}),
                               .fine_units = units,
                               .block_features = options.gradient_block,
                               .freeze_attention = options.attention == "frozen"});
}

}  // namespace

torch::Tensor DistillLoss(const torch::Tensor& rendered, const torch::Tensor& own) {
  return (1 - Cosine(rendered, own)).mean();
}

torch::Tensor GuideLoss(const torch::Tensor& points, const torch::Tensor& own, const torch::Tensor& surface) {
  const torch::Tensor cosine = Cosine(points, own.unsqueeze(1));  // [R, S]
  const torch::Tensor index = torch::arange(points.size(1), torch::kLong).unsqueeze(0);
  const torch::Tensor near = (index - surface.unsqueeze(1)).abs() < kNearSamples;
  const torch::Tensor each = torch::where(near, 1 - cosine, torch::relu(cosine));
  return MeanWhere(each, (surface >= 0).unsqueeze(1).expand_as(each));
}

torch::Tensor SampleAt(const torch::Tensor& distances, const torch::Tensor& truth) {
  const torch::Tensor nearest = (distances - truth.unsqueeze(1)).abs().argmin(1);
  return torch::where(truth > 0, nearest, torch::full_like(nearest, -1));
}

torch::Tensor FusedMap(const torch::Tensor& map, const torch::Tensor& cells, const torch::Tensor& values) {
  return map.flatten(2).squeeze(0).index_copy(1, cells, values.t()).view(map.sizes());
}

GpLosses AddGradients(const GpNerfOptions& options, const SceneBatch& batch, GpNerfModel& model) {
  const int64_t num_views = batch.rgb.size(0);
  // The target's features by the same pass; they fill what is not rendered, and teach what is.
  const nn::PyramidMaps maps = model->Features(torch::cat({batch.rgb, batch.target_rgb}));
  const GpViews views{.cameras = batch.cameras,
                      .rgb = batch.rgb,
                      .fine = maps.fine.narrow(0, 0, num_views),
                      .levels = maps.levels.narrow(0, 0, num_views)};
  const torch::Tensor own = maps.levels.narrow(0, num_views, 1);
  const GpRendered rendered = RenderBatch(options, batch, views, model);

  GpLosses losses;
  const torch::Tensor error = (rendered.rgb - batch.true_rgb).square().mean();
  losses.mse = error.item<double>();
  losses.rgb = error + (rendered.coarse_rgb - batch.true_rgb).square().mean();

  const torch::Tensor fused = FusedMap(own, batch.cells, rendered.semantics);
  const torch::Tensor of_target = model->Perceive(fused);
  const torch::Tensor at_rays = of_target.flatten(2).squeeze(0).t().index_select(0, batch.cells);
  const Answers on_map = AnswersOf(options, of_target, batch.target_labels);
  // Of the rays as one row of pixels.
  const Answers on_rays =
      AnswersOf(options, at_rays.t().unsqueeze(0).unsqueeze(2), batch.true_class.view({1, 1, -1}));
  losses.semantic = options.semantic_on == "map" ? on_map.loss : on_rays.loss;
  losses.right = on_map.right;
  losses.right_rendered = on_rays.right;
  if (options.source_weight > 0) {
    const Answers on_sources = AnswersOf(options, model->Perceive(views.levels), batch.source_labels);
    losses.source = on_sources.loss;
    losses.right_source = on_sources.right;
  }

  const torch::Tensor teacher = OwnAt(options.gradient_block ? own.detach() : own, batch.at);
  losses.distill = DistillLoss(rendered.semantics, teacher);
  const torch::Tensor surface = options.guide == "truth" ? SampleAt(rendered.distances, batch.true_distance)
                                                         : rendered.weights.detach().argmax(1);
  losses.guide = GuideLoss(rendered.point_semantics, teacher, surface);
  const torch::Tensor known = batch.true_distance > 0;
  losses.ray_depth =
      DepthLoss(rendered.weights, rendered.distances, batch.true_distance, known) +
      DepthLoss(rendered.coarse_weights, rendered.coarse_distances, batch.true_distance, known);
  losses.total = options.rgb_weight * losses.rgb + options.semantic_weight * losses.semantic;
  // What has no weight costs no way back.
  const auto add = [&](double weight, const torch::Tensor& loss) {
    if (weight > 0) losses.total = losses.total + weight * loss;
  };
  add(options.source_weight, losses.source);
  add(options.distill_weight, losses.distill);
  add(options.guide_weight, losses.guide);
  add(options.ray_depth_weight, losses.ray_depth);
  losses.total.backward();
  return losses;
}

}  // namespace semfield
