#include "semfield/surface/surface_field.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

constexpr int64_t kChunkRays = 1024;
constexpr size_t kRaysAtOnce = 16384;  // of a picture: memory that is used again stays in cache
// Where the field has less than this around a hit, the mesh is not where the field's surface is.
constexpr float kLeastOpacity = 0.1f;

RayGaps SubsetOf(const RayGaps& gaps, std::span<const size_t> rays) {
  RayGaps subset;
  for (const size_t r : rays) {
    for (int32_t i = gaps.begin[r]; i < gaps.begin[r + 1]; ++i) {
      subset.from.push_back(gaps.from[i]);
      subset.to.push_back(gaps.to[i]);
    }
    subset.begin.push_back(static_cast<int32_t>(subset.from.size()));
  }
  return subset;
}

std::vector<Ray> Pick(std::span<const Ray> rays, std::span<const size_t> numbers) {
  std::vector<Ray> picked;
  picked.reserve(numbers.size());
  for (const size_t r : numbers) picked.push_back(rays[r]);
  return picked;
}

// values[number] of whole rays, `width` numbers each.
void Scatter(const std::vector<float>& from, std::span<const size_t> numbers, int width,
             std::vector<float>* to) {
  for (size_t i = 0; i < numbers.size() && !from.empty(); ++i)
    std::copy_n(from.data() + i * width, width, to->data() + numbers[i] * width);
}

}  // namespace

SurfaceField::SurfaceField(const RadianceField& field, const Mesh& mesh, const SurfaceFieldOptions& options)
    : field_(field), mesh_(mesh), rays_(mesh), options_(options) {
  SF_CHECK(options.color_samples >= 1 && options.color_samples <= 16);
  SF_CHECK_GT(options.spacing, 0);
}

std::vector<MeshRays::Hit> SurfaceField::Cast(std::span<const Ray> rays, const RayGaps* gaps) const {
  std::vector<MeshRays::Hit> hits(rays.size());
  ParallelChunks(static_cast<int64_t>(rays.size()), kChunkRays, [&](int64_t begin, int64_t end, int) {
    rays_.CastAll(rays.subspan(begin, end - begin), std::span(hits).subspan(begin, end - begin));
    for (int64_t r = begin; gaps != nullptr && r < end; ++r) {
      // Gaps are in order or not; each that holds the hit sends the ray on from its far end.
      for (int32_t i = gaps->begin[r]; i < gaps->begin[r + 1] && hits[r].face >= 0; ++i) {
        if (hits[r].distance < gaps->from[i] || hits[r].distance >= gaps->to[i]) continue;
        const Vec3f origin(rays[r].origin), direction(rays[r].direction);
        const auto behind = rays_.Cast(origin + gaps->to[i] * direction, direction);
        hits[r] = behind.value_or(MeshRays::Hit{});
        hits[r].distance += gaps->to[i];
        i = gaps->begin[r] - 1;
      }
    }
  });
  return hits;
}

RaySpots SurfaceField::SpotsOf(std::span<const MeshRays::Hit> hits) const {
  const int count = options_.color_samples;
  const auto spacing = static_cast<float>(options_.spacing);
  RaySpots spots;
  spots.begin.reserve(hits.size() + 1);
  spots.t.reserve(hits.size() * count);
  for (const MeshRays::Hit& hit : hits) {
    if (hit.face < 0) continue;
    for (int i = 0; i < count; ++i) {
      const float t = hit.distance + (static_cast<float>(i) - 0.5f * static_cast<float>(count - 1)) * spacing;
      if (t > 0) spots.t.push_back(t);
    }
    spots.begin.push_back(static_cast<int32_t>(spots.t.size()));
  }
  spots.dt.assign(spots.t.size(), spacing);
  return spots;
}

RaySamples SurfaceField::Marched(std::span<const Ray> rays, std::span<const size_t> numbers,
                                 const WeightRequest& request, const StopToken* stop) const {
  if (numbers.empty()) return {};
  WeightRequest some = request;
  RayGaps gaps;
  if (request.gaps != nullptr) gaps = SubsetOf(*request.gaps, numbers);
  some.gaps = request.gaps != nullptr ? &gaps : nullptr;
  return field_.Weights(Pick(rays, numbers), some, stop);
}

