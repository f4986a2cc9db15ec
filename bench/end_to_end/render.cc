// What a rendering costs beside the operations it is made of, and what skipping and stopping change in the
// picture:
//   bench_render RUN [--view V] [--size 512] [--stride 4] [--repeat 7] [--threads N] [--json FILE]
// One square view of --size pixels a side is timed. Every --stride-th pixel of every held-out photo (in both
// directions) is rendered as the command does and by 1,024 uniform samples along the whole ray, and both are
// compared with the photo.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include "bench/end_to_end/results.h"
#include "semfield/base/parallel.h"
#include "semfield/base/stopwatch.h"
#include "semfield/catalog/methods.h"
#include "semfield/methods/radiance/model/hash_radiance_field.h"
#include "semfield/methods/radiance/model/sample_tiles.h"
#include "semfield/methods/radiance/model/tile_pass.h"
#include "semfield/ops/spherical_harmonics.h"
#include "semfield/perception/square_view.h"
#include "semfield/run/opened_run.h"

namespace semfield::bench {
namespace {

struct Options {
  std::string run, view = "test:0", json;
  int size = 512, stride = 4, repeat = 7, threads = 2;
};

constexpr float kMinTransmittance = 1e-3f;      // as in HashRadianceField
constexpr float kSettledTransmittance = 1e-2f;  // the same
constexpr size_t kRaysAtOnce = 8192;            // the same

enum Op { kMarch, kEncode, kDensity, kComposite, kHarmonics, kColor, kCompositeColor, kNumOps };
constexpr const char* kOpNames[kNumOps] = {"march",     "encode",         "density network", "composite",
                                           "harmonics", "colour network", "composite colour"};

struct OpTimes {
  std::array<double, kNumOps> ms{};
  int64_t marched = 0, kept = 0;
};

// The operations of a rendering, one after another over whole batches of rays, with nothing between them
// timed.
class OpTimer {
 public:
  explicit OpTimer(const RadianceModel& model) : model_(model) {}

  // Returns the transmittance left of every ray.
  std::vector<float> Run(std::span<const Ray> rays, const ops::MarchOptions& march, OpTimes* times) {
    std::vector<float> left(rays.size());
    for (size_t first = 0; first < rays.size(); first += kRaysAtOnce) {
      RunBatch(rays.subspan(first, std::min(kRaysAtOnce, rays.size() - first)), march, left.data() + first,
               times);
    }
    return left;
  }

 private:
  template <class Body>
  void Time(Op op, OpTimes* times, int64_t count, const Body& body) {
    const Stopwatch stopwatch;
    ParallelFor(count, body);
    times->ms[op] += stopwatch.Milliseconds();
  }

  void RunBatch(std::span<const Ray> rays, const ops::MarchOptions& march, float* left, OpTimes* times) {
    constexpr int64_t kChunk = 64;
    Time(kMarch, times, static_cast<int64_t>(rays.size() + kChunk - 1) / kChunk, [&](int64_t chunk, int) {
      thread_local std::vector<float> t(2 * ops::kTileColumns);
      const size_t end = std::min<size_t>(rays.size(), (chunk + 1) * kChunk);
      for (size_t r = chunk * kChunk; r < end; ++r) {
        ops::MarchRay(model_.map, model_.occupancy, march, rays[r], 0.5f,
                      {t.data(), t.data() + ops::kTileColumns});
      }
    });
    tiles_.March(model_.map, model_.occupancy, march, rays, {});
    times->marched += tiles_.num_samples();
    const Stopwatch stopwatch;
    tiles_.Encode(model_.layout, model_.grid.half.data(), model_.options.levels);
    times->ms[kEncode] += stopwatch.Milliseconds();
    const size_t num_tiles = tiles_.tiles().size();
    work_.resize(std::max(work_.size(), num_tiles));
    for (size_t tile = 0; tile < num_tiles; ++tile) work_[tile].Prepare(model_);
    DensityOps(num_tiles, times);
    ColorOps(rays, num_tiles, times);
    for (size_t tile = 0; tile < num_tiles; ++tile) {
      const SampleTile& part = tiles_.tiles()[tile];
      std::copy_n(work_[tile].final_transmittance.data(), part.num_rays, left + part.first_ray);
    }
  }

