#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "bench/end_to_end/step_data.h"
#include "bench/twin/twin.h"

namespace semfield::bench {

// How the twin does what LibTorch offers several ways for.
struct StepPlan {
  twin::GridPlan grid;
  int64_t mlp_chunk = 0;   // rows a task; 0: whole matrices
  int64_t adam_chunk = 0;  // numbers a task; 0: whole arrays
  bool sparse_adam = false;
  std::string Name() const;
};

// One training step of RadianceTrainer in LibTorch on given samples: encoding, networks, compositing, cut,
// losses, their backward passes and Adam. No autograd: every product is made once, in place where it can be.
// Drawing rays, marching and the occupancy grid are not in it.
class StepTwin {
 public:
  // Takes copies of the trainer's parameters and optimizer moments.
  StepTwin(const RadianceTrainer& trainer, const StepData& data);

  struct Losses {
    double mse = 0, distortion = 0;
    int64_t kept = 0;
  };
  // rate 0 does all the work of a step and leaves the parameters as they are.
  Losses Step(const StepPlan& plan, double grid_rate, double mlp_rate);

  // Change of the parameters since the beginning.
  at::Tensor GridChange() const { return grid_state_.parameters - grid_before_; }
  at::Tensor MlpChange(bool color) const;

 private:
  struct Network {
    twin::Mlp mlp;
    std::vector<int64_t> widths;
    twin::AdamState state;  // all layers one after another; the network's weights are views of it
    at::Tensor before;
  };
  Network MakeNetwork(const RadianceTrainer& trainer, const std::string& name, std::vector<int64_t> widths);
  void Density(const StepPlan& plan);
  at::Tensor Running(const at::Tensor& values, at::Tensor* per_ray) const;
  void Color(const StepPlan& plan);
  at::Tensor ColorLoss(Losses* losses);  // dL/dlogits
  void Distortion(Losses* losses);
  at::Tensor DensityGradient() const;
  void Update(const StepPlan& plan, double grid_rate, double mlp_rate);

  RadianceOptions options_;
  int step_;
  int64_t num_rays_;
  at::Tensor x_, y_, z_, s_, ds_, dt_, ray_, begin_, harmonics_, rgba_, background_;
  twin::HashGrid grid_;
  twin::AdamState grid_state_;
  at::Tensor grid_before_, encoded_;
  Network density_, color_;
  // Of the kept samples, made anew by every step:
  at::Tensor kept_, kept_ray_, kept_begin_;
  at::Tensor kept_density_, kept_dt_, behind_, weight_,
      d_weight_;  // behind_: transmittance behind the sample
  at::Tensor final_, d_final_;
  twin::Mlp density_kept_;
  at::Tensor kept_encoded_, color_input_;
};

}  // namespace semfield::bench
