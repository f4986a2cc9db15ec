// How cost grows, as tables in Markdown and one picture each:
//   bench_growth [--what samples,table,images,resolution,threads] [--capture C] [--warm STEPS]
//   [--pictures FOLDER] [--threads N] [--json FILE]
// A training step for different numbers of samples, table sizes, images and threads, and a rendering for
// different sizes: of a field that was trained for STEPS steps of the default preset. Another table is
// another field, trained for as many steps of its own.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <memory>

#include "bench/end_to_end/results.h"
#include "semfield/base/atomic_file.h"
#include "semfield/base/parallel.h"
#include "semfield/base/stopwatch.h"
#include "semfield/base/test_folder.h"
#include "semfield/capture/reader.h"
#include "semfield/methods/radiance/model/hash_radiance_field.h"
#include "semfield/methods/radiance/training/radiance_trainer.h"
#include "semfield/perception/square_view.h"
#include "semfield/report/svg_chart.h"
#include "semfield/run/opened_run.h"
#include "semfield/training/presets.h"

namespace semfield::bench {
namespace {

struct Options {
  std::string capture = "examples/captures/room", pictures, json;
  std::vector<std::string> what = {"samples", "table", "images", "resolution", "threads"};
  int threads = 2, warm = 1500, rounds = 6;
};

constexpr int kStepsAtOnce = 16;  // the occupancy grid is looked at once in so many

struct Scene {
  Capture capture;
  std::unique_ptr<ImageStore> store;
  RadianceOptions radiance;
  std::shared_ptr<const Checkpoint> start;  // after the first steps
};

// The trainer of a scene with other options, from where the scene's own training is.
std::unique_ptr<RadianceTrainer> TrainerOf(const Scene& scene, const RadianceOptions& radiance, int steps) {
  auto trainer = std::make_unique<RadianceTrainer>(scene.capture, *scene.store, radiance);
  if (scene.start && radiance.log2_table_size == scene.radiance.log2_table_size) {
    trainer->Restore(scene.start->file, CheckpointState(scene.start->file, {"samples_per_ray"}));
  }
  while (trainer->step() < steps) trainer->Step();
  return trainer;
}

Scene Read(const Options& options) {
  Scene scene{.capture = ReadCapture(options.capture, {}), .store = nullptr, .radiance = {}, .start = {}};
  scene.store = std::make_unique<ImageStore>(scene.capture);
  ApplyPreset(LoadPreset("train", "default"), "preset default", {}, &scene.radiance);
  scene.radiance = ResolveRadianceOptions(scene.radiance, scene.capture);
  scene.radiance.steps = 1000000;  // never done
  const std::unique_ptr<RadianceTrainer> trainer = TrainerOf(scene, scene.radiance, options.warm);
  const TestFolder folder;
  SaveCheckpoint(folder / "start.safetensors", "radiance", trainer->Tensors(),
                 {{"state", trainer->State().dump()}});
  scene.start = std::make_shared<Checkpoint>(LoadCheckpoint(folder / "start.safetensors", "radiance"));
  return scene;
}

struct Cost {
  double ms = 0;            // a step, or a rendering
  double processor_ms = 0;  // of all threads together
  double samples_a_ray = 0;
  double million_per_s = 0;  // samples
};

double ProcessorMilliseconds() {
  return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// The best of all rounds: other work on the machine only adds to it. The steps before the first round see how
// many samples a ray has.
void Measure(RadianceTrainer& trainer, int rounds, Cost* cost) {
  if (cost->ms == 0) cost->ms = std::numeric_limits<double>::infinity();
  for (int step = 0; step < kStepsAtOnce; ++step) trainer.Step();
  for (int round = 0; round < rounds; ++round) {
    double samples = 0, rays = 0;
    const Stopwatch stopwatch;
    const double processor_start = ProcessorMilliseconds();
    for (int step = 0; step < kStepsAtOnce; ++step) {
      const RadianceStepStats stats = trainer.Step();
      samples += static_cast<double>(stats.marched_samples);
      rays += static_cast<double>(stats.rays);
    }
    const double ms = stopwatch.Milliseconds() / kStepsAtOnce;
    const double processor_ms = (ProcessorMilliseconds() - processor_start) / kStepsAtOnce;
    if (ms >= cost->ms) continue;
    *cost = {.ms = ms,
             .processor_ms = processor_ms,
             .samples_a_ray = samples / rays,
             .million_per_s = samples / kStepsAtOnce / ms / 1e3};
  }
}

Cost StepCost(const Scene& scene, const RadianceOptions& radiance, const Options& options) {
  Cost cost;
  Measure(*TrainerOf(scene, radiance, options.warm), options.rounds, &cost);
  return cost;
}

// One table: rows of x and cost, and its picture.
class Growth {
 public:
  Growth(const Options& options, std::string name, std::string x_label, std::string y_label)
      : options_(options),
        name_(std::move(name)),
        x_label_(std::move(x_label)),
        y_label_(std::move(y_label)) {
    fmt::print(
        "\n| {} | {} | processor time, ms | samples a ray | million samples/s |\n|---|---|---|---|---|\n",
        x_label_, y_label_);
  }
  void Add(double x, const std::string& shown, const Cost& cost, Json* json) {
    fmt::print("| {} | {:.2f} | {:.2f} | {:.1f} | {:.2f} |\n", shown, cost.ms, cost.processor_ms,
               cost.samples_a_ray, cost.million_per_s);
    std::fflush(stdout);
    points_.push_back({x, cost.ms});
    (*json)[name_].push_back({{"x", shown},
                              {"ms", cost.ms},
                              {"processor_ms", cost.processor_ms},
                              {"million_samples_per_s", cost.million_per_s}});
  }
  ~Growth() {
    if (options_.pictures.empty() || points_.size() < 2) return;
    const std::string svg = StandaloneChart(LineChart(
        points_, {.title = y_label_ + " by " + x_label_, .x_label = x_label_, .y_label = y_label_}));
    WriteFileAtomically(std::filesystem::path(options_.pictures) / ("growth_" + name_ + ".svg"), svg);
  }

 private:
  const Options& options_;
  std::string name_, x_label_, y_label_;
  std::vector<ChartPoint> points_;
};

void BySamples(const Scene& scene, const Options& options, Json* json) {
  Growth growth(options, "samples", "samples a step", "ms a step");
  for (int samples = 1 << 14; samples <= 1 << 18; samples *= 2) {
    RadianceOptions radiance = scene.radiance;
    radiance.samples_per_step = samples;
    growth.Add(samples, std::to_string(samples), StepCost(scene, radiance, options), json);
  }
}

void ByTable(const Scene& scene, const Options& options, Json* json) {
  Growth growth(options, "table", "log2 of a level's entries", "ms a step");
  for (int size = 14; size <= 20; ++size) {
    RadianceOptions radiance = scene.radiance;
    radiance.log2_table_size = size;
    growth.Add(size, std::to_string(size), StepCost(scene, radiance, options), json);
  }
}

void ByImages(const Scene& scene, const Options& options, Json* json) {
  Growth growth(options, "images", "training images", "ms a step");
  const int all = static_cast<int>(scene.capture.train.size());
  for (int divisor : {8, 4, 2, 1}) {
    Scene part{.capture = scene.capture, .store = nullptr, .radiance = scene.radiance, .start = scene.start};
    part.capture.train.resize(std::max(1, all / divisor));
    part.store = std::make_unique<ImageStore>(part.capture);
    growth.Add(all / divisor, std::to_string(all / divisor), StepCost(part, scene.radiance, options), json);
  }
}

void MeasureRendering(const Scene& scene, const RadianceModel& model, int side, Cost* cost) {
  const HashRadianceField field(&model);
  const View& view = scene.capture.views[scene.capture.held_out.empty() ? 0 : scene.capture.held_out[0]];
  const Camera camera = SquareView(view.camera, side).square();
  const Stopwatch stopwatch;
  const double processor_start = ProcessorMilliseconds();
  field.Render(camera, view.world_from_camera, {});
  const double ms = stopwatch.Milliseconds(), processor_ms = ProcessorMilliseconds() - processor_start;
  if (cost->ms > 0 && ms >= cost->ms) return;
  SampleTiles tiles;
  const std::vector<Ray> rays = MakeRays(camera, view.world_from_camera);
  const ops::MarchOptions march = model.March(RadianceModel::kFineSteps);  // as Render does
  tiles.March(model.map, model.occupancy, march, rays, {});
  const double samples = static_cast<double>(tiles.num_samples());
  *cost = {.ms = ms,
           .processor_ms = processor_ms,
           .samples_a_ray = samples / static_cast<double>(rays.size()),
           .million_per_s = samples / ms / 1e3};
}

void ByResolution(const Scene& scene, const Options& options, Json* json) {
  const std::unique_ptr<RadianceTrainer> trainer = TrainerOf(scene, scene.radiance, options.warm);
  Growth growth(options, "resolution", "pixels a side", "ms a rendering");
  for (int side : {64, 128, 256, 512, 768}) {
    Cost cost;
    for (int round = 0; round < options.rounds; ++round)
      MeasureRendering(scene, trainer->model(), side, &cost);
    growth.Add(side, std::to_string(side), cost, json);
  }
}

// measure(cost) with 1, 2, 4 ... threads, in turn: what else the machine does changes.
template <class Body>
void AddThreads(const Options& options, Growth& growth, Json* json, const Body& measure) {
  std::vector<Cost> costs;
  for (int round = 0; round < options.rounds; ++round) {
    size_t i = 0;
    for (int threads = 1; threads <= options.threads; threads *= 2, ++i) {
      SetNumThreads(threads);
      if (round == 0) costs.emplace_back();
      measure(&costs[i]);
    }
  }
  for (size_t i = 0; i < costs.size(); ++i) {
    const int threads = 1 << i;
    growth.Add(threads, fmt::format("{} (efficiency {:.2f})", threads, costs[0].ms / costs[i].ms / threads),
               costs[i], json);
  }
  SetNumThreads(options.threads);
}

void ByThreads(const Scene& scene, const Options& options, Json* json) {
  constexpr int kSide = 256;
  {
    Growth growth(options, "threads", "threads", "ms a step");
    AddThreads(options, growth, json,
               [&](Cost* cost) { Measure(*TrainerOf(scene, scene.radiance, options.warm), 2, cost); });
  }
  const std::unique_ptr<RadianceTrainer> trainer = TrainerOf(scene, scene.radiance, options.warm);
  Growth growth(options, "threads_rendering", "threads", fmt::format("ms a rendering of {0} x {0}", kSide));
  AddThreads(options, growth, json,
             [&](Cost* cost) { MeasureRendering(scene, trainer->model(), kSide, cost); });
}

int Main(const Options& options) {
  SetNumThreads(options.threads);
  Results results("bench_growth");
  const Scene scene = Read(options);
  Json json;
  for (const std::string& what : options.what) {
    if (what == "samples") BySamples(scene, options, &json);
    if (what == "table") ByTable(scene, options, &json);
    if (what == "images") ByImages(scene, options, &json);
    if (what == "resolution") ByResolution(scene, options, &json);
    if (what == "threads") ByThreads(scene, options, &json);
  }
  if (!options.json.empty()) WriteJsonFile(options.json, json);
  return 0;
}

}  // namespace
}  // namespace semfield::bench

int main(int argc, char** argv) {
  semfield::bench::Options options;
  CLI::App app("How cost grows");
  app.add_option("--what", options.what, "samples, table, images, resolution, threads")->delimiter(',');
  app.add_option("--capture", options.capture, "Capture to train on");
  app.add_option("--pictures", options.pictures, "Folder for one SVG a table; empty: none");
  app.add_option("--threads", options.threads, "Most threads");
  app.add_option("--warm", options.warm, "Steps before a step is timed");
  app.add_option("--rounds", options.rounds, "Rounds of 16 steps, or renderings, that are timed");
  app.add_option("--json", options.json, "Write the numbers here");
  CLI11_PARSE(app, argc, argv);
  return semfield::bench::Main(options);
}