  struct Work {
    Buffer<float> density, raw, dt, weight, transmittance, final_transmittance, color_in, color, rgb,
        directions, harmonics;
    std::vector<int32_t> kept, begin;
    int columns = 0;
    void Prepare(const RadianceModel& model) {
      const auto rows = [](Buffer<float>& buffer, int n) {
        buffer.ResizeUninitialized(static_cast<size_t>(n) * ops::kTileStride);
      };
      rows(density, RadianceModel::kGeometryRows);
      rows(color_in, model.color_shape.input);
      rows(harmonics, ops::kNumSphericalHarmonics);
      for (Buffer<float>* buffer : {&color, &rgb, &directions}) rows(*buffer, 3);
      for (Buffer<float>* buffer : {&raw, &dt, &weight, &transmittance, &final_transmittance})
        rows(*buffer, 1);
      kept.resize(ops::kTileColumns);
      begin.resize(ops::kTileColumns + 1);
    }
  };

  ops::CompositeTile Tile(size_t tile, const int32_t* begin) {
    const Work& work = work_[tile];
    return {.num_rays = tiles_.tiles()[tile].num_rays,
            .begin = begin,
            .raw_density = work.raw.data(),
            .dt = work.dt.data()};
  }

  void DensityOps(size_t num_tiles, OpTimes* times) {
    Time(kDensity, times, num_tiles, [&](int64_t tile, int) {
      ops::MlpForward(model_.density_shape, model_.density_mlp.values.data(),
                      {tiles_.encoded(tile), ops::kTileStride, tiles_.tiles()[tile].num_columns},
                      work_[tile].density.data());
    });
    for (size_t tile = 0; tile < num_tiles; ++tile) {
      Work& work = work_[tile];
      for (int c = 0; c < tiles_.tiles()[tile].num_columns; ++c) {
        work.raw[c] = work.density[c] + static_cast<float>(model_.options.density_bias.value());
        work.dt[c] = tiles_.dt(tile)[c] * model_.LengthScale();
      }
    }
    Time(kComposite, times, num_tiles, [&](int64_t tile, int) {
      Work& work = work_[tile];
      ops::CompositeForward(
          Tile(tile, tiles_.begin(tiles_.tiles()[tile])), kMinTransmittance,
          {work.weight.data(), work.kept.data(), work.transmittance.data(), work.final_transmittance.data()});
    });
  }

  void ColorOps(std::span<const Ray> rays, size_t num_tiles, OpTimes* times) {
    for (size_t tile = 0; tile < num_tiles; ++tile) Gather(rays, tile, times);
    Time(kHarmonics, times, num_tiles, [&](int64_t tile, int) {
      float* d = work_[tile].directions.data();
      ops::SphericalHarmonics(d, d + ops::kTileStride, d + 2 * ops::kTileStride,
                              tiles_.tiles()[tile].num_rays, work_[tile].harmonics.data(), ops::kTileStride);
    });
    for (size_t tile = 0; tile < num_tiles; ++tile) {
      Work& work = work_[tile];
      for (int k = 0; k < ops::kNumSphericalHarmonics; ++k) {
        float* row = work.color_in.data() + (RadianceModel::kGeometryRows + k) * ops::kTileStride;
        for (int r = 0; r < tiles_.tiles()[tile].num_rays; ++r) {
          std::fill(row + work.begin[r], row + work.begin[r + 1], work.harmonics[k * ops::kTileStride + r]);
        }
      }
    }
    Time(kColor, times, num_tiles, [&](int64_t tile, int) {
      Work& work = work_[tile];
      ops::MlpForward(model_.color_shape, model_.color_mlp.values.data(),
                      {work.color_in.data(), ops::kTileStride, work.columns}, work.color.data());
    });
    Time(kCompositeColor, times, num_tiles, [&](int64_t tile, int) {
      Work& work = work_[tile];
      ops::CompositeValues(Tile(tile, work.begin.data()), {work.weight.data(), work.kept.data()},
                           {3, work.color.data(), ops::kTileStride}, work.rgb.data(), ops::kTileStride);
    });
  }

