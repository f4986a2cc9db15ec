#include "semfield/methods/radiance/training/radiance_trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/methods/radiance/training/depth_losses.h"
#include "semfield/methods/radiance/training/total_variation.h"
#include "semfield/ops/adam.h"
#include "semfield/training/schedule.h"

namespace semfield {
namespace {

constexpr float kMinTransmittance = 1e-4f;
constexpr double kExposureLearningRate = 3e-2;
constexpr float kPoseFinalRate = 0.03f;
constexpr int kPoseWarmup = 100;  // Adam's second moments know the size of a view's gradients by then
// Parameters that one task of the optimizer takes: multiples of its block of 16.
constexpr size_t kGridPiece = size_t{1} << 17;
constexpr int64_t kNetworkPiece = 1024;
constexpr int kVariationStride = 8;   // between the samples around which the grid is held smooth
constexpr double kTrioShare = 0.25;   // of a step's rays, where plain surfaces are held straight
constexpr double kPointShare = 0.05;  // where sparse points are known
constexpr int kMinRays = 512;
constexpr int kMaxRays = 1 << 16;

size_t SlotSize(const RadianceModel& model) {
  const size_t size = model.density_mlp.size() + model.color_mlp.size();
  return (size + 31) / 16 * 16;  // a line between slots
}

// Step from which poses are refined: before that the field is fog, which has no edges to align with.
int PoseStart(const RadianceOptions& options) {
  return std::min(options.pose_start, options.steps / 4);
}

}  // namespace

double RadianceStepStats::Psnr() const {
  return -10 * std::log10(std::max(mse, 1e-12));
}

RadianceTrainer::RadianceTrainer(const Capture& capture, const ImageStore& store,
                                 const RadianceOptions& options)
    : model_(options, MakeSceneMap(capture)),
      pose_start_(PoseStart(options)),
      sampler_(capture, store, capture.train,
               {.seed = static_cast<uint64_t>(options.seed),
                .steps = options.steps,
                .samples_per_step = options.samples_per_step,
                .depth = options.depth_supervision.value_or(DepthSource::kNone)}),
      occupancy_update_(model_) {
  SF_CHECK_GT(options.steps, 0);
  if (options.exposure)
    exposure_ = ViewExposure(capture.views.size(), capture.train, options.exposure_penalty);
  if (options.average_last > 0) {
    const int first = static_cast<int>(options.steps * (1 - options.average_last));
    average_ = WeightAverage({&model_.grid, &model_.density_mlp, &model_.color_mlp}, first, options.steps);
  }
  if (options.refine_poses) poses_ = PoseRefinement(capture, model_.map.half_extent);
  for (int worker = 0; worker < NumThreads(); ++worker) workers_.push_back(std::make_unique<Worker>(model_));
  slot_gradients_.Resize(kSlots * SlotSize(model_));
  slot_results_.resize(kSlots);
  ReserveBatch();
  for (Parameter* parameter : {&model_.grid, &model_.density_mlp, &model_.color_mlp}) {
    parameter->PrepareTraining();
  }
}

RadianceTrainer::~RadianceTrainer() = default;

void RadianceTrainer::ChangePlan(const PlanChange& change) {
  SF_CHECK_GT(change.steps, change.at_step);
  model_.options.steps = change.steps;
  if (average_.enabled())
    average_.Move(change.at_step, static_cast<int>(change.steps * (1 - model_.options.average_last)),
                  change.steps);
}

// Rays a step follow from how many samples a ray has, which changes all along: room for the most there may
// be.
void RadianceTrainer::ReserveBatch() {
  constexpr double kMostSamples = 2.5;  // of what is aimed at: a new phase doubles a ray's samples at once
  batch_.rays.reserve(kMaxRays);
  batch_.rgba.reserve(4 * kMaxRays);
  batch_.view.reserve(kMaxRays);
  jitter_.reserve(kMaxRays);
  background_.reserve(3 * kMaxRays);
  if (exposure_.enabled()) d_exposure_.reserve(6 * kMaxRays);
  if (poses_.enabled()) ray_columns_.reserve(kMaxRays);
  if (LooksAtDepth()) {
    batch_.depth.reserve(kMaxRays);
    batch_.plainness.reserve(kMaxRays);
  }
  tiles_.Reserve(kMaxRays, static_cast<size_t>(kMostSamples * model_.options.samples_per_step),
                 model_.layout.num_features());
  kept_columns_.reserve(kMaxRays);
  grid_pieces_.reserve(model_.grid.size() / kGridPiece + model_.layout.levels.size());
}

int RadianceTrainer::ActiveLevels() const {
  // Finest levels only fit noise while steps are coarser than their cells: one level joins with each phase.
  const int phase = std::min(step_ / model_.options.phase_steps, model_.options.coarse_phases.value());
  const int missing = std::max(0, model_.options.coarse_phases.value() - 1 - phase);
  return std::max(model_.options.levels / 2, model_.options.levels - missing);
}

float RadianceTrainer::Coarseness() const {
  const int phase = step_ / model_.options.phase_steps;
  return std::exp2(static_cast<float>(std::max(0, model_.options.coarse_phases.value() - 1 - phase)));
}

float RadianceTrainer::LearningRate(double first) const {
  return ExponentialSchedule(step_, model_.options.steps, static_cast<float>(first),
                             static_cast<float>(model_.options.final_learning_rate),
                             model_.options.warmup_steps);
}

bool RadianceTrainer::LooksAtDepth() const {
  return model_.options.plane > 0 || model_.options.nearness.value_or(0) > 0 ||
         model_.options.depth_supervision.value_or(DepthSource::kNone) != DepthSource::kNone;
}

// It chooses among surfaces that explain the photos alike, which is decided early; at the end photos alone
// say where a surface lies.
float RadianceTrainer::Nearness() const {
  return static_cast<float>(model_.options.nearness.value_or(0) *
                            (1 - static_cast<double>(step_) / model_.options.steps));
}

BatchRequest RadianceTrainer::Request(int num_rays) const {
  BatchRequest request{.num_rays = static_cast<size_t>(num_rays),
                       .span = static_cast<float>(model_.options.plane_span)};
  if (model_.options.plane > 0) request.num_trios = static_cast<size_t>(num_rays * kTrioShare / 3);
  if (model_.options.depth_supervision == DepthSource::kPoints)
    request.num_points = static_cast<size_t>(num_rays * kPointShare);
  return request;
}

void RadianceTrainer::DrawBatch() {
  const int num_rays =
      std::clamp(static_cast<int>(model_.options.samples_per_step / samples_per_ray_), kMinRays, kMaxRays) /
      16 * 16;
  Random random(MixSeed(model_.options.seed, step_), 10);
  const BatchRequest request = Request(num_rays);
  sampler_.Sample(step_, random, request, &batch_);
  poses_.MoveRays(&batch_);
  jitter_.resize(num_rays);
  background_.resize(3 * num_rays);
  const Background background = model_.options.background.value();
  const float constant = background == Background::kWhite ? 1.0f : 0.0f;
  for (int r = 0; r < num_rays; ++r) {
    jitter_[r] = random.Uniform();
    for (int k = 0; k < 3; ++k) {
      background_[3 * r + k] = background == Background::kRandom ? random.Uniform() : constant;
    }
  }
  if (exposure_.enabled()) d_exposure_.resize(6 * static_cast<size_t>(num_rays));
  if (poses_.enabled()) ray_columns_.resize(num_rays);
  ops::MarchOptions march = model_.March(Coarseness());
  if (step_ <= OccupancyUpdate::kFirstSweepEnd) march.stop_optical_depth = 0;  // the grid knows nothing yet
  tiles_.March(model_.map, model_.occupancy, march, batch_.rays, jitter_, request.num_trios);
}

// Squared errors of a tile's rays over their backgrounds, and what they ask of colours and transmittances.
double RadianceTrainer::AddColorErrors(const TilePass& pass, Worker& worker) {
  double sum = 0;
  const float scale = 1.0f / static_cast<float>(batch_.size());
  for (int r = 0; r < pass.num_rays(); ++r) {
    const size_t ray = pass.first_ray() + r;
    const float* rgba = batch_.rgba.data() + 4 * ray;
    const float* behind = background_.data() + 3 * ray;
    const float through = pass.final_transmittance()[r];
    float color[3], shown[3], d[3];
    for (int k = 0; k < 3; ++k) color[k] = pass.rgb()[k * ops::kTileStride + r] + through * behind[k];
    const ColorMap exposure = exposure_.map(batch_.view[ray]);
    if (exposure_.enabled()) {
      exposure.Show(color, shown);
    } else {
      std::copy_n(color, 3, shown);
    }
    for (int k = 0; k < 3; ++k) {
      const float target = rgba[k] * rgba[3] + behind[k] * (1 - rgba[3]);
      const float error = shown[k] - target;
      sum += error * error / 3;
      d[k] = 2.0f / 3 * error * scale;
    }
    if (exposure_.enabled()) exposure.Backward(color, d, d_exposure_.data() + 6 * ray);
    worker.d_final[r] = 0;
    for (int k = 0; k < 3; ++k) {
      worker.d_rgb[k * ops::kTileStride + r] = d[k];
      worker.d_final[r] += d[k] * behind[k];
    }
    if (model_.options.opacity > 0) {
      // Binary entropy of the opacity: dH/dT = log((1 - T) / T).
      const float t = std::clamp(through, 1e-4f, 1 - 1e-4f);
      worker.d_final[r] += static_cast<float>(model_.options.opacity) * scale * std::log((1 - t) / t);
    }
  }
  return sum;
}

RadianceTrainer::SlotResult RadianceTrainer::RunTile(Worker& worker, size_t tile, int slot) {
  TilePass& pass = worker.pass;
  pass.TrainInBfloat16(model_.options.bfloat16);
  pass.Density(tiles_, tile, kMinTransmittance, /*training=*/true);
  pass.Color(batch_.rays, /*training=*/true);
  SlotResult result{.mse = AddColorErrors(pass, worker)};
  const float scale = 1.0f / static_cast<float>(batch_.size());
  if (LooksAtDepth()) {
    result.depth = AddDepthLosses(pass, batch_, tiles_.t(tile),
                                  {.plane = static_cast<float>(model_.options.plane) * scale,
                                   .known = static_cast<float>(model_.options.depth_weight) * scale,
                                   .near = Nearness() * scale,
                                   .length_scale = model_.LengthScale()},
                                  {worker.d_weight.data(), worker.d_final.data()});
  }
  float* gradients = slot_gradients_.data() + slot * SlotSize(model_);
  pass.Backward({.d_rgb = worker.d_rgb.data(),
                 .d_final_transmittance = worker.d_final.data(),
                 .d_weight = LooksAtDepth() ? worker.d_weight.data() : nullptr,
                 .distortion_scale = static_cast<float>(model_.options.distortion.value()) * scale,
                 .density_mlp = gradients,
                 .color_mlp = gradients + model_.density_mlp.size()});
  for (int r = 0; r < pass.num_rays(); ++r) result.distortion += pass.distortion()[r];
  for (int r = 0; poses_.enabled() && r < pass.num_rays(); ++r) {
    ray_columns_[pass.first_ray() + r] = pass.begin()[r + 1] - pass.begin()[r];
  }
  result.kept = pass.columns();
  return result;
}

void RadianceTrainer::RunTiles() {
  const size_t num_tiles = tiles_.tiles().size();
  kept_columns_.resize(num_tiles);
  std::fill(slot_results_.begin(), slot_results_.end(), SlotResult{});
  ParallelFor(kSlots, [&](int64_t slot, int worker) {
    float* gradients = slot_gradients_.data() + slot * SlotSize(model_);
    std::fill_n(gradients, SlotSize(model_), 0.0f);
    for (size_t tile = num_tiles * slot / kSlots; tile < num_tiles * (slot + 1) / kSlots; ++tile) {
      const SlotResult result = RunTile(*workers_[worker], tile, static_cast<int>(slot));
      kept_columns_[tile] = static_cast<int>(result.kept);
      slot_results_[slot].mse += result.mse;
      slot_results_[slot].distortion += result.distortion;
      slot_results_[slot].depth += result.depth;
      slot_results_[slot].kept += result.kept;
    }
  });
}

// Before the grid's own update: the gradient is of the field that the step rendered.
void RadianceTrainer::UpdatePoses(int active_levels) {
  const RadianceOptions& options = model_.options;
  const int first = pose_start_;
  if (!poses_.enabled() || step_ < first) return;
  ray_gradients_.Compute(model_, tiles_, batch_.rays, ray_columns_, active_levels);
  const float learning_rate =
      ExponentialSchedule(step_ - first, options.steps - first,
                          static_cast<float>(options.pose_learning_rate), kPoseFinalRate, kPoseWarmup);
  poses_.Update(batch_, ray_gradients_.gradients(),
                {.learning_rate = learning_rate,
                 .step = step_ - first + 1,
                 .shift_decay = static_cast<float>(options.pose_shift_decay)});
}

void RadianceTrainer::UpdateGrid(int active_levels) {
  const int features = model_.layout.config.features_per_level;
  int64_t kept = 0;
  for (const int columns : kept_columns_) kept += columns;
  const auto variation = static_cast<float>(model_.options.total_variation * kVariationStride /
                                            static_cast<double>(std::max<int64_t>(1, kept)));
  ParallelFor(active_levels, [&](int64_t task, int) {
    const int level = active_levels - 1 - static_cast<int>(task);  // the largest tables first
    for (size_t tile = 0; tile < kept_columns_.size(); ++tile) {
      if (kept_columns_[tile] == 0) continue;
      const float* rows = tiles_.encoded(tile) + static_cast<size_t>(level) * features * ops::kTileStride;
      const ops::GridPoints points = tiles_.points(tile, kept_columns_[tile]);
      ops::HashGridBackward(model_.layout, level, points, rows, ops::kTileStride,
                            model_.grid.gradient.data());
      if (variation > 0) {
        AddTotalVariation(model_.layout, level, points, kVariationStride, variation, &model_.grid);
      }
    }
  });
  StepGrid(active_levels);
}

// Levels in pieces, so that many threads have something to do.
void RadianceTrainer::StepGrid(int active_levels) {
  const size_t features = model_.layout.config.features_per_level;
  grid_pieces_.clear();
  for (int level = active_levels - 1; level >= 0; --level) {
    const size_t count = model_.layout.levels[level].num_entries * features;
    for (size_t begin = 0; begin < count; begin += kGridPiece) {
      grid_pieces_.push_back({level, begin, std::min(kGridPiece, count - begin)});
    }
  }
  ParallelFor(static_cast<int64_t>(grid_pieces_.size()), [&](int64_t task, int) {
    const GridPiece& piece = grid_pieces_[task];
    const ops::HashGridLevel& level = model_.layout.levels[piece.level];
    const ops::AdamOptions adam = {
        .learning_rate = LearningRate(model_.options.grid_learning_rate) *
                         static_cast<float>(std::pow(model_.options.level_weight, piece.level)),
        .l2 = static_cast<float>(2 * model_.options.grid_decay /
                                 (static_cast<double>(level.num_entries) * static_cast<double>(features))),
        .step = step_ + 1,
        .sparse = true};
    model_.grid.Step(adam, level.offset + piece.begin, piece.count);
  });
}

void RadianceTrainer::UpdateNetwork(Parameter& network, size_t slot_offset) {
  const ops::AdamOptions adam = {.learning_rate = LearningRate(model_.options.mlp_learning_rate),
                                 .l2 = static_cast<float>(model_.options.mlp_l2),
                                 .step = step_ + 1};
  ParallelChunks(static_cast<int64_t>(network.size()), kNetworkPiece, [&](int64_t begin, int64_t end, int) {
    for (int slot = 0; slot < kSlots; ++slot) {
      const float* gradient = slot_gradients_.data() + slot * SlotSize(model_) + slot_offset;
      for (int64_t i = begin; i < end; ++i) network.gradient[i] += gradient[i];
    }
    network.Step(adam, static_cast<size_t>(begin), static_cast<size_t>(end - begin));
  });
}

// What the first layer of the colours takes from a ray's direction (all harmonics but the constant one)
// shrinks.
void RadianceTrainer::HoldDirections() {
  const double decay = model_.options.direction_decay;
  if (decay <= 0) return;
  const auto share =
      static_cast<float>(std::max(0.0, 1 - LearningRate(model_.options.mlp_learning_rate) * decay));
  const ops::MlpShape& shape = model_.color_shape;
  for (int out = 0; out < shape.hidden; ++out) {
    float* weights = model_.color_mlp.values.data() + static_cast<size_t>(out) * shape.input;
    for (int in = RadianceModel::kGeometryRows + 1; in < shape.input; ++in) weights[in] *= share;
  }
}

RadianceStepStats RadianceTrainer::Step() {
  DrawBatch();
  const int active_levels = ActiveLevels();
  tiles_.Encode(model_.layout, model_.grid.half.data(), active_levels);
  RunTiles();
  UpdatePoses(active_levels);
  UpdateGrid(active_levels);
  UpdateNetwork(model_.density_mlp, 0);
  UpdateNetwork(model_.color_mlp, model_.density_mlp.size());
  HoldDirections();
  if (exposure_.enabled())
    exposure_.Update(batch_.view, d_exposure_, LearningRate(kExposureLearningRate), step_ + 1);
  ++step_;
  if (average_.AfterStep(step_)) model_.grid.UpdateHalf();
  occupancy_update_.AfterStep(step_, active_levels, model_);

  RadianceStepStats stats = {.rays = static_cast<int64_t>(batch_.size()),
                             .marched_samples = tiles_.num_samples(),
                             .cut_rays = tiles_.num_cut_rays()};
  for (const SlotResult& slot : slot_results_) {
    stats.mse += slot.mse / stats.rays;
    stats.distortion += slot.distortion / stats.rays;
    stats.depth += slot.depth;
    stats.kept_samples += slot.kept;
  }
  const double marched = std::max(1.0, static_cast<double>(stats.marched_samples) / stats.rays);
  samples_per_ray_ = 0.8 * samples_per_ray_ + 0.2 * marched;
  return stats;
}

std::vector<TensorView> RadianceTrainer::Tensors() const {
  std::vector<TensorView> tensors = model_.Tensors();
  if (!Done()) {
    for (const Parameter* parameter : {&model_.grid, &model_.density_mlp, &model_.color_mlp}) {
      parameter->AppendMomentTensors(&tensors);
    }
  }
  for (TensorView& tensor : average_.Tensors(step_)) tensors.push_back(std::move(tensor));
  for (const ViewTerm* term : std::initializer_list<const ViewTerm*>{&exposure_, &poses_}) {
    for (TensorView& tensor : term->Tensors()) tensors.push_back(std::move(tensor));
  }
  return tensors;
}

Json RadianceTrainer::State() const {
  return {{"step", step_}, {"samples_per_ray", samples_per_ray_}};
}

void RadianceTrainer::Restore(const SafetensorsFile& file, const Json& state) {
  model_.LoadTensors(file);
  step_ = state.at("step").get<int>();
  if (!Done()) {
    for (Parameter* parameter : {&model_.grid, &model_.density_mlp, &model_.color_mlp}) {
      parameter->LoadMoments(file);
    }
  }
  average_.Load(file, step_);
  for (ViewTerm* term : std::initializer_list<ViewTerm*>{&exposure_, &poses_}) term->Load(file);
  samples_per_ray_ = state.at("samples_per_ray").get<double>();
  occupancy_update_.Restore(step_, model_);
}

}  // namespace semfield
