#include "semfield/scenes/feature_nerf/feature_nerf_model.h"

#include <cmath>

#include "semfield/base/check.h"
#include "semfield/scenes/nn/rays.h"
#include "semfield/scenes/nn/sample_rows.h"

namespace semfield {
namespace {

constexpr int64_t kFrequencies = 6, kEncoded = 3 + 6 * kFrequencies;
constexpr double kBase = 1.5;
constexpr int64_t kBlocks = 5, kLatents = 3;
constexpr double kDepthSpread = 0.01;  // of the samples around the expected depth
constexpr double kDensityUnit = 25;    // density of a raw value of 1: opaque within a few hundredths
constexpr double kDensityShift = -2;   // so that an untrained field is thin
constexpr double kRadius = 0.5;        // of the ball that holds an object whose diagonal is 1
constexpr double kLeastRange = 1e-3;

nn::ResNetSizes SizesOf(const std::string& encoder) {
  if (encoder == "resnet34") return {.widths = {64, 64, 128, 256}, .blocks = {3, 4, 6}};
  return {.widths = {32, 48, 96, 128}, .blocks = {1, 1, 2}};
}

}  // namespace

torch::Tensor EncodePlaces(const torch::Tensor& places) {
  std::vector<torch::Tensor> parts = {places};
  for (int64_t k = 0; k < kFrequencies; ++k) {
    const torch::Tensor turned = places * (kBase * std::pow(2.0, static_cast<double>(k)));
    parts.push_back(turned.sin());
    parts.push_back(turned.cos());
  }
  return torch::cat(parts, -1);
}

torch::Tensor LengthWeights(const torch::Tensor& sigma, const torch::Tensor& distances,
                            const torch::Tensor& far) {
  const torch::Tensor ends = torch::cat({distances.slice(1, 1), far.unsqueeze(1)}, 1);
  return nn::OpacityWeights(sigma * (ends - distances).clamp_min(0));
}

FeatureNerfModelImpl::FeatureNerfModelImpl(const FeatureNerfModelOptions& options, int64_t categories)
    : options_(options) {
  const int64_t width = options.width;
  const int64_t direction = options.direction == "input" ? 3 : 0;
  const int64_t at_heads = 3 - direction;
  encoder_ = register_module("encoder", nn::ResNetPyramid(4, SeesTeacher() ? options.teacher_channels : 0,
                                                          SizesOf(options.encoder), options.latent_stride));
  latent_ = register_module("latent", torch::nn::Linear(encoder_->channels(), kLatents * width));
  input_ = register_module("input", torch::nn::Linear(kEncoded + direction, width));
  category_ = register_module("category", torch::nn::Embedding(categories, width));
  for (int64_t i = 0; i < kBlocks; ++i) {
    first_.push_back(
        register_module("block" + std::to_string(i) + "_first", torch::nn::Linear(width, width)));
    second_.push_back(
        register_module("block" + std::to_string(i) + "_second", torch::nn::Linear(width, width)));
    torch::nn::init::zeros_(second_.back()->weight);
    torch::nn::init::zeros_(second_.back()->bias);
  }
  density_ = register_module("density", torch::nn::Linear(width, 1));
  color_ = register_module("color", torch::nn::Linear(width + at_heads, 3));
  coordinate_ = register_module("coordinate", torch::nn::Linear(width, 3));
  if (options.teacher_channels > 0)
    teacher_ = register_module("teacher", torch::nn::Linear(width + at_heads, options.teacher_channels));
  const torch::NoGradGuard no_gradient;
  category_->weight.mul_(0.1);
}

EncodedObjects FeatureNerfModelImpl::Encode(const ObjectPictures& pictures) {
  const torch::Tensor maps =
      encoder_(pictures.rgba * 2 - 1, SeesTeacher() ? pictures.teacher : torch::Tensor());
  // A linear layer and a bilinear sample may change places: the layer sees the map's pixels, which are fewer.
  return {.latents = latent_(maps.permute({0, 2, 3, 1}).contiguous()),
          .intrinsics = pictures.intrinsics,
          .offsets = pictures.offsets,
          .categories = pictures.categories};
}

torch::Tensor PlacesInPictures(const EncodedObjects& objects, const torch::Tensor& places) {
  const torch::Tensor seen = places + objects.offsets.unsqueeze(1);
  const torch::Tensor depth = seen.select(2, 2).clamp_min(1e-6);
  const torch::Tensor k = objects.intrinsics.unsqueeze(1);
  return torch::stack({seen.select(2, 0) / depth * k.select(2, 0) + k.select(2, 2),
                       seen.select(2, 1) / depth * k.select(2, 1) + k.select(2, 3)},
                      2);
}

torch::Tensor FeatureNerfModelImpl::Trunk(const EncodedObjects& objects, const torch::Tensor& places,
                                          const torch::Tensor& directions) {
  const int64_t width = options_.width;
  torch::Tensor at, encoded;
  {
    const torch::NoGradGuard no_gradient;  // places are given
    at = PlacesInPictures(objects, places);
    encoded = EncodePlaces(places);
    if (options_.direction == "input") encoded = torch::cat({encoded, directions}, 2);
  }
  const std::vector<torch::Tensor> latents =
      nn::SampleRows(objects.latents, at).reshape({-1, kLatents * width}).chunk(kLatents, 1);
  torch::Tensor x = input_(encoded) + category_(objects.categories).unsqueeze(1);
  x = x.reshape({-1, width});
  for (int64_t i = 0; i < kBlocks; ++i) {
    if (i < kLatents) x = x + latents[i];
    x = x + second_[i](torch::relu(first_[i](torch::relu(x))));
  }
  return torch::relu(x);
}

FieldAnswer FeatureNerfModelImpl::Query(const EncodedObjects& objects, const torch::Tensor& places,
                                        const torch::Tensor& directions) {
  FieldAnswer answer;
  answer.internal = Trunk(objects, places, directions);
  answer.sigma = kDensityUnit * torch::softplus(density_(answer.internal).squeeze(1) + kDensityShift);
  const torch::Tensor with_direction = options_.direction == "heads"
                                           ? torch::cat({answer.internal, directions.reshape({-1, 3})}, 1)
                                           : answer.internal;
  answer.rgb = torch::sigmoid(color_(with_direction));
  answer.coordinate = coordinate_(answer.internal);
  return answer;
}

torch::Tensor FeatureNerfModelImpl::TeacherOf(const torch::Tensor& internal, const torch::Tensor& opacity,
                                              const torch::Tensor& directions) {
  SF_CHECK(options_.teacher_channels > 0);
  const torch::Tensor weight = teacher_->weight;
  torch::Tensor beside = teacher_->bias.unsqueeze(0);
  if (options_.direction == "heads")
    beside = beside + torch::matmul(directions, weight.slice(1, options_.width).t());
  return torch::matmul(internal, weight.slice(1, 0, options_.width).t()) + opacity.unsqueeze(1) * beside;
}

FeatureNerfModelImpl::Range FeatureNerfModelImpl::RangeOf(const ObjectRays& rays) const {
  const torch::Tensor origins = rays.origins.reshape({-1, 3}), directions = rays.directions.reshape({-1, 3});
  torch::Tensor near = torch::full({origins.size(0)}, options_.near);
  torch::Tensor far = torch::full({origins.size(0)}, options_.far);
  if (options_.range == "ball") {
    const torch::Tensor along = -(origins * directions).sum(1);
    const torch::Tensor apart = origins.square().sum(1) - along.square();
    const torch::Tensor half = (kRadius * kRadius - apart).clamp_min(0).sqrt();
    near = (along - half).clamp_min(1e-3);
    far = torch::maximum(along + half, near + kLeastRange);
  }
  return {near, far};
}

torch::Tensor FeatureNerfModelImpl::MoreDistances(const ObjectRays& rays, const Range& range,
                                                  const torch::Tensor& first,
                                                  const torch::Tensor& first_weights) const {
  const torch::NoGradGuard no_gradient;
  const int64_t all = first.size(0), fine = options_.fine_samples, around = options_.depth_samples;
  const torch::Tensor near = range.near.unsqueeze(1), far = range.far.unsqueeze(1);
  const torch::Tensor middles = 0.5 * (first.slice(1, 1) + first.slice(1, 0, first.size(1) - 1));
  const torch::Tensor edges = torch::cat({near, middles, far}, 1);
  const torch::Tensor units = rays.fine_units.defined() ? rays.fine_units : nn::EvenUnits(all, fine);
  const torch::Tensor weights = first_weights.detach();
  const torch::Tensor depth = (weights * first).sum(1, true) + (1 - weights.sum(1, true)) * far;
  const torch::Tensor normals = rays.depth_normals.defined()
                                    ? rays.depth_normals
                                    : torch::linspace(-2, 2, around).unsqueeze(0).expand({all, around});
  const torch::Tensor more =
      torch::cat({nn::PdfSamples(edges, weights, units), depth + kDepthSpread * normals}, 1);
  return torch::minimum(torch::maximum(more, near), far);
}

SeenRays FeatureNerfModelImpl::Render(const EncodedObjects& objects, const ObjectRays& rays,
                                      bool with_coarse) {
  const int64_t pictures = rays.origins.size(0), count = rays.origins.size(1), all = pictures * count;
  const Range range = RangeOf(rays);
  const torch::Tensor origins = rays.origins.reshape({all, 1, 3});
  const torch::Tensor directions = rays.directions.reshape({all, 1, 3});
  const auto ask = [&](const torch::Tensor& distances, torch::Tensor* places) {
    const int64_t samples = distances.size(1);
    *places = origins + distances.unsqueeze(2) * directions;
    return Query(objects, places->reshape({pictures, count * samples, 3}),
                 directions.expand({all, samples, 3}).reshape({pictures, count * samples, 3}));
  };
  const int64_t width = options_.width, even = options_.coarse_samples;
  SeenRays seen;
  const torch::Tensor first = nn::EvenSamples(range.near, range.far, even, rays.coarse_jitter);
  torch::Tensor first_places;
  const FieldAnswer coarse = ask(first, &first_places);
  seen.coarse_weights = LengthWeights(coarse.sigma.reshape({all, even}), first, range.far);

  const torch::Tensor more = MoreDistances(rays, range, first, seen.coarse_weights);
  torch::Tensor more_places;
  const FieldAnswer fine = ask(more, &more_places);
  const auto join = [&](const torch::Tensor& a, const torch::Tensor& b, int64_t channels) {
    return torch::cat({a.reshape({all, even, channels}), b.reshape({all, -1, channels})}, 1);
  };
  seen.distances = torch::cat({first, more}, 1);
  const torch::Tensor order = seen.distances.argsort(1, false);
  const torch::Tensor back = order.argsort(1, false);
  const torch::Tensor sigma = join(coarse.sigma, fine.sigma, 1).squeeze(2);
  // Sums do not ask for an order; only the weights do.
  seen.weights =
      LengthWeights(sigma.gather(1, order), seen.distances.gather(1, order), range.far).gather(1, back);
  const torch::Tensor first_weights = seen.weights.slice(1, 0, even),
                      more_weights = seen.weights.slice(1, even);
  const auto composite = [&](const torch::Tensor& a, const torch::Tensor& b, int64_t channels) {
    return nn::CompositeRows(first_weights, a.reshape({all, even, channels})) +
           nn::CompositeRows(more_weights, b.reshape({all, -1, channels}));
  };
  seen.internal = composite(coarse.internal, fine.internal, width);
  seen.rgb = composite(coarse.rgb, fine.rgb, 3);
  seen.opacity = seen.weights.sum(1);
  seen.depth = (seen.weights * seen.distances).sum(1) / seen.opacity.clamp_min(1e-4);
  seen.places = torch::cat({first_places, more_places}, 1);
  seen.coordinates = join(coarse.coordinate, fine.coordinate, 3);
  seen.coordinate = nn::CompositeRows(seen.weights, seen.coordinates);
  const torch::Tensor flat = rays.directions.reshape({all, 3});
  if (options_.teacher_channels > 0) seen.teacher = TeacherOf(seen.internal, seen.opacity, flat);
  if (!with_coarse) return seen;
  seen.coarse_rgb = nn::CompositeRows(seen.coarse_weights, coarse.rgb.reshape({all, even, 3}));
  if (options_.teacher_channels > 0) {
    seen.coarse_teacher =
        TeacherOf(nn::CompositeRows(seen.coarse_weights, coarse.internal.reshape({all, even, width})),
                  seen.coarse_weights.sum(1), flat);
  }
  return seen;
}

std::vector<std::pair<std::string, torch::Tensor>> FeatureNerfModelImpl::NamedParameters() const {
  std::vector<std::pair<std::string, torch::Tensor>> parameters;
  for (const auto& item : named_parameters()) parameters.emplace_back(item.key(), item.value());
  return parameters;
}

}  // namespace semfield
