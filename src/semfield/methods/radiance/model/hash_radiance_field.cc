#include "semfield/methods/radiance/model/hash_radiance_field.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>

#include "semfield/base/check.h"
#include "semfield/base/log.h"
#include "semfield/base/parallel.h"
#include "semfield/methods/radiance/model/normal_smoothing.h"
#include "semfield/methods/radiance/model/point_density.h"
#include "semfield/methods/radiance/model/sample_tiles.h"
#include "semfield/methods/radiance/model/tile_pass.h"
#include "semfield/ops/ray_marching.h"

namespace semfield {
namespace {

constexpr float kMinTransmittance = 1e-3f;
constexpr double kCutShareToSay = 1e-3;  // of a view's rays
constexpr float kSettledTransmittance = 1e-2f;
constexpr size_t kPointsAtOnce = 65536;
constexpr size_t kRaysAtOnce = 8192;  // enough samples to encode level by level, few enough to stay in cache
// Of rays through fog there are fewer at a time, so that memory and the wait for a stop stay small.
constexpr int64_t kSamplesAtOnce = int64_t{1} << 20;
constexpr size_t kFewestRaysAtOnce = 512;
// A ray of a finished field has some dozens of samples. Where a view's rays have more than this on average,
// the field is still fog, whose picture is no better for a thousand of them: steps are longer there.
constexpr double kMostSamplesARay = 192;
constexpr float kLongestSteps = 8;  // times those the field was trained with
constexpr size_t kRaysToCountBy = 1024;

// What one ray came to.
struct RayResult {
  float rgb[3] = {};
  float final_transmittance = 1;
  float distance = 0;
};

// Distance at which transmittance passes 1/2, by the exponential inside the sample that does it.
float MedianDistance(const TilePass& pass, const float* t, const float* dt, int begin, int end) {
  float before = 1;
  for (int c = begin; c < end; ++c) {
    const float after = pass.transmittance()[c];
    if (after <= 0.5f) {
      const float tau = std::log(before / std::max(after, 1e-12f));
      const float share = tau > 1e-6f ? std::log(before / 0.5f) / tau : 0.5f;
      return t[c] + dt[c] * (std::clamp(share, 0.0f, 1.0f) - 0.5f);
    }
    before = after;
  }
  return 0;
}

// What one call works with.
struct RenderScratch {
  SampleTiles tiles;
  std::vector<std::unique_ptr<TilePass>> passes;  // one a worker, made when it has its first tile
};

}  // namespace

// Buffers of earlier calls wait here for the next: for a call of few rays, fresh memory costs as much as the
// work itself.
class RenderScratchPool {
 public:
  std::unique_ptr<RenderScratch> Take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (free_.empty()) return std::make_unique<RenderScratch>();
    std::unique_ptr<RenderScratch> scratch = std::move(free_.back());
    free_.pop_back();
    return scratch;
  }
  void Give(std::unique_ptr<RenderScratch> scratch) {
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(std::move(scratch));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<RenderScratch>> free_;
};

namespace {

struct Tracer {
  const RadianceModel& model;
  RenderScratchPool& pool;
  const StopToken* stop;
  std::atomic<int64_t>* cut_rays = nullptr;  // counts them
  const RayGaps* gaps = nullptr;
  const RaySpots* spots = nullptr;
};

// Intervals in a gap get no length, so that they absorb nothing. first: number of the first ray of the call
// in the gaps; numbers: of each of them, where they are not consecutive.
void EmptyGaps(const RayGaps& gaps, size_t first, const std::vector<size_t>* numbers, SampleTiles& tiles,
               size_t tile_index) {
  const SampleTile& tile = tiles.tiles()[tile_index];
  const int32_t* begin = tiles.begin(tile);
  const float* t = tiles.t(tile_index);
  float* dt = tiles.dt(tile_index);
  for (int r = 0; r < tile.num_rays; ++r) {
    const size_t ray = first + tile.first_ray + r, number = numbers != nullptr ? (*numbers)[ray] : ray;
    for (int32_t i = gaps.begin[number]; i < gaps.begin[number + 1]; ++i) {
      for (int32_t c = begin[r]; c < begin[r + 1]; ++c) {
        if (t[c] >= gaps.from[i] && t[c] < gaps.to[i]) dt[c] = 0;
      }
    }
  }
}

void ThrowIfStopped(const StopToken* stop) {
  if (stop != nullptr) stop->ThrowIfStopped();
}

// Of the ray that is visited: its number in the call, its tile, its place `r` in the pass, and who works on
// it.
struct VisitedRay {
  size_t ray;
  SampleTiles& tiles;
  size_t tile;
  const TilePass& pass;
  int r;
  int worker;
};

// Evaluates rays batch by batch; visit(VisitedRay) is called once for every ray, from several threads, with
// the pass holding its weights (and colours when `color`) as its r-th ray.
template <class Visit>
void ForEachRay(const Tracer& tracer, const ops::MarchOptions& march, std::span<const Ray> rays, bool color,
                const Visit& visit, const std::vector<size_t>* numbers = nullptr) {
  if (rays.empty()) return;
  const RadianceModel& model = tracer.model;
  std::unique_ptr<RenderScratch> scratch = tracer.pool.Take();
  SampleTiles& tiles = scratch->tiles;
  scratch->passes.resize(std::max<size_t>(scratch->passes.size(), NumThreads()));
  size_t at_once = kRaysAtOnce;
  for (size_t first = 0, count = 0; first < rays.size(); first += count) {
    ThrowIfStopped(tracer.stop);
    count = std::min(at_once, rays.size() - first);
    const std::span<const Ray> part = rays.subspan(first, count);
    if (tracer.spots != nullptr) {
      const RaySpots& spots = *tracer.spots;
      tiles.Place(model.map,
                  {std::span(spots.begin).subspan(first, count + 1), spots.t.data(), spots.dt.data()}, part);
    } else {
      tiles.March(model.map, model.occupancy, march, part, {});
    }
    if (tiles.num_samples() > kSamplesAtOnce) at_once = std::max(kFewestRaysAtOnce, at_once / 2);
    if (tracer.cut_rays != nullptr) *tracer.cut_rays += tiles.num_cut_rays();
    tiles.Encode(model.layout, model.grid.half.data(), model.options.levels);
    ParallelFor(tiles.tiles().size(), [&](int64_t tile, int worker) {
      ThrowIfStopped(tracer.stop);
      std::unique_ptr<TilePass>& own = scratch->passes[worker];
      if (!own) own = std::make_unique<TilePass>(model);
      TilePass& pass = *own;
      if (tracer.gaps != nullptr) EmptyGaps(*tracer.gaps, first, numbers, tiles, tile);
      pass.Density(tiles, tile, kMinTransmittance, /*training=*/false);
      if (color) pass.Color(part, /*training=*/false);
      for (int r = 0; r < pass.num_rays(); ++r) {
        visit(VisitedRay{first + pass.first_ray() + r, tiles, static_cast<size_t>(tile), pass, r, worker});
      }
    });
  }
  tracer.pool.Give(std::move(scratch));
}

// The same, and rays that the occupancy grid's own densities ended too early (they graze something dense and
// go on) a second time to their true end: visit must replace what it said of a ray before.
template <class Visit>
void ForEachRayToItsEnd(const Tracer& tracer, ops::MarchOptions march, std::span<const Ray> rays, bool color,
                        const Visit& visit) {
  std::vector<float> left(rays.size());
  ForEachRay(tracer, march, rays, color, [&](const VisitedRay& visited) {
    left[visited.ray] = visited.pass.final_transmittance()[visited.r];
    visit(visited);
  });
  if (march.stop_optical_depth <= 0 || tracer.spots != nullptr) return;
  std::vector<size_t> unsettled;
  std::vector<Ray> again;
  for (size_t ray = 0; ray < rays.size(); ++ray) {
    if (left[ray] < kSettledTransmittance) continue;
    unsettled.push_back(ray);
    again.push_back(rays[ray]);
  }
  march.stop_optical_depth = 0;
  ForEachRay(
      tracer, march, again, color,
      [&](const VisitedRay& visited) {
        visit(VisitedRay{unsettled[visited.ray], visited.tiles, visited.tile, visited.pass, visited.r,
                         visited.worker});
      },
      &unsettled);
}

void CheckGaps(const RayGaps* gaps, size_t num_rays) {
  if (gaps != nullptr) SF_CHECK_EQ(gaps->begin.size(), num_rays + 1);
}

std::vector<RayResult> Trace(const Tracer& tracer, const ops::MarchOptions& march,
                             std::span<const Ray> rays) {
  std::vector<RayResult> results(rays.size());
  ForEachRayToItsEnd(tracer, march, rays, /*color=*/true, [&](const VisitedRay& visited) {
    const auto& [ray, tiles, tile, pass, r, worker] = visited;
    RayResult& result = results[ray];
    for (int k = 0; k < 3; ++k) result.rgb[k] = pass.rgb()[k * ops::kTileStride + r];
    result.final_transmittance = pass.final_transmittance()[r];
    result.distance =
        MedianDistance(pass, tiles.t(tile), tiles.dt(tile), pass.begin()[r], pass.begin()[r + 1]);
  });
  return results;
}

// Samples of rays in the order in which a worker came to them.
struct KeptSample {
  float x, y, z, weight;
};
struct KeptRay {
  int worker = 0;
  int32_t begin = 0, count = 0;  // in the worker's list
};

// Normals at the median distances: the direction in which log density falls, by differences on a tetrahedron.
ImageF Normals(const RadianceModel& model, std::span<const Ray> rays, const std::vector<RayResult>& results,
               int width, int height) {
  static constexpr float kCorners[4][3] = {{1, -1, -1}, {-1, -1, 1}, {-1, 1, -1}, {1, 1, 1}};
  const float reach = model.March(1).step;
  const size_t num_rays = rays.size();
  std::vector<float> x(4 * num_rays), y(4 * num_rays), z(4 * num_rays), value(4 * num_rays);
  for (size_t r = 0; r < num_rays; ++r) {
    for (int corner = 0; corner < 4; ++corner) {
      float p[3], u[3];
      for (int k = 0; k < 3; ++k) {
        p[k] = rays[r].origin[k] + results[r].distance * rays[r].direction[k] + reach * kCorners[corner][k];
      }
      model.map.UnitFromWorld(p, u);
      const size_t i = 4 * r + corner;
      x[i] = u[0], y[i] = u[1], z[i] = u[2];
    }
  }
  PointDensity density;
  density.Evaluate(model, {x.data(), y.data(), z.data(), static_cast<int64_t>(x.size())},
                   model.options.levels, value.data());
  ImageF normals(width, height, 3);
  for (size_t r = 0; r < num_rays; ++r) {
    if (results[r].distance <= 0) continue;
    Vec3 normal = Vec3::Zero();
    for (int corner = 0; corner < 4; ++corner) {
      for (int k = 0; k < 3; ++k) normal[k] -= kCorners[corner][k] * value[4 * r + corner];
    }
    const Vec3 direction(rays[r].direction[0], rays[r].direction[1], rays[r].direction[2]);
    if (normal.norm() < 1e-9) normal = -direction;
    normal.normalize();
    if (normal.dot(direction) > 0) normal = -normal;
    for (int k = 0; k < 3; ++k) normals.data[3 * r + k] = static_cast<float>(normal[k]);
  }
  return normals;
}

}  // namespace

HashRadianceField::HashRadianceField(const RadianceModel* model)
    : model_(model), scratch_(std::make_unique<RenderScratchPool>()) {}

HashRadianceField::HashRadianceField(std::unique_ptr<RadianceModel> model) : HashRadianceField(model.get()) {
  owned_ = std::move(model);
}

HashRadianceField::~HashRadianceField() = default;

// Steps for these rays, in those that `coarseness` asks for: longer where that would take too many samples.
// By rays evenly taken from among them, so that it hangs on nothing else.
ops::MarchOptions HashRadianceField::AffordableMarch(std::span<const Ray> rays, float coarseness) const {
  const ops::MarchOptions march = model_->March(coarseness);
  const size_t stride = rays.size() / kRaysToCountBy;
  if (stride == 0) return march;  // a few rays cost little, and each by itself may be any
  std::vector<float> t(ops::kTileColumns), dt(ops::kTileColumns);
  int64_t samples = 0, counted = 0;
  for (size_t r = stride / 2; r < rays.size(); r += stride, ++counted)
    samples += ops::MarchRay(model_->map, model_->occupancy, march, rays[r], 0.5f, {t.data(), dt.data()});
  const double most = kMostSamplesARay / coarseness;  // finer steps were asked for
  const double mean = static_cast<double>(samples) / static_cast<double>(std::max<int64_t>(1, counted));
  if (mean <= most) return march;
  const float longer = std::min(static_cast<float>(mean / most), kLongestSteps);
  if (!said_fog_.exchange(true)) {
    LogWarning(
        "the field is still fog: {:.0f} samples a ray, where {:.0f} and fewer are usual; it is looked at "
        "in {:.1f} times longer steps. Train it for longer",
        mean, most, longer);
  }
  return model_->March(coarseness * longer);
}

// Once a field: what is wrong with one view is wrong with all.
void HashRadianceField::WarnAboutCutRays(int64_t cut_rays, size_t num_rays) const {
  const double share = static_cast<double>(cut_rays) / static_cast<double>(std::max<size_t>(1, num_rays));
  if (share < kCutShareToSay || warned_.exchange(true)) return;
  LogWarning(
      "{:.1f} % of the rays of a view have more than {} samples and are cut there: what lies behind is "
      "missing. Fewer "
      "steps across the scene, or a larger cone angle, would reach further",
      100 * share, ops::kTileColumns);
}

RenderedView HashRadianceField::Render(const Camera& camera, const Pose& world_from_camera,
                                       const RenderRequest& request, const StopToken* stop) const {
  const std::vector<Ray> rays = MakeRays(camera, world_from_camera);
  CheckGaps(request.gaps, rays.size());
  std::atomic<int64_t> cut_rays{0};
  const std::vector<RayResult> results =
      Trace({*model_, *scratch_, stop, &cut_rays, request.gaps},
            AffordableMarch(rays, request.fine ? RadianceModel::kFineSteps : 1), rays);
  WarnAboutCutRays(cut_rays, rays.size());
  RenderedView view;
  view.depth = ImageF(camera.width, camera.height, 1);
  view.opacity = ImageF(camera.width, camera.height, 1);
  if (request.rgb) view.rgb = ImageF(camera.width, camera.height, 3);
  for (size_t r = 0; r < rays.size(); ++r) {
    const float through = results[r].final_transmittance;
    view.opacity.data[r] = 1 - through;
    view.depth.data[r] = results[r].distance * rays[r].z_scale;
    if (!request.rgb) continue;
    for (int k = 0; k < 3; ++k)
      view.rgb.data[3 * r + k] = results[r].rgb[k] + through * request.background[k];
  }
  if (request.normals) {
    const ImageF gradients = Normals(*model_, rays, results, camera.width, camera.height);
    view.normals = SmoothNormals(gradients, view.depth, camera);
  }
  return view;
}

RaySamples HashRadianceField::Weights(std::span<const Ray> rays, const WeightRequest& request,
                                      const StopToken* stop) const {
  CheckGaps(request.gaps, rays.size());
  RaySamples samples;
  samples.ray_begin.assign(rays.size() + 1, 0);
  samples.distance.assign(rays.size(), 0);
  samples.opacity.assign(rays.size(), 0);
  if (request.rgb) samples.rgb.assign(3 * rays.size(), 0);
  if (request.latent) samples.latent.assign(RadianceModel::kGeometryRows * rays.size(), 0);
  std::vector<std::vector<KeptSample>> found(NumThreads());
  std::vector<KeptRay> kept(rays.size());
  ForEachRayToItsEnd(
      {*model_, *scratch_, stop, nullptr, request.gaps, request.spots},
      request.spots != nullptr ? ops::MarchOptions{} : AffordableMarch(rays, 1), rays, request.rgb,
      [&](const VisitedRay& visited) {
        const auto& [ray, tiles, tile, pass, r, worker] = visited;
        const int begin = pass.begin()[r], end = pass.begin()[r + 1];
        samples.distance[ray] = MedianDistance(pass, tiles.t(tile), tiles.dt(tile), begin, end);
        samples.opacity[ray] = 1 - pass.final_transmittance()[r];
        for (int k = 0; request.rgb && k < 3; ++k)
          samples.rgb[3 * ray + k] = pass.rgb()[k * ops::kTileStride + r];
        for (int k = 0; request.latent && k < RadianceModel::kGeometryRows; ++k) {
          float sum = 0;
          for (int c = begin; c < end; ++c) sum += pass.weight()[c] * pass.geometry(k)[c];
          samples.latent[RadianceModel::kGeometryRows * ray + k] = sum;
        }
        std::vector<KeptSample>& list = found[worker];
        const size_t before = list.size();
        for (int c = begin; c < end; ++c) {
          if (pass.weight()[c] < request.min_weight) continue;
          list.push_back({tiles.x(tile)[c], tiles.y(tile)[c], tiles.z(tile)[c], pass.weight()[c]});
        }
        kept[ray] = {.worker = worker,
                     .begin = static_cast<int32_t>(before),
                     .count = static_cast<int32_t>(list.size() - before)};
      });
  for (size_t r = 0; r < rays.size(); ++r) samples.ray_begin[r + 1] = samples.ray_begin[r] + kept[r].count;
  for (std::vector<float>* values : {&samples.x, &samples.y, &samples.z, &samples.weight})
    values->resize(samples.ray_begin.back());
  for (size_t r = 0; r < rays.size(); ++r) {
    const KeptSample* from = found[kept[r].worker].data() + kept[r].begin;
    for (int32_t i = samples.ray_begin[r]; i < samples.ray_begin[r + 1]; ++i, ++from) {
      samples.x[i] = from->x, samples.y[i] = from->y, samples.z[i] = from->z;
      samples.weight[i] = from->weight;
    }
  }
  return samples;
}

void HashRadianceField::Density(std::span<const Vec3> points, std::span<float> density,
                                const StopToken* stop) const {
  SF_CHECK_EQ(points.size(), density.size());
  const RadianceModel& model = *model_;
  const int resolution = model.occupancy.resolution();
  std::vector<float> x, y, z, log_density;
  std::vector<size_t> asked;  // the points that rays would look at
  PointDensity evaluate;
  for (size_t first = 0; first < points.size(); first += kPointsAtOnce) {
    ThrowIfStopped(stop);
    x.clear(), y.clear(), z.clear(), asked.clear();
    for (size_t i = first; i < std::min(first + kPointsAtOnce, points.size()); ++i) {
      density[i] = 0;
      float u[3];
      const float p[3] = {static_cast<float>(points[i].x()), static_cast<float>(points[i].y()),
                          static_cast<float>(points[i].z())};
      model.map.UnitFromWorld(p, u);
      uint32_t cell = 0;
      bool inside = true;
      for (int k = 2; k >= 0; --k) {
        inside = inside && u[k] >= 0 && u[k] < 1;
        if (inside) cell = cell * resolution + static_cast<uint32_t>(u[k] * static_cast<float>(resolution));
      }
      if (!inside || !model.occupancy.Occupied(cell)) continue;
      x.push_back(u[0]), y.push_back(u[1]), z.push_back(u[2]);
      asked.push_back(i);
    }
    log_density.resize(asked.size());
    evaluate.Evaluate(model, {x.data(), y.data(), z.data(), static_cast<int64_t>(asked.size())},
                      model.options.levels, log_density.data());
    for (size_t k = 0; k < asked.size(); ++k)
      density[asked[k]] = std::exp(log_density[k]) * model.LengthScale();
  }
}

}  // namespace semfield
