#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "semfield/base/json.h"

namespace semfield {

// How often each true class was taken for each class. An answer below 0 is "none", and is wrong.
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(int num_classes);
  // truth below 0: not scored. Ids of num_classes and above are bugs of the caller.
  void Add(int truth, int answer);
  void Merge(const ConfusionMatrix& other);

  int num_classes() const { return num_classes_; }
  int64_t scored() const;                         // places
  int64_t At(int truth, int answer) const;        // answer -1: none
  std::optional<double> Iou(int class_id) const;  // nothing: the class is not in the truth
  double MeanIou() const;                         // over the classes of the truth; 0 without any
  double TotalAccuracy() const;                   // share of places that are right
  double AverageAccuracy() const;                 // mean over the classes of the truth of their recall

  // [num_classes] rows of [num_classes + 1] counts, the last of them "none". Not such rows: InputError.
  Json ToJson() const;
  static ConfusionMatrix FromJson(const Json& rows);

 private:
  int num_classes_ = 0;
  std::vector<int64_t> counts_;  // [num_classes, num_classes + 1]
};

// {"miou", "total_accuracy", "average_accuracy"}.
Json ScoresJson(const ConfusionMatrix& matrix);

}  // namespace semfield