  // What lies between the operations, not timed: only the columns before each ray's cut stay.
  void Gather(std::span<const Ray> rays, size_t tile, OpTimes* times) {
    Work& work = work_[tile];
    const SampleTile& part = tiles_.tiles()[tile];
    const int32_t* from = tiles_.begin(part);
    work.begin[0] = 0;
    for (int r = 0; r < part.num_rays; ++r) {
      work.begin[r + 1] = work.begin[r] + work.kept[r];
      for (int row = 0; row < RadianceModel::kGeometryRows; ++row) {
        std::copy_n(work.density.data() + row * ops::kTileStride + from[r], work.kept[r],
                    work.color_in.data() + row * ops::kTileStride + work.begin[r]);
      }
      std::copy_n(work.weight.data() + from[r], work.kept[r], work.weight.data() + work.begin[r]);
      for (int k = 0; k < 3; ++k) {
        work.directions[k * ops::kTileStride + r] = rays[part.first_ray + r].direction[k];
      }
    }
    work.columns = work.begin[part.num_rays];
    times->kept += work.columns;
  }

  const RadianceModel& model_;
  SampleTiles tiles_;
  std::vector<Work> work_;
};

// A rendering's operations: all rays, then those that the occupancy grid ended too early once more.
OpTimes TimeOps(OpTimer& timer, const RadianceModel& model, std::span<const Ray> rays) {
  OpTimes times;
  ops::MarchOptions march = model.March(RadianceModel::kFineSteps);
  const std::vector<float> left = timer.Run(rays, march, &times);
  if (march.stop_optical_depth <= 0) return times;
  std::vector<Ray> again;
  for (size_t r = 0; r < rays.size(); ++r) {
    if (left[r] >= kSettledTransmittance) again.push_back(rays[r]);
  }
  march.stop_optical_depth = 0;
  timer.Run(again, march, &times);
  return times;
}

// 1,024 samples of equal length from the camera to where the ray leaves the cube: nothing skipped, nothing
// cut.
class UniformRenderer {
 public:
  explicit UniformRenderer(const RadianceModel& model) : model_(model) {}

  void Render(std::span<const Ray> rays, const float background[3], float* rgb) const {
    ParallelFor(static_cast<int64_t>(rays.size()), [&](int64_t r, int) {
      thread_local Buffers own(model_);
      OneRay(rays[r], background, own, rgb + 3 * r);
    });
  }

 private:
  struct Buffers {
    explicit Buffers(const RadianceModel& model) {
      const auto rows = [](Buffer<float>& buffer, int n) {
        buffer.Resize(static_cast<size_t>(n) * ops::kTileStride);
      };
      rows(encoded, model.layout.num_features());
      rows(color_in, model.color_shape.input);
      for (Buffer<float>* buffer : {&position, &color}) rows(*buffer, 3);
      for (Buffer<float>* buffer : {&raw, &dt, &weight, &transmittance}) rows(*buffer, 1);
    }
    Buffer<float> encoded, color_in, position, color, raw, dt, weight, transmittance;
  };

  // Distances at which the ray enters and leaves the cube.
  std::pair<float, float> Clip(const Ray& ray) const {
    float begin = model_.March(1).near_distance, end = 1e9f;
    for (int k = 0; k < 3; ++k) {
      const float a = (model_.map.center[k] - model_.map.half_extent - ray.origin[k]) / ray.direction[k];
      const float b = (model_.map.center[k] + model_.map.half_extent - ray.origin[k]) / ray.direction[k];
      begin = std::max(begin, std::min(a, b));
      end = std::min(end, std::max(a, b));
    }
    return {begin, std::max(begin, end)};
  }