RaySamples SurfaceField::Weights(std::span<const Ray> rays, const WeightRequest& request,
                                 const StopToken* stop) const {
  SF_CHECK(request.spots == nullptr);
  const std::vector<MeshRays::Hit> hits = Cast(rays, request.gaps);
  std::vector<size_t> missed;
  for (size_t r = 0; r < hits.size(); ++r) {
    if (hits[r].face < 0) missed.push_back(r);
  }
  const RaySamples rest = Marched(rays, missed, request, stop);
  RaySamples samples;
  samples.ray_begin.reserve(rays.size() + 1);
  samples.ray_begin.push_back(0);
  samples.distance.resize(rays.size());
  samples.opacity.resize(rays.size(), 1);
  for (std::vector<float>* values : {&samples.x, &samples.y, &samples.z, &samples.weight})
    values->reserve(rays.size() - missed.size() + rest.weight.size());
  const auto add = [&samples](float x, float y, float z, float weight) {
    samples.x.push_back(x), samples.y.push_back(y), samples.z.push_back(z);
    samples.weight.push_back(weight);
  };
  for (size_t r = 0, miss = 0; r < rays.size(); ++r) {
    if (hits[r].face >= 0) {
      samples.distance[r] = hits[r].distance;
      float p[3], u[3];
      for (int k = 0; k < 3; ++k) p[k] = rays[r].origin[k] + hits[r].distance * rays[r].direction[k];
      scene_map().UnitFromWorld(p, u);
      if (request.min_weight <= 1) add(u[0], u[1], u[2], 1);
    } else {
      for (int32_t i = rest.ray_begin[miss]; i < rest.ray_begin[miss + 1]; ++i)
        add(rest.x[i], rest.y[i], rest.z[i], rest.weight[i]);
      samples.distance[r] = rest.distance[miss];
      samples.opacity[r] = rest.opacity[miss++];
    }
    samples.ray_begin.push_back(static_cast<int32_t>(samples.x.size()));
  }
  if (request.rgb) samples.rgb.resize(3 * rays.size());
  if (request.latent) samples.latent.resize(static_cast<size_t>(latent_width()) * rays.size());
  Scatter(rest.rgb, missed, 3, &samples.rgb);
  Scatter(rest.latent, missed, latent_width(), &samples.latent);
  if (request.rgb || request.latent) AddColors(rays, hits, request, stop, &samples);
  return samples;
}

// Colors and latents of the rays that meet a face: a quadrature over the samples around it, as if nothing
// were behind them.
void SurfaceField::AddColors(std::span<const Ray> rays, std::span<const MeshRays::Hit> hits,
                             const WeightRequest& request, const StopToken* stop, RaySamples* samples) const {
  std::vector<size_t> met, thin;
  met.reserve(hits.size());
  for (size_t r = 0; r < hits.size(); ++r) {
    if (hits[r].face >= 0) met.push_back(r);
  }
  const RaySpots spots = SpotsOf(hits);
  const WeightRequest around = {
      .min_weight = 2, .rgb = request.rgb, .latent = request.latent, .spots = &spots};
  RaySamples own = field_.Weights(Pick(rays, met), around, stop);
  const auto divide = [](std::vector<float>& values, size_t ray, int width, float by) {
    for (int k = 0; k < width && !values.empty(); ++k) values[width * ray + k] /= by;
  };
  for (size_t i = 0; i < met.size(); ++i) {
    if (own.opacity[i] < kLeastOpacity) {
      thin.push_back(met[i]);
    } else {
      divide(own.rgb, i, 3, own.opacity[i]);
      divide(own.latent, i, latent_width(), own.opacity[i]);
    }
  }
  Scatter(own.rgb, met, 3, &samples->rgb);
  Scatter(own.latent, met, latent_width(), &samples->latent);
  WeightRequest rest = request;
  rest.min_weight = 2;
  const RaySamples marched = Marched(rays, thin, rest, stop);
  Scatter(marched.rgb, thin, 3, &samples->rgb);
  Scatter(marched.latent, thin, latent_width(), &samples->latent);
  Scatter(marched.opacity, thin, 1, &samples->opacity);
}

RenderedView SurfaceField::Render(const Camera& camera, const Pose& world_from_camera,
                                  const RenderRequest& request, const StopToken* stop) const {
  const std::vector<Ray> rays = MakeRays(camera, world_from_camera);
  RenderedView view;
  view.depth = ImageF(camera.width, camera.height, 1);
  view.opacity = ImageF(camera.width, camera.height, 1);
  if (request.rgb) view.rgb = ImageF(camera.width, camera.height, 3);
  // Gaps are numbered over the whole picture.
  const size_t at_once = request.gaps != nullptr ? std::max<size_t>(1, rays.size()) : kRaysAtOnce;
  for (size_t first = 0; first < rays.size(); first += at_once) {
    const size_t count = std::min(at_once, rays.size() - first);
    const RaySamples samples = Weights(std::span(rays).subspan(first, count),
                                       {.min_weight = 2, .rgb = request.rgb, .gaps = request.gaps}, stop);
    for (size_t i = 0; i < count; ++i) {
      const size_t r = first + i;
      view.depth.data[r] = samples.distance[i] * rays[r].z_scale;
      view.opacity.data[r] = samples.opacity[i];
      for (int k = 0; request.rgb && k < 3; ++k)
        view.rgb.data[3 * r + k] = samples.rgb[3 * i + k] + (1 - samples.opacity[i]) * request.background[k];
    }
  }
  if (!request.normals) return view;
  view.normals = ImageF(camera.width, camera.height, 3);
  const std::vector<MeshRays::Hit> hits = Cast(rays, request.gaps);
  for (size_t r = 0; r < rays.size(); ++r) {
    if (hits[r].face < 0) continue;
    const Vec3 normal = mesh_.Cross(hits[r].face).normalized() * (hits[r].is_front ? 1 : -1);
    for (int k = 0; k < 3; ++k) view.normals.data[3 * r + k] = static_cast<float>(normal[k]);
  }
  return view;
}

}  // namespace semfield
