#include "semfield/scenes/gnesf/gnesf_model.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/error.h"
#include "semfield/base/memory.h"

namespace semfield {
namespace {

using torch::indexing::None;
using torch::indexing::Slice;

constexpr double kNear = 0.02;         // units in front of a camera where rays begin
constexpr int64_t kDepthWidth = 40;    // of the depths that sources see
constexpr double kBehindScale = 0.05;  // units
constexpr float kLeastProbability = 1e-5f;
constexpr double kCoarseBeyond = 1.5;    // cells; coarse samples lie a cell apart
constexpr int64_t kSamplesOfSight = 16;  // between a source and a place

int64_t Cells(double side, int volume_side) {
  return std::max<int64_t>(4, 4 * static_cast<int64_t>(std::ceil(side * volume_side / 4 - 1e-6)));
}

// What the cells of a volume hold while it is made: what every view says of them, its statistics, and the
// maps of the 3D U-Net.
void CheckVolumeFits(const std::array<int64_t, 3>& cells, int64_t num_views, const GnesfModelOptions& of) {
  const int64_t said = of.feature_width + 3;
  const double bytes = 4.0 * static_cast<double>(cells[0] * cells[1] * cells[2]) *
                       static_cast<double>(3 * num_views * said + 4 * (2 * said + 1) + 16 * of.feature_width);
  const auto free = static_cast<double>(AvailableMemory().bytes);
  if (bytes <= free) return;
  const int fits = static_cast<int>(of.volume_side * std::cbrt(free / bytes)) / 4 * 4;
  throw ResourceError(
      "the geometry volume of {} x {} x {} cells needs {:.1f} GiB, and {:.1f} GiB are free: --volume-side {} "
      "would fit, in a training of its own",
      cells[0], cells[1], cells[2], bytes / (1 << 30), free / (1 << 30), std::max(8, fits));
}

}  // namespace

EncodedViews EncodedViews::Select(const std::vector<int64_t>& views) const {
  const torch::Tensor index = torch::tensor(views);
  const auto pick = [&](const torch::Tensor& t) { return t.defined() ? t.index_select(0, index) : t; };
  EncodedViews some = *this;
  some.cameras = {.intrinsics = pick(cameras.intrinsics),
                  .camera_from_world = pick(cameras.camera_from_world),
                  .centers = pick(cameras.centers)};
  some.rgb = pick(rgb);
  some.features = pick(features);
  some.classes = pick(classes);
  some.depth = pick(depth);
  return some;
}

GnesfModelImpl::GnesfModelImpl(const GnesfModelOptions& options, int64_t classes) : options_(options) {
  const int64_t d = options.feature_width, said = d + 3;
  image_net_ = register_module("image_net", nn::ResUNet(d, d));
  volume_net_ = register_module("volume_net", nn::UNet3d(2 * said + 1, d, d));
  coarse_head_ = register_module("coarse_head", nn::Mlp({d, 32, 1}));
  const int64_t pooled = options.geometry == "volume"  ? d
                         : options.geometry == "views" ? 2 * said
                                                       : d + 2 * said;
  density_head_ = register_module("density_head", nn::Mlp({pooled, 32, 32, 1}));
  view_head_ = register_module("view_head", nn::Mlp({3 * said, 48, 32}));
  const int64_t known = 32 + d + 2;  // F', M, and how far behind the surface
  vote_head_ = register_module("vote_head", nn::Mlp({known + 3, 32, 16, 1}));
  color_head_ = register_module("color_head", nn::Mlp({known + 4, 32, 16, 1}));
  if (options.vote != "head") return;
  SF_CHECK_GE(classes, 1);
  class_head_ = register_module("class_head", nn::Mlp({d + 2 * said, 64, 64, classes}));
}

torch::Tensor GnesfModelImpl::Features(const torch::Tensor& rgb) {
  return image_net_(rgb - 0.5);
}

void GnesfModelImpl::BuildVolume(const std::array<float, 3>& sides, EncodedViews* views) {
  std::array<int64_t, 3> cells{};
  for (int k = 0; k < 3; ++k) cells[k] = Cells(sides[k], options_.volume_side);
  CheckVolumeFits(cells, views->rgb.size(0), options_);
  const double cell = 1.0 / options_.volume_side;
  views->box = torch::tensor({static_cast<float>(cells[0] * cell), static_cast<float>(cells[1] * cell),
                              static_cast<float>(cells[2] * cell)});
  const auto axis = [&](int k) { return (torch::arange(cells[k], torch::kFloat) + 0.5) * cell; };
  const std::vector<torch::Tensor> grid = torch::meshgrid({axis(2), axis(1), axis(0)}, "ij");
  const torch::Tensor places =
      torch::stack({grid[2].flatten(), grid[1].flatten(), grid[0].flatten()}, 1);  // z outermost
  const nn::Projection seen = nn::Project(views->cameras, places);
  const torch::Tensor said =
      torch::cat({nn::SampleMaps(views->rgb, seen.at), nn::SampleMaps(views->features, seen.at)}, -1);
  const torch::Tensor valid = seen.valid.t();
  const nn::Statistics of = nn::OverViews(said, valid);
  const torch::Tensor share = valid.to(torch::kFloat).mean(1, true);
  const torch::Tensor all = torch::cat({of.mean.squeeze(1), of.variance.squeeze(1), share}, 1);
  views->volume = volume_net_(all.t().reshape({1, all.size(1), cells[2], cells[1], cells[0]}));
}

torch::Tensor GnesfModelImpl::Unit(const EncodedViews& views, const torch::Tensor& places) const {
  return places / views.box.unsqueeze(0);
}

torch::Tensor GnesfModelImpl::GeometryOf(const torch::Tensor& raw) const {
  // Little density, and the outside, at the start.
  return is_signed() ? options_.margin() * torch::tanh(raw + 0.5) : torch::softplus(raw - 2.0);
}

torch::Tensor GnesfModelImpl::WeightsOf(const torch::Tensor& geometry, const torch::Tensor& distances,
                                        double beyond) const {
  return is_signed() ? nn::SurfaceWeights(geometry, distances, truncation(), beyond)
                     : nn::OpacityWeights(geometry);
}

torch::Tensor GnesfModelImpl::DensityOf(const torch::Tensor& geometry) const {
  // Eq. 7's density is of a sample, and a fine sample covers about one cell of the scene's units; a signed
  // distance is as dense inside as lets half of the light pass in a truncation.
  return is_signed() ? torch::sigmoid(-geometry / truncation()) * (std::log(2.0) / truncation()) : geometry;
}

torch::Tensor GnesfModelImpl::CoarseGeometry(const EncodedViews& views, const torch::Tensor& places) {
  return GeometryOf(coarse_head_->forward(nn::SampleVolume(views.volume, Unit(views, places))).squeeze(1));
}

GnesfModelImpl::Coarse GnesfModelImpl::March(const EncodedViews& views, const RayBundle& rays) {
  const int64_t count = options_.coarse_samples, num_rays = rays.origins.size(0);
  const torch::Tensor far = nn::LeaveBox(views.box, rays.origins, rays.directions).clamp_min(2 * kNear);
  const torch::Tensor near = torch::full_like(far, kNear);
  const auto place = options_.samples == "even" ? nn::EvenSamples : nn::InverseDepthSamples;
  Coarse coarse;
  coarse.distances = place(near, far, count, rays.jitter);
  const torch::Tensor middles = 0.5 * (coarse.distances.index({Slice(), Slice(1, None)}) +
                                       coarse.distances.index({Slice(), Slice(None, -1)}));
  coarse.edges = torch::cat({near.unsqueeze(1), middles, far.unsqueeze(1)}, 1);
  const torch::Tensor places =
      rays.origins.unsqueeze(1) + coarse.distances.unsqueeze(-1) * rays.directions.unsqueeze(1);
  const torch::Tensor flat = places.view({-1, 3});
  coarse.geometry =
      (views.cell_raw.defined() ? GeometryOf(nn::SampleVolume(views.cell_raw, Unit(views, flat)).squeeze(1))
                                : CoarseGeometry(views, flat))
          .view({num_rays, count});
  coarse.weights = WeightsOf(coarse.geometry, coarse.distances, kCoarseBeyond / options_.volume_side);
  return coarse;
}

void GnesfModelImpl::SeeSurfaces(EncodedViews* views) {
  if (options_.visibility == "none") return;
  const torch::NoGradGuard no_gradient;
  // Of the cells once, and between them at the samples, which are many.
  const std::vector<int64_t> sides = views->volume.sizes().slice(2).vec();
  views->cell_raw = coarse_head_->forward(views->volume.flatten(2).squeeze(0).t())
                        .view({1, 1, sides[0], sides[1], sides[2]});
  if (options_.visibility == "signs") views->cell_sdf = GeometryOf(views->cell_raw);
  if (options_.visibility == "depth") SeeDepths(views);
  views->cell_raw = torch::Tensor();
}

torch::Tensor GnesfModelImpl::Voters(const EncodedViews& views, const torch::Tensor& places,
                                     const torch::Tensor& valid) const {
  if (!views.cell_sdf.defined()) return valid;
  const torch::NoGradGuard no_gradient;
  const torch::Tensor t =
      ((torch::arange(kSamplesOfSight, torch::kFloat) + 0.5) / static_cast<double>(kSamplesOfSight))
          .view({1, 1, -1, 1});
  const torch::Tensor from = views.cameras.centers.view({1, -1, 1, 3});
  const torch::Tensor way = from + t * (places.view({-1, 1, 1, 3}) - from);  // [P, V, S, 3]
  const torch::Tensor sdf =
      nn::SampleVolume(views.cell_sdf, Unit(views, way.view({-1, 3}))).view(way.sizes().slice(0, 3));
  const torch::Tensor seen = nn::SeenBySigns(sdf) & valid;
  return torch::where(seen.any(1, true), seen, valid);  // where none sees it, all in whose picture it lies
}

void GnesfModelImpl::SeeDepths(EncodedViews* views) {
  const int64_t num_views = views->rgb.size(0);
  const int64_t width = kDepthWidth,
                height = std::max<int64_t>(1, kDepthWidth * views->rgb.size(2) / views->rgb.size(3));
  const torch::Tensor v = (torch::arange(height, torch::kFloat) + 0.5) / static_cast<double>(height);
  const torch::Tensor u = (torch::arange(width, torch::kFloat) + 0.5) / static_cast<double>(width);
  const std::vector<torch::Tensor> grid = torch::meshgrid({v, u}, "ij");
  const torch::Tensor at = torch::stack({grid[1].flatten(), grid[0].flatten()}, 1);  // [pixels, 2]
  std::vector<torch::Tensor> depths;
  for (int64_t i = 0; i < num_views; ++i) {
    const torch::Tensor k = views->cameras.intrinsics[i];
    const torch::Tensor flat = (at - k.index({Slice(2, 4)})) / k.index({Slice(0, 2)});
    const torch::Tensor in_camera = torch::cat({flat, torch::ones({flat.size(0), 1})}, 1);
    const torch::Tensor length = in_camera.norm(2, 1, true);
    const torch::Tensor rotation = views->cameras.camera_from_world[i].index({Slice(), Slice(0, 3)});
    const RayBundle rays{.origins = views->cameras.centers[i].unsqueeze(0).expand({flat.size(0), 3}),
                         .directions = torch::matmul(in_camera / length, rotation)};
    const Coarse coarse = March(*views, rays);
    const torch::Tensor total = coarse.weights.sum(1);
    const torch::Tensor distance = (coarse.weights * coarse.distances).sum(1) / total.clamp_min(1e-6);
    depths.push_back((distance / length.squeeze(1)).view({1, height, width}));
  }
  views->depth = torch::stack(depths);
}

GnesfModelImpl::Aggregated GnesfModelImpl::Aggregate(const EncodedViews& views, const torch::Tensor& places,
                                                     bool with_views) {
  const nn::Projection seen = nn::Project(views.cameras, places);
  const int64_t num_views = views.rgb.size(0);
  Aggregated of{.valid = seen.valid.t(), .at = seen.at, .rgb = nn::SampleMaps(views.rgb, seen.at)};
  const torch::Tensor said = torch::cat({of.rgb, nn::SampleMaps(views.features, seen.at)}, -1);
  const nn::Statistics all = nn::OverViews(said, of.valid);
  const torch::Tensor encoding = nn::SampleVolume(views.volume, Unit(views, places));
  const torch::Tensor pooled = torch::cat({all.mean.squeeze(1), all.variance.squeeze(1)}, 1);
  of.pooled = options_.geometry == "volume"  ? encoding
              : options_.geometry == "views" ? pooled
                                             : torch::cat({encoding, pooled}, 1);
  if (!with_views) return of;
  of.described = torch::cat({encoding, pooled}, 1);
  const auto each = [&](const torch::Tensor& t) { return t.expand({-1, num_views, -1}); };
  const torch::Tensor own = view_head_->forward(torch::cat({said, each(all.mean), each(all.variance)}, -1));
  torch::Tensor behind = torch::zeros({places.size(0), num_views, 1}), beside = behind;
  if (options_.visibility == "depth") {
    const torch::Tensor surface = nn::SampleMaps(views.depth, seen.at);
    const torch::Tensor gap = (seen.depth.t().unsqueeze(-1) - surface) / kBehindScale;
    behind = torch::tanh(gap.detach());
    beside = torch::tanh(0.25 * gap.detach());
  }
  of.per_view = torch::cat({own, each(encoding.unsqueeze(1)), behind, beside}, -1);
  return of;
}

QueriedPlaces GnesfModelImpl::Query(const EncodedViews& views, const torch::Tensor& places,
                                    const torch::Tensor& targets, const QueryOptions& options) {
  const Aggregated of = Aggregate(views, places, options.shown);
  QueriedPlaces says;
  says.geometry = GeometryOf(density_head_->forward(of.pooled).squeeze(1));
  if (!options.shown) return says;
  const torch::Tensor difference = nn::RayDifference(places, targets, views.cameras.centers);
  const torch::Tensor colors = nn::SoftmaxOverViews(
      color_head_->forward(torch::cat({of.per_view, difference}, -1)).squeeze(-1), of.valid);
  says.rgb = (colors.unsqueeze(-1) * of.rgb).sum(1);
  torch::Tensor votes = colors;
  if (options_.vote == "own") {
    // Eq. 3: nothing in it knows the target.
    const torch::Tensor displacement = places.unsqueeze(1) - views.cameras.centers.unsqueeze(0);
    votes = nn::SoftmaxOverViews(vote_head_->forward(torch::cat({of.per_view, displacement}, -1)).squeeze(-1),
                                 Voters(views, places, of.valid));
  }
  if (!views.classes.defined()) return says;
  const torch::Tensor any_sees = of.valid.any(1, true).to(torch::kFloat);
  if (options_.vote == "head") {
    says.classes = torch::softmax(class_head_->forward(of.described), 1) * any_sees;
    return says;
  }
  torch::Tensor sources = nn::SampleMaps(views.classes, of.at);
  if (options_.vote_on == "logit") sources = sources.clamp_min(kLeastProbability).log();
  says.classes = (votes.unsqueeze(-1) * sources).sum(1);  // Eq. 4
  if (options_.vote_on == "logit") {
    says.classes = torch::softmax(says.classes, 1) * any_sees;
  }
  return says;
}

RenderedRays GnesfModelImpl::Render(const EncodedViews& views, const RayBundle& rays) {
  const Coarse coarse = March(views, rays);
  const int64_t num_rays = rays.origins.size(0), count = options_.fine_samples;
  const torch::Tensor units = rays.fine_units.defined() ? rays.fine_units : nn::EvenUnits(num_rays, count);
  RenderedRays out;
  out.coarse_weights = coarse.weights;
  out.coarse_distances = coarse.distances;
  out.coarse_geometry = coarse.geometry;
  out.distances = nn::PdfSamples(coarse.edges, coarse.weights, units);
  const torch::Tensor places =
      (rays.origins.unsqueeze(1) + out.distances.unsqueeze(-1) * rays.directions.unsqueeze(1)).view({-1, 3});
  const torch::Tensor targets = rays.origins.unsqueeze(1).expand({num_rays, count, 3}).reshape({-1, 3});
  const QueriedPlaces says = Query(views, places, targets, {.shown = rays.shown});
  out.geometry = says.geometry.view({num_rays, count});
  out.weights = WeightsOf(out.geometry, out.distances, /*beyond=*/0);
  if (says.rgb.defined()) out.rgb = nn::Composite(out.weights, says.rgb.view({num_rays, count, 3}));
  if (says.classes.defined())
    out.classes = nn::Composite(out.weights, says.classes.view({num_rays, count, -1}));
  out.depth = (out.weights * out.distances).sum(1) / out.weights.sum(1).clamp_min(1e-6);
  return out;
}

std::vector<std::pair<std::string, torch::Tensor>> GnesfModelImpl::FeatureParameters() const {
  std::vector<std::pair<std::string, torch::Tensor>> parameters;
  for (const auto& item : named_parameters()) {
    if (item.key().rfind("image_net", 0) == 0 || item.key().rfind("volume_net", 0) == 0)
      parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

std::vector<std::pair<std::string, torch::Tensor>> GnesfModelImpl::HeadParameters() const {
  std::vector<std::pair<std::string, torch::Tensor>> parameters;
  for (const auto& item : named_parameters()) {
    if (item.key().rfind("image_net", 0) != 0 && item.key().rfind("volume_net", 0) != 0)
      parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

}  // namespace semfield