  void OneRay(const Ray& ray, const float background[3], Buffers& own, float* rgb) const {
    constexpr int kSamples = ops::kTileColumns;
    constexpr size_t kStride = ops::kTileStride;
    const auto [begin, end] = Clip(ray);
    const float width = (end - begin) / kSamples;
    for (int i = 0; i < kSamples; ++i) {
      const float t = begin + (static_cast<float>(i) + 0.5f) * width;
      float p[3], u[3];
      for (int k = 0; k < 3; ++k) p[k] = ray.origin[k] + t * ray.direction[k];
      model_.map.UnitFromWorld(p, u);
      for (int k = 0; k < 3; ++k) own.position[k * kStride + i] = u[k];
      own.dt[i] = width * model_.LengthScale();
    }
    const ops::GridPoints points = {own.position.data(), own.position.data() + kStride,
                                    own.position.data() + 2 * kStride, kSamples};
    for (int level = 0; level < model_.options.levels; ++level) {
      ops::HashGridForward(model_.layout, level, model_.grid.half.data(), points,
                           own.encoded.data() + level * model_.layout.config.features_per_level * kStride,
                           kStride);
    }
    ops::MlpForward(model_.density_shape, model_.density_mlp.values.data(),
                    {own.encoded.data(), kStride, kSamples}, own.color_in.data());
    for (int i = 0; i < kSamples; ++i)
      own.raw[i] = own.color_in[i] + static_cast<float>(model_.options.density_bias.value());
    const int32_t range[2] = {0, kSamples};
    const ops::CompositeTile tile = {
        .num_rays = 1, .begin = range, .raw_density = own.raw.data(), .dt = own.dt.data()};
    int32_t kept;
    float through;
    ops::CompositeForward(tile, 0, {own.weight.data(), &kept, own.transmittance.data(), &through});
    float harmonics[ops::kNumSphericalHarmonics];
    ops::SphericalHarmonics(&ray.direction[0], &ray.direction[1], &ray.direction[2], 1, harmonics, 1);
    for (int k = 0; k < ops::kNumSphericalHarmonics; ++k) {
      std::fill_n(own.color_in.data() + (RadianceModel::kGeometryRows + k) * kStride, kSamples, harmonics[k]);
    }
    ops::MlpForward(model_.color_shape, model_.color_mlp.values.data(),
                    {own.color_in.data(), kStride, kSamples}, own.color.data());
    for (int k = 0; k < 3; ++k) {
      double sum = through * background[k];
      for (int i = 0; i < kSamples; ++i) sum += own.weight[i] / (1 + std::exp(-own.color[k * kStride + i]));
      rgb[k] = static_cast<float>(sum);
    }
  }

