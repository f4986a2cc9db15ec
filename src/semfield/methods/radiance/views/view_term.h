#pragma once

#include <span>
#include <string>
#include <vector>

#include "semfield/training/parameter.h"

namespace semfield {

// What is learned of each training view beside the field: six numbers, zero where the photo is taken as it
// was given (view_exposure.h: its colours, pose_refinement.h: its camera). What all views have in common is
// the field's to learn; a term takes it out of its numbers after every step.
class ViewTerm {
 public:
  static constexpr int kNumbers = 6;
  static constexpr int kStride = 16;  // floats a view: six numbers, padding up to one block of the optimizer

  virtual ~ViewTerm() = default;
  ViewTerm(ViewTerm&&) = default;
  ViewTerm& operator=(ViewTerm&&) = default;

  bool enabled() const { return !views_.empty(); }
  // Of a view of the capture; enabled.
  std::span<const float> numbers(int view) const { return {of(view), kNumbers}; }

  // Values and moments; none when not enabled.
  std::vector<TensorView> Tensors() const;
  // Nothing when not enabled.
  void Load(const SafetensorsFile& file);

 protected:
  ViewTerm() = default;  // not enabled
  // `views`: indices of the training views among num_views. `name` is that of the tensor in a checkpoint.
  ViewTerm(std::string name, size_t num_views, std::vector<int> views);

  const std::vector<int>& views() const { return views_; }
  const float* of(int view) const { return block_.values.data() + static_cast<size_t>(view) * kStride; }
  float* of(int view) { return block_.values.data() + static_cast<size_t>(view) * kStride; }

  Parameter block_;  // [num_views, kStride]

 private:
  virtual void AfterLoad() {}

  std::vector<int> views_;
};

}  // namespace semfield
