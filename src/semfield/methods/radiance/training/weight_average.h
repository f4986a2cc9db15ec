#pragma once

#include <vector>

#include "semfield/training/parameter.h"

namespace semfield {

// The mean of a training's parameters over its last steps (stochastic weight averaging, Izmailov et al.
// 2018), taken every kInterval steps. Noise of single steps cancels out.
class WeightAverage {
 public:
  static constexpr int kInterval = 16;

  WeightAverage() = default;
  // Averages from step `first` on; `first` < last. The parts must outlive this object.
  WeightAverage(std::vector<Parameter*> parts, int first, int last);

  bool enabled() const { return !parts_.empty(); }
  // From `step` on it averages from `first` to `last`; a mean that has begun by then keeps its beginning.
  void Move(int step, int first, int last);
  // To be called after step `step` (counted from 1). After the last one parameters are their mean. True if
  // they changed.
  bool AfterStep(int step);

  // What a training stopped after `step` needs to go on: empty before `first` and once it is done. Views into
  // this object.
  std::vector<TensorView> Tensors(int step) const;
  void Load(const SafetensorsFile& file, int step);

 private:
  int Count(int step) const;  // of the states in the mean after `step`

  std::vector<Parameter*> parts_;
  std::vector<Buffer<float>> means_;
  int first_ = 0, last_ = 0;
};

}  // namespace semfield
