#pragma once

#include <memory>
#include <vector>

#include "semfield/capture/capture.h"
#include "semfield/capture/image_store.h"
#include "semfield/capture/ray_batch.h"
#include "semfield/methods/radiance/model/radiance_model.h"
#include "semfield/methods/radiance/model/sample_tiles.h"
#include "semfield/methods/radiance/model/tile_pass.h"
#include "semfield/methods/radiance/training/occupancy_update.h"
#include "semfield/methods/radiance/training/ray_gradients.h"
#include "semfield/methods/radiance/training/weight_average.h"
#include "semfield/methods/radiance/views/pose_refinement.h"
#include "semfield/methods/radiance/views/view_exposure.h"
#include "semfield/training/plan.h"
#include "semfield/training/safetensors.h"

namespace semfield {

struct RadianceStepStats {
  double mse = 0;         // mean squared error of the step's rays, linear in [0, 1] colours
  double distortion = 0;  // mean, unscaled
  double depth = 0;       // losses on depth, mean, weighted
  int64_t rays = 0;
  int64_t marched_samples = 0;
  int64_t kept_samples = 0;
  int64_t cut_rays = 0;  // with more samples than a tile holds
  double Psnr() const;
};

// Trains one scene's radiance field. The same capture, options and thread-independent order give the same
// bits: random numbers come from (seed, step), sums are taken in a fixed order. `capture` and `store` must
// outlive it.
class RadianceTrainer {
 public:
  // options are resolved and options.steps > 0.
  RadianceTrainer(const Capture& capture, const ImageStore& store, const RadianceOptions& options);
  ~RadianceTrainer();

  RadianceStepStats Step();
  int step() const { return step_; }
  // As SceneTrainer::ChangePlan.
  void ChangePlan(const PlanChange& change);
  bool Done() const { return step_ >= model_.options.steps; }
  RadianceModel& model() { return model_; }
  const RadianceModel& model() const { return model_; }
  const ViewExposure& exposure() const { return exposure_; }
  const PoseRefinement& poses() const { return poses_; }

  // Everything a resumed training needs, beside the options; once Done() only what the field and its exposure
  // are. Tensors are views into this object.
  std::vector<TensorView> Tensors() const;
  Json State() const;
  void Restore(const SafetensorsFile& file, const Json& state);

 private:
  struct SlotResult {
    double mse = 0, distortion = 0, depth = 0;
    int64_t kept = 0;
  };
  struct Worker {
    explicit Worker(const RadianceModel& model) : pass(model) {}
    TilePass pass;
    std::vector<float> d_rgb = std::vector<float>(3 * ops::kTileStride);
    std::vector<float> d_final = std::vector<float>(ops::kTileStride);
    std::vector<float> d_weight = std::vector<float>(ops::kTileStride);
  };
  static constexpr int kSlots = 32;  // tiles are dealt to slots, whose gradients are summed in order

  void ReserveBatch();
  void DrawBatch();
  void RunTiles();
  bool LooksAtDepth() const;
  float Nearness() const;
  BatchRequest Request(int num_rays) const;
  double AddColorErrors(const TilePass& pass, Worker& worker);
  SlotResult RunTile(Worker& worker, size_t tile, int slot);
  void UpdatePoses(int active_levels);
  void UpdateGrid(int active_levels);
  void StepGrid(int active_levels);
  void UpdateNetwork(Parameter& network, size_t slot_offset);
  void HoldDirections();
  float LearningRate(double first) const;
  int ActiveLevels() const;
  float Coarseness() const;

  RadianceModel model_;
  const int pose_start_;  // step from which poses are refined
  RaySampler sampler_;
  OccupancyUpdate occupancy_update_;
  ViewExposure exposure_;
  std::vector<float> d_exposure_;  // [num_rays, 6]
  WeightAverage average_;
  PoseRefinement poses_;
  RayGradients ray_gradients_;
  std::vector<int32_t> ray_columns_;  // [num_rays] kept
  int step_ = 0;
  double samples_per_ray_ = 64;
  RayBatch batch_;
  std::vector<float> jitter_, background_;
  SampleTiles tiles_;
  std::vector<int> kept_columns_;  // [tiles]
  std::vector<std::unique_ptr<Worker>> workers_;
  Buffer<float> slot_gradients_;  // [kSlots][density_mlp | color_mlp]
  std::vector<SlotResult> slot_results_;
  struct GridPiece {
    int level;
    size_t begin, count;  // parameters of the level
  };
  std::vector<GridPiece> grid_pieces_;
};

}  // namespace semfield
