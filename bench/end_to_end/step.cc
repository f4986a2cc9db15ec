// One whole training step of the default preset beside the same step in LibTorch, in one process: with
// networks in floats and, where the processor can, as the preset has them, in bfloat16 (LibTorch's stay in
// floats):
//   bench_step [--capture C] [--run RUN] [--warm STEPS] [--seconds S] [--threads N] [--json FILE]
// With --run the training goes on from the run's checkpoint; without it STEPS steps are trained first. Losses
// and changes of the parameters are compared before anything is timed; exit code 1 if they differ.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cmath>
#include <limits>

#include "bench/end_to_end/results.h"
#include "bench/end_to_end/step_twin.h"
#include "bench/kernels/contest.h"
#include "bench/twin/configure.h"
#include "semfield/base/parallel.h"
#include "semfield/capture/reader.h"
#include "semfield/catalog/methods.h"
#include "semfield/methods/radiance/model/hash_radiance_field.h"
#include "semfield/ops/small_mlp.h"
#include "semfield/run/opened_run.h"
#include "semfield/training/presets.h"

namespace semfield::bench {
namespace {

constexpr int kStepsAtOnce = 16;  // the occupancy grid is looked at once in so many

struct Options {
  std::string capture = "examples/captures/room", run, json;
  int warm = 1000, threads = 2;
  double seconds = 12;
};

struct Training {
  std::unique_ptr<Capture> capture;
  std::unique_ptr<ImageStore> store;
  std::unique_ptr<RadianceTrainer> trainer;
};

Training Open(const Options& options, bool bfloat16) {
  Training training;
  RadianceOptions radiance;
  if (options.run.empty()) {
    training.capture = std::make_unique<Capture>(ReadCapture(options.capture, {}));
    training.store = std::make_unique<ImageStore>(*training.capture);
    ApplyPreset(LoadPreset("train", "default"), "preset default", {}, &radiance);
    radiance = ResolveRadianceOptions(radiance, *training.capture);
  } else {
    OpenedRun run = OpenRun(options.run, KnownMethods());
    radiance = dynamic_cast<const HashRadianceField&>(run.Field()).model().options;
    training.capture = std::move(run.capture);
    training.store = std::move(run.store);
  }
  radiance.exposure = false;
  radiance.bfloat16 = bfloat16;
  radiance.steps = 1000000;  // never done, and learning rates that stand still
  training.trainer = std::make_unique<RadianceTrainer>(*training.capture, *training.store, radiance);
  if (!options.run.empty()) {
    const RunFolder folder = RunFolder::Open(options.run);
    const Checkpoint checkpoint = LoadCheckpoint(folder.radiance_checkpoint(), "radiance");
    training.trainer->Restore(checkpoint.file, ParseJson(checkpoint.file.Metadata("state"), options.run));
  }
  while (training.trainer->step() < options.warm) training.trainer->Step();
  return training;
}

double Relative(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).norm().item<double>() / std::max(1e-30, b.norm().item<double>());
}

at::Tensor Tensor(const RadianceTrainer& trainer, const std::string& name) {
  for (const TensorView& tensor : trainer.Tensors()) {
    if (tensor.name == name) {
      return at::from_blob(const_cast<std::byte*>(tensor.data.data()),
                           {static_cast<int64_t>(tensor.data.size() / sizeof(float))}, at::kFloat)
          .clone();
    }
  }
  return {};
}

// Relative, of loss, distortion, kept samples and the changes of the three sets of parameters. Adam's step is
// a ratio of gradients: what rounding does to small ones shows in full.
constexpr double kAllowed[] = {1e-3, 1e-3, 1e-3, 2e-2, 2e-2, 2e-2};
constexpr double kAllowedBfloat16[] = {1e-2, 1e-2, 1e-2, 0.2, 0.2, 0.2};

// The same step by both, from the same parameters. True if they agree.
bool SameStep(const Training& training, Results* results) {
  RadianceTrainer& trainer = *training.trainer;
  const StepData data = MakeStepData(*training.capture, *training.store, trainer);
  StepTwin twin(trainer, data);
  const RadianceOptions& options = trainer.model().options;
  const auto rate = [&](double first) {
    return first * std::pow(options.final_learning_rate, static_cast<double>(trainer.step()) / options.steps);
  };
  const StepTwin::Losses losses =
      twin.Step({}, rate(options.grid_learning_rate), rate(options.mlp_learning_rate));
  const at::Tensor grid = Tensor(trainer, "grid"), density = Tensor(trainer, "density_mlp"),
                   color = Tensor(trainer, "color_mlp");
  const RadianceStepStats stats = trainer.Step();
  results->Note("samples marched", static_cast<double>(stats.marched_samples), "");
  results->Note("samples kept", static_cast<double>(stats.kept_samples), "");
  results->Note("rays", static_cast<double>(stats.rays), "");
  const at::Tensor grid_change = Tensor(trainer, "grid") - grid;
  const at::Tensor touched = grid_change.ne(0);  // ours leaves blocks without a gradient alone
  const double differences[] = {std::abs(losses.mse - stats.mse) / stats.mse,
                                std::abs(losses.distortion - stats.distortion) / stats.distortion,
                                std::abs(static_cast<double>(losses.kept - stats.kept_samples)) /
                                    static_cast<double>(stats.kept_samples),
                                Relative(twin.MlpChange(false), Tensor(trainer, "density_mlp") - density),
                                Relative(twin.MlpChange(true), Tensor(trainer, "color_mlp") - color),
                                Relative(twin.GridChange() * touched, grid_change)};
  const char* names[] = {"loss", "distortion", "kept samples", "density network", "colour network", "grid"};
  bool same = true;
  for (int i = 0; i < 6; ++i) {
    results->Note(fmt::format("difference of {}", names[i]), differences[i], "relative");
    const double allowed = options.bfloat16 ? kAllowedBfloat16[i] : kAllowed[i];
    same &= differences[i] < allowed;
  }
  return same;
}

// The reference's fastest way: its parts do not depend on each other's, so each is chosen by itself, over
// again once all others are chosen.
StepPlan FastestPlan(StepTwin& twin) {
  std::vector<std::vector<StepPlan>> parts(3);
  for (const twin::Gather gather : {twin::Gather::kEmbeddingBag, twin::Gather::kIndexSelect}) {
    for (const int64_t points : {0, 1 << 12, 1 << 14}) {
      parts[0].push_back({.grid = {.gather = gather, .chunk = points}});
    }
  }
  for (const int64_t rows : {0, 1 << 10, 1 << 12, 1 << 14}) parts[1].push_back({.mlp_chunk = rows});
  parts[2] = {{.sparse_adam = true}, {.adam_chunk = 0}, {.adam_chunk = 1 << 16}, {.adam_chunk = 1 << 18}};
  StepPlan best;
  for (int round = 0; round < 2; ++round) {
    for (int part = 0; part < 3; ++part) {
      StepPlan fastest = best;
      double least = std::numeric_limits<double>::infinity();
      for (const StepPlan& way : parts[part]) {
        StepPlan plan = best;
        if (part == 0) plan.grid = way.grid;
        if (part == 1) plan.mlp_chunk = way.mlp_chunk;
        if (part == 2) plan.adam_chunk = way.adam_chunk, plan.sparse_adam = way.sparse_adam;
        double ms = std::numeric_limits<double>::infinity();  // of a busy machine, the best says most
        for (int i = 0; i < 4; ++i) ms = std::min(ms, MedianMilliseconds(1, [&] { twin.Step(plan, 0, 0); }));
        if (ms < least) least = ms, fastest = plan;
      }
      best = fastest;
    }
  }
  return best;
}

// Times a step with networks in one precision. True if it was the step that the reference makes.
bool RaceStep(const Options& options, bool bfloat16, Results* results) {
  const Training training = Open(options, bfloat16);
  const bool same = SameStep(training, results);
  const StepData data = MakeStepData(*training.capture, *training.store, *training.trainer);
  StepTwin twin(*training.trainer, data);
  Contest contest;
  contest.ours = [&] {
    for (int step = 0; step < kStepsAtOnce; ++step) training.trainer->Step();
  };
  const StepPlan plan = FastestPlan(twin);
  fmt::print("the reference's fastest way: {}\n", plan.Name());
  contest.twins.push_back([&twin, plan] { twin.Step(plan, 0, 0); });
  const Times times = Race(contest, options.seconds);
  results->Add(bfloat16 ? "step/default" : "step/floats", 1e3 * times.ours / kStepsAtOnce, "libtorch",
               1e3 * times.twin);
  if (!same) fmt::print("FAILED: the two steps differ\n");
  return same;
}

int Main(const Options& options) {
  SetNumThreads(options.threads);
  const std::string libtorch = twin::Configure(options.threads);
  Results results("bench_step");
  fmt::print("reference: {}\n", libtorch);
  bool same = RaceStep(options, false, &results);
  if (ops::MlpHasBfloat16()) same &= RaceStep(options, true, &results);
  results.Write(options.json);
  return same ? 0 : 1;
}

}  // namespace
}  // namespace semfield::bench

int main(int argc, char** argv) {
  semfield::twin::ChooseOpenBlasKernels(argv);
  semfield::bench::Options options;
  CLI::App app("A training step beside the same step in LibTorch");
  app.add_option("--capture", options.capture, "Capture to train on");
  app.add_option("--run", options.run, "Go on from this run's checkpoint instead");
  app.add_option("--warm", options.warm, "Steps that are trained first");
  app.add_option("--seconds", options.seconds, "Time to measure for");
  app.add_option("--threads", options.threads, "Threads of both");
  app.add_option("--json", options.json, "Write the results here");
  CLI11_PARSE(app, argc, argv);
  return semfield::bench::Main(options);
}
