#pragma once

#include <memory>
#include <vector>

#include "semfield/methods/many_scenes.h"
#include "semfield/scenes/nn/torch.h"

namespace semfield {

// The processes of one training, on one or several machines: LibTorch's c10d with Gloo.
class ProcessGroup {
 public:
  // Waits for all others; the one of rank 0 listens at `master`. A wrong address: InputError; no answer
  // within `seconds`: ResourceError.
  explicit ProcessGroup(const TrainingProcesses& processes, double seconds = 300);
  ~ProcessGroup();
  // Every process's tensors become the mean over the processes. One that is gone: ResourceError.
  void Average(std::vector<torch::Tensor>& tensors);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace semfield