  const RadianceModel& model_;
};

// Sums of squared errors against the photos, over every stride-th pixel of the held-out views.
struct Quality {
  double ours = 0, uniform = 0, between = 0;
  int64_t numbers = 0;
  double Psnr(double sum) const {
    return -10 * std::log10(std::max(sum, 1e-12) / static_cast<double>(numbers));
  }
};

void AddView(const OpenedRun& run, int index, int stride, Quality* quality) {
  const RadianceModel& model = dynamic_cast<const HashRadianceField&>(run.Field()).model();
  const View& view = run.capture->views[index];
  const auto image = run.store->Image(index);
  const Camera camera = view.camera.Resized(image->width, image->height);
  const ImageF ours = run.Field()
                          .Render(camera, view.world_from_camera,
                                  {.background = {run.background[0], run.background[1], run.background[2]}})
                          .rgb;
  std::vector<Ray> rays;
  std::vector<size_t> pixels;
  for (int y = stride / 2; y < camera.height; y += stride) {
    for (int x = stride / 2; x < camera.width; x += stride) {
      rays.push_back(MakeRay(camera, view.world_from_camera, {x + 0.5, y + 0.5}));
      pixels.push_back(static_cast<size_t>(y) * camera.width + x);
    }
  }
  std::vector<float> uniform(3 * rays.size());
  UniformRenderer(model).Render(rays, run.background.data(), uniform.data());
  for (size_t r = 0; r < rays.size(); ++r) {
    for (int k = 0; k < 3; ++k) {
      const double truth = image->data[image->channels * pixels[r] + k] / 255.0;
      const double a = ours.data[3 * pixels[r] + k], b = uniform[3 * r + k];
      quality->ours += (a - truth) * (a - truth);
      quality->uniform += (b - truth) * (b - truth);
      quality->between += (a - b) * (a - b);
      ++quality->numbers;
    }
  }
}

int Main(const Options& options) {
  SetNumThreads(options.threads);
  Results results("bench_render");
  const OpenedRun run = OpenRun(options.run, KnownMethods());
  const RadianceModel& model = dynamic_cast<const HashRadianceField&>(run.Field()).model();
  const NamedView view = FindNamedView(*run.capture, options.view);
  const Camera camera = SquareView(view.camera, options.size).square();
  const std::vector<Ray> rays = MakeRays(camera, view.world_from_camera);

  OpTimer timer(model);
  TimeOps(timer, model, rays);
  std::vector<double> whole, summed;
  std::array<std::vector<double>, kNumOps> each;
  OpTimes times;
  for (int i = 0; i < options.repeat; ++i) {  // in turn, so that both see the same machine
    const Stopwatch stopwatch;
    run.Field().Render(camera, view.world_from_camera, {});
    whole.push_back(stopwatch.Milliseconds());
    times = TimeOps(timer, model, rays);
    double sum = 0;
    for (int op = 0; op < kNumOps; ++op) {
      each[op].push_back(times.ms[op]);
      sum += times.ms[op];
    }
    summed.push_back(sum);
  }
  for (int op = 0; op < kNumOps; ++op) results.Note(kOpNames[op], Median(each[op]), "ms");
  results.Note("samples a ray, marched",
               static_cast<double>(times.marched) / static_cast<double>(rays.size()), "");
  results.Note("samples a ray, kept", static_cast<double>(times.kept) / static_cast<double>(rays.size()), "");
  results.Add(fmt::format("render/{}", options.size), Median(whole), "ops", Median(summed));
  results.Note("time over summed ops (asked <= 1.25)", Median(whole) / Median(summed), "");

  if (options.stride > 0 && !model.map.contracted) {
    Quality quality;
    for (const int index : run.capture->held_out) AddView(run, index, options.stride, &quality);
    results.Note("PSNR against photos", quality.Psnr(quality.ours), "dB");
    results.Note("PSNR of 1,024 uniform samples", quality.Psnr(quality.uniform), "dB");
    results.Note("difference (asked within 0.1)", quality.Psnr(quality.ours) - quality.Psnr(quality.uniform),
                 "dB");
    results.Note("PSNR of one against the other", quality.Psnr(quality.between), "dB");
  }
  results.Write(options.json);
  return 0;
}

}  // namespace
}  // namespace semfield::bench

int main(int argc, char** argv) {
  semfield::bench::Options options;
  CLI::App app("A rendering beside the operations it is made of");
  app.add_option("run", options.run, "Run folder with a radiance field")->required();
  app.add_option("--view", options.view, "View to render");
  app.add_option("--size", options.size, "Pixels a side");
  app.add_option("--stride", options.stride, "Pixels between those compared with uniform samples; 0: none");
  app.add_option("--repeat", options.repeat, "Renderings timed");
  app.add_option("--threads", options.threads, "Threads");
  app.add_option("--json", options.json, "Write the results here");
  CLI11_PARSE(app, argc, argv);
  return semfield::bench::Main(options);
}
