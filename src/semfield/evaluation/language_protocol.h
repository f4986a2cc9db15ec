#pragma once

#include <memory>
#include <vector>

#include "semfield/evaluation/class_images.h"
#include "semfield/evaluation/class_scores.h"
#include "semfield/evaluation/protocol.h"

namespace semfield {

// How pictures of classes agree with labels, counted two ways: each view for itself, and all pixels in one
// matrix.
class ClassScore {
 public:
  explicit ClassScore(int num_classes) : all_(num_classes) {}
  // Pixels whose label is kNoClass do not count; an answer of kNoClass is wrong.
  void Add(const ClassImage& answer, const ClassImage& truth);

  // Of each view that was added: the mean IoU over the classes that its labels or the answer show there
  // (3D-OVS, released code), and the share of right pixels.
  const std::vector<double>& view_ious() const { return view_ious_; }
  const std::vector<double>& view_accuracies() const { return view_accuracies_; }
  // All pixels of all views.
  const ConfusionMatrix& all() const { return all_; }

 private:
  ConfusionMatrix all_;
  std::vector<double> view_ious_, view_accuracies_;
};

std::shared_ptr<const Protocol> MakeLanguageProtocol();

}  // namespace semfield
