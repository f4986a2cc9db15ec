#include "semfield/methods/radiance/views/view_fit.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"
#include "semfield/methods/radiance/model/sample_tiles.h"
#include "semfield/methods/radiance/model/tile_pass.h"
#include "semfield/methods/radiance/training/ray_gradients.h"
#include "semfield/methods/radiance/views/view_term.h"
#include "semfield/training/schedule.h"

namespace semfield {
namespace {

constexpr float kMinTransmittance = 1e-4f;
constexpr float kPoseRate = 5e-4f;
constexpr float kExposureRate = 2e-2f;
constexpr float kFinalRate = 0.02f;
constexpr int kWarmup = 5;
constexpr int kNumbers = ViewTerm::kNumbers;

class Fitter {
 public:
  Fitter(const RadianceModel& model, const float background[3], const ViewFitOptions& options)
      : model_(model), background_(background), options_(options), passes_(NumThreads()) {
    for (Parameter* fitted : {&pose_, &exposure_}) fitted->PrepareTraining();
  }

  // One step, counted from 0, from a batch of rays at their given poses.
  void Step(std::vector<Ray> rays, std::span<const float> jitter, std::span<const float> target, int step) {
    double d_pose[kNumbers] = {}, d_exposure[kNumbers] = {};
    Gradients(std::move(rays), jitter, target, d_pose, d_exposure);
    if (options_.pose) Update(&pose_, d_pose, kPoseRate, step);
    if (options_.exposure) Update(&exposure_, d_exposure, kExposureRate, step);
  }

  PoseCorrection Correction() const { return PoseCorrection::FromNumbers(pose_.values.data()); }
  ColorMap Exposure() const {
    ColorMap map;
    std::copy_n(exposure_.values.data(), 3, map.log_gain);
    std::copy_n(exposure_.values.data() + 3, 3, map.offset);
    return map;
  }

 private:
  void Update(Parameter* fitted, const double gradient[kNumbers], float first_rate, int step) const {
    for (int k = 0; k < kNumbers; ++k) fitted->gradient[k] = static_cast<float>(gradient[k]);
    fitted->Step({.learning_rate = ExponentialSchedule(step, options_.steps, first_rate, kFinalRate, kWarmup),
                  .step = step + 1});
  }

  void Gradients(std::vector<Ray> rays, std::span<const float> jitter, std::span<const float> target,
                 double d_pose[kNumbers], double d_exposure[kNumbers]) {
    const PoseCorrection correction = Correction();
    for (Ray& ray : rays) Move(correction, &ray);
    tiles_.March(model_.map, model_.occupancy, model_.March(1), rays, jitter);
    tiles_.Encode(model_.layout, model_.grid.half.data(), model_.options.levels);
    columns_.resize(rays.size());
    d_colors_.resize(kNumbers * rays.size());
    ParallelFor(static_cast<int64_t>(tiles_.tiles().size()), [&](int64_t tile, int worker) {
      if (!passes_[worker]) passes_[worker] = std::make_unique<Worker>(model_);
      RunTile(*passes_[worker], tile, rays, target);
    });
    if (options_.pose) {
      ray_gradients_.Compute(model_, tiles_, rays, columns_, model_.options.levels);
    }
    for (size_t r = 0; r < rays.size(); ++r) {
      double d[kNumbers] = {};
      if (options_.pose) {
        correction.Backward(rays[r], ray_gradients_.gradients()[r], model_.map.half_extent, d);
        PoseCorrection::ScaleGradient(d);
      }
      for (int k = 0; k < kNumbers; ++k) {
        d_pose[k] += d[k];
        d_exposure[k] += d_colors_[kNumbers * r + k];
      }
    }
  }

  struct Worker {
    explicit Worker(const RadianceModel& model)
        : pass(model), density(model.density_mlp.size()), color(model.color_mlp.size()) {}
    TilePass pass;
    Buffer<float> density, color;  // gradients of the networks, which are held
    std::vector<float> d_rgb = std::vector<float>(3 * ops::kTileStride);
    std::vector<float> d_final = std::vector<float>(ops::kTileStride);
  };

