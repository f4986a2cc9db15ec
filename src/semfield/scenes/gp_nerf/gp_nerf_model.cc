#include "semfield/scenes/gp_nerf/gp_nerf_model.h"

#include <algorithm>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/scenes/nn/rays.h"

namespace semfield {
namespace {

using torch::indexing::None;
using torch::indexing::Slice;

constexpr double kNear = 0.02;    // units in front of a camera where rays begin
constexpr int64_t kOctaves = 10;  // of the encoding of places and directions
constexpr float kLowest = -1e9f;

// Edges around samples: their middles, and the ends of the ray.
torch::Tensor EdgesOf(const torch::Tensor& distances, const torch::Tensor& near, const torch::Tensor& far) {
  const torch::Tensor middles =
      0.5 * (distances.index({Slice(), Slice(1, None)}) + distances.index({Slice(), Slice(None, -1)}));
  return torch::cat({near.unsqueeze(1), middles, far.unsqueeze(1)}, 1);
}

// Where half of the weight lies before.
torch::Tensor MedianOf(const torch::Tensor& weights, const torch::Tensor& distances) {
  const torch::Tensor passed = weights.cumsum(1) >= 0.5 * weights.sum(1, true);
  return distances.gather(1, passed.to(torch::kFloat).argmax(1, true)).squeeze(1);
}

}  // namespace

GpViews GpViews::Select(const std::vector<int64_t>& views) const {
  const torch::Tensor index = torch::tensor(views);
  const auto pick = [&](const torch::Tensor& t) { return t.defined() ? t.index_select(0, index) : t; };
  return {.cameras = {.intrinsics = pick(cameras.intrinsics),
                      .camera_from_world = pick(cameras.camera_from_world),
                      .centers = pick(cameras.centers)},
          .rgb = pick(rgb),
          .fine = pick(fine),
          .levels = pick(levels)};
}

GpNerfModelImpl::GpNerfModelImpl(const GpNerfModelOptions& options, int64_t num_classes)
    : options_(options), num_classes_(num_classes) {
  const int64_t d = options.width, said = options.feature_width + 3;
  if (d % options.heads != 0)
    throw InputError("--width {}: not a multiple of --heads {}", options.width, options.heads);
  nn::ResPyramidOptions trunk{
      .width = options.stage_width, .fine_width = options.feature_width, .level_width = options.level_width};
  if (options.trunk == "resnet34") trunk.blocks = {3, 4, 6};
  trunk_ = register_module("trunk", nn::ResPyramid(trunk));
  head_ = register_module("head", PerceptionHead(options.head, options.level_width, num_classes));
  embed_ = register_module("embed", nn::Mlp({said, d, d}));
  for (int64_t i = 0; i < options.depth; ++i) {
    const std::string at = std::to_string(i);
    over_views_.push_back(register_module("over_views" + at, nn::ViewTransformer(d)));
    on_rays_.push_back(register_module("on_rays" + at, nn::RayTransformer(d, options.heads)));
    if (i % 2 == 1) continue;
    with_place_.push_back(
        register_module("with_place" + at, torch::nn::Linear(d + 6 * (2 * kOctaves + 1), d)));
  }
  last_norm_ = register_module("last_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({d})));
  color_ = register_module("color", torch::nn::Linear(d, 3));
  const int64_t s = semantic_width();
  semantic_out_ = register_module("semantic_out", nn::Mlp({s, s, s}));
  // What the ray's MLP adds begins as nothing, so that rendered features are the photos' own at the start; so
  // does what the code of places adds, whose high frequencies would be noise for long.
  const torch::NoGradGuard no_gradient;
  for (torch::nn::Linear& layer : with_place_) {
    layer->weight.zero_();
    layer->weight.narrow(1, 0, d).copy_(torch::eye(d));
    layer->bias.zero_();
  }
  if (options.colors == "mixed") {
    color_->weight.zero_();
    color_->bias.zero_();
  }
  for (const auto& parameter : semantic_out_->named_parameters()) {
    if (parameter.key().rfind("2.", 0) == 0) parameter.value().zero_();
  }
}

nn::PyramidMaps GpNerfModelImpl::Features(const torch::Tensor& rgb) {
  return trunk_(rgb - 0.5);
}

torch::Tensor GpNerfModelImpl::Perceive(const torch::Tensor& semantics) {
  return head_(semantics);
}

GpNerfModelImpl::Tokens GpNerfModelImpl::TokensOf(const GpViews& views, const torch::Tensor& places,
                                                  const torch::Tensor& targets) {
  Tokens of{.seen = nn::Project(views.cameras, places)};
  of.rgb = nn::SampleMaps(views.rgb, of.seen.at);
  const torch::Tensor said = torch::cat({of.rgb, nn::SampleMaps(views.fine, of.seen.at)}, -1);
  of.views = {.features = embed_->forward(said),
              .difference = nn::RayDifference(places, targets, views.cameras.centers),
              .valid = of.seen.valid.t().contiguous()};
  const torch::Tensor seen = of.views.valid.unsqueeze(-1);
  of.queries = of.views.features.masked_fill(~seen, kLowest).amax(1).masked_fill(~seen.any(1), 0);
  return of;
}

GpNerfModelImpl::Passed GpNerfModelImpl::Pass(const GpViews& views, const GpRays& rays,
                                              const torch::Tensor& distances, bool semantics) {
  const int64_t num_rays = distances.size(0), count = distances.size(1);
  const torch::Tensor places =
      (rays.origins.unsqueeze(1) + distances.unsqueeze(-1) * rays.directions.unsqueeze(1)).view({-1, 3});
  const auto each = [&](const torch::Tensor& of_rays) {
    return of_rays.unsqueeze(1).expand({num_rays, count, of_rays.size(1)}).reshape({num_rays * count, -1});
  };
  const Tokens tokens = TokensOf(views, places, each(rays.origins));
  const torch::Tensor where = torch::cat(
      {nn::PositionalEncoding(places, kOctaves), each(nn::PositionalEncoding(rays.directions, kOctaves))}, 1);
  torch::Tensor q = tokens.queries;
  std::vector<nn::ViewAttended> over_views;
  std::vector<nn::RayAttended> on_rays;
  for (size_t i = 0; i < over_views_.size(); ++i) {
    over_views.push_back(over_views_[i](q, tokens.views));
    q = over_views.back().values;
    if (i % 2 == 0) q = with_place_[i / 2](torch::cat({q, where}, 1));
    on_rays.push_back(on_rays_[i](q.view({num_rays, count, -1})));
    q = on_rays.back().values.view({num_rays * count, -1});
  }
  Passed passed;
  passed.rgb = color_(last_norm_(q).view({num_rays, count, -1}).mean(1));
  passed.weights = on_rays.back().attention.mean({1, 2});
  if (options_.colors == "mixed") {
    const torch::Tensor mixed = (over_views.back().attention.mean(-1, true) * tokens.rgb).sum(1);
    passed.rgb = passed.rgb + nn::Composite(passed.weights, mixed.view({num_rays, count, 3}));
  }
  if (!semantics) return passed;
  const torch::Tensor levels = rays.block_features ? views.levels.detach() : views.levels;
  if (rays.freeze_attention) {
    for (nn::ViewAttended& layer : over_views) layer.attention = layer.attention.detach();
    for (nn::RayAttended& layer : on_rays) layer.attention = layer.attention.detach();
  }
  Aggregate(over_views, on_rays, nn::SampleMaps(levels, tokens.seen.at), &passed);
  return passed;
}

void GpNerfModelImpl::Aggregate(const std::vector<nn::ViewAttended>& over_views,
                                const std::vector<nn::RayAttended>& on_rays, const torch::Tensor& said,
                                Passed* passed) {
  const int64_t num_rays = on_rays.back().attention.size(0), count = on_rays.back().attention.size(3);
  const int64_t channels = said.size(2);
  torch::Tensor of_rays;
  if (options_.aggregation == "paper") {
    const torch::Tensor of_views = over_views.back().attention.mean(-1, true);             // [P, V, 1]
    passed->point_semantics = (of_views * said).sum(1).view({num_rays, count, channels});  // Eq. 5
    of_rays = nn::Composite(on_rays.back().attention.mean({1, 2}), passed->point_semantics);
  } else {
    // The code: the attention of every channel, repeated over the more numerous ones of F_sem; of every head,
    // a share of them; summed over the layers.
    const int64_t d = options_.width, heads = options_.heads;
    const int64_t times = (channels + d - 1) / d;
    for (size_t i = 0; i < over_views.size(); ++i) {
      const torch::Tensor of_views = over_views[i].attention.repeat({1, 1, times}).narrow(2, 0, channels);
      const torch::Tensor points = (of_views * said).sum(1).view({num_rays, count, channels});
      const torch::Tensor rows = on_rays[i].attention.mean(2).transpose(1, 2);  // [R, S, heads]
      const torch::Tensor weights = rows.repeat_interleave((channels + heads - 1) / heads, 2);
      const torch::Tensor sum = (weights.narrow(2, 0, channels) * points).sum(1);
      of_rays = of_rays.defined() ? of_rays + sum : sum;
      passed->point_semantics = passed->point_semantics.defined() ? passed->point_semantics + points : points;
    }
  }
  passed->semantics = of_rays + semantic_out_->forward(of_rays);  // Eq. 7
}

GpRendered GpNerfModelImpl::Render(const GpViews& views, const GpRays& rays) {
  const torch::Tensor box = torch::tensor({rays.sides[0], rays.sides[1], rays.sides[2]});
  const torch::Tensor far = nn::LeaveBox(box, rays.origins, rays.directions).clamp_min(2 * kNear);
  const torch::Tensor near = torch::full_like(far, kNear);
  const int64_t num_rays = rays.origins.size(0), fine = options_.fine_samples;
  const auto place = options_.samples == "even" ? nn::EvenSamples : nn::InverseDepthSamples;
  GpRendered out;
  out.coarse_distances = place(near, far, options_.coarse_samples, rays.jitter);
  const Passed coarse = Pass(views, rays, out.coarse_distances, /*semantics=*/false);
  out.coarse_rgb = coarse.rgb;
  out.coarse_weights = coarse.weights;
  const torch::Tensor units = rays.fine_units.defined() ? rays.fine_units : nn::EvenUnits(num_rays, fine);
  const torch::Tensor added =
      nn::PdfSamples(EdgesOf(out.coarse_distances, near, far), coarse.weights.detach(), units);
  out.distances = std::get<0>(torch::cat({out.coarse_distances, added}, 1).sort(1));
  const Passed all = Pass(views, rays, out.distances, rays.semantics);
  out.rgb = all.rgb;
  out.weights = all.weights;
  out.semantics = all.semantics;
  out.point_semantics = all.point_semantics;
  out.depth = MedianOf(out.weights.detach(), out.distances);
  return out;
}

torch::Tensor GpNerfModelImpl::ViewWeights(const GpViews& views, const torch::Tensor& places,
                                           const torch::Tensor& targets) {
  const Tokens tokens = TokensOf(views, places, targets);
  return over_views_.front()(tokens.queries, tokens.views).attention.mean(-1);
}

std::vector<std::pair<std::string, torch::Tensor>> GpNerfModelImpl::Parameters(bool transformers) const {
  std::vector<std::pair<std::string, torch::Tensor>> parameters;
  for (const auto& item : named_parameters()) {
    const bool feature = item.key().rfind("trunk.", 0) == 0 || item.key().rfind("head.", 0) == 0;
    if (feature != transformers) parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

std::vector<std::pair<std::string, torch::Tensor>> GpNerfModelImpl::FeatureParameters() const {
  return Parameters(/*transformers=*/false);
}

std::vector<std::pair<std::string, torch::Tensor>> GpNerfModelImpl::TransformerParameters() const {
  return Parameters(/*transformers=*/true);
}

}  // namespace semfield