  void Move(const PoseCorrection& correction, Ray* ray) const {
    Pose pose;
    for (int k = 0; k < 3; ++k) pose.translation[k] = ray->origin[k];
    pose = correction.Apply(pose, model_.map.half_extent);
    const Vec3 direction = pose.rotation * Vec3(ray->direction[0], ray->direction[1], ray->direction[2]);
    for (int k = 0; k < 3; ++k) {
      ray->origin[k] = static_cast<float>(pose.translation[k]);
      ray->direction[k] = static_cast<float>(direction[k]);
    }
  }

  void RunTile(Worker& worker, int64_t tile, std::span<const Ray> rays, std::span<const float> target) {
    TilePass& pass = worker.pass;
    pass.Density(tiles_, tile, kMinTransmittance, /*training=*/true);
    pass.Color(rays, /*training=*/true);
    const float scale = 2.0f / 3 / static_cast<float>(rays.size());
    const ColorMap exposure = Exposure();
    for (int r = 0; r < pass.num_rays(); ++r) {
      const size_t ray = pass.first_ray() + r;
      columns_[ray] = pass.begin()[r + 1] - pass.begin()[r];
      float color[3], d[3];
      for (int k = 0; k < 3; ++k) {
        color[k] = pass.rgb()[k * ops::kTileStride + r] + pass.final_transmittance()[r] * background_[k];
      }
      exposure.Show(color, d);
      for (int k = 0; k < 3; ++k) d[k] = scale * (d[k] - target[3 * ray + k]);
      exposure.Backward(color, d, d_colors_.data() + kNumbers * ray);
      worker.d_final[r] = 0;
      for (int k = 0; k < 3; ++k) {
        worker.d_rgb[k * ops::kTileStride + r] = d[k];
        worker.d_final[r] += d[k] * background_[k];
      }
    }
    pass.Backward({.d_rgb = worker.d_rgb.data(),
                   .d_final_transmittance = worker.d_final.data(),
                   .distortion_scale = 0,
                   .density_mlp = worker.density.data(),
                   .color_mlp = worker.color.data()});
  }

  const RadianceModel& model_;
  const float* background_;
  Parameter pose_{"pose", {ViewTerm::kStride}}, exposure_{"exposure", {ViewTerm::kStride}};
  const ViewFitOptions options_;
  std::vector<std::unique_ptr<Worker>> passes_;
  SampleTiles tiles_;
  RayGradients ray_gradients_;
  std::vector<int32_t> columns_;
  std::vector<float> d_colors_;  // [rays, 6]
};

// Pixels of the left half that the mask lets through.
std::vector<uint32_t> LeftPixels(const ImageF& photo, const ImageU8* mask) {
  std::vector<uint32_t> pixels;
  for (int y = 0; y < photo.height; ++y) {
    for (int x = 0; x < FittedColumns(photo.width); ++x) {
      if (mask == nullptr || mask->At(x, y) != 0)
        pixels.push_back(static_cast<uint32_t>(y * photo.width + x));
    }
  }
  return pixels;
}

}  // namespace

ViewFit FitLeftHalf(const RadianceModel& model, const UnseenPhoto& unseen, const ViewFitOptions& options) {
  const ImageF& photo = unseen.rgb;
  SF_CHECK_EQ(photo.channels, 3);
  SF_CHECK(photo.width == unseen.camera.width && photo.height == unseen.camera.height);
  const std::vector<uint32_t> pixels = LeftPixels(photo, unseen.mask);
  ViewFit fit;
  if (pixels.empty()) return fit;
  Fitter fitter(model, unseen.background, options);
  std::vector<Ray> rays(options.rays);
  std::vector<float> target(3 * rays.size()), jitter(rays.size());
  for (int step = 0; step < options.steps; ++step) {
    Random random(MixSeed(options.seed, step), 11);
    for (size_t r = 0; r < rays.size(); ++r) {
      const uint32_t pixel = pixels[random.Below(static_cast<uint32_t>(pixels.size()))];
      const Vec2 position(pixel % photo.width + 0.5, static_cast<double>(pixel / photo.width) + 0.5);
      rays[r] = MakeRay(unseen.camera, unseen.world_from_camera, position);
      jitter[r] = random.Uniform();
      std::copy_n(photo.data.data() + size_t{3} * pixel, 3, target.data() + 3 * r);
    }
    fitter.Step(rays, jitter, target, step);
  }
  fit.correction = fitter.Correction();
  fit.exposure = fitter.Exposure();
  return fit;
}

}  // namespace semfield
