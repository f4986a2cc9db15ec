#include "semfield/evaluation/class_scores.h"

#include <numeric>

#include "semfield/base/check.h"
#include "semfield/base/error.h"

namespace semfield {

ConfusionMatrix::ConfusionMatrix(int num_classes)
    : num_classes_(num_classes), counts_(static_cast<size_t>(num_classes) * (num_classes + 1), 0) {}

void ConfusionMatrix::Add(int truth, int answer) {
  SF_CHECK_LT(truth, num_classes_);
  SF_CHECK_LT(answer, num_classes_);
  if (truth < 0) return;
  const int column = answer < 0 ? num_classes_ : answer;
  ++counts_[static_cast<size_t>(truth) * (num_classes_ + 1) + column];
}

void ConfusionMatrix::Merge(const ConfusionMatrix& other) {
  SF_CHECK_EQ(num_classes_, other.num_classes_);
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

int64_t ConfusionMatrix::scored() const {
  return std::accumulate(counts_.begin(), counts_.end(), int64_t{0});
}

int64_t ConfusionMatrix::At(int truth, int answer) const {
  return counts_[static_cast<size_t>(truth) * (num_classes_ + 1) + (answer < 0 ? num_classes_ : answer)];
}

std::optional<double> ConfusionMatrix::Iou(int class_id) const {
  int64_t is = 0, answered = 0;
  for (int other = -1; other < num_classes_; ++other) {
    is += At(class_id, other);
    if (other >= 0) answered += At(other, class_id);
  }
  if (is == 0) return std::nullopt;
  const int64_t both = At(class_id, class_id);
  return static_cast<double>(both) / static_cast<double>(is + answered - both);
}

double ConfusionMatrix::MeanIou() const {
  double sum = 0;
  int present = 0;
  for (int c = 0; c < num_classes_; ++c) {
    const std::optional<double> iou = Iou(c);
    if (!iou) continue;
    sum += *iou;
    ++present;
  }
  return present == 0 ? 0 : sum / present;
}

double ConfusionMatrix::TotalAccuracy() const {
  int64_t right = 0;
  for (int c = 0; c < num_classes_; ++c) right += At(c, c);
  return scored() == 0 ? 0 : static_cast<double>(right) / static_cast<double>(scored());
}

double ConfusionMatrix::AverageAccuracy() const {
  double sum = 0;
  int present = 0;
  for (int c = 0; c < num_classes_; ++c) {
    int64_t is = 0;
    for (int other = -1; other < num_classes_; ++other) is += At(c, other);
    if (is == 0) continue;
    sum += static_cast<double>(At(c, c)) / static_cast<double>(is);
    ++present;
  }
  return present == 0 ? 0 : sum / present;
}

Json ConfusionMatrix::ToJson() const {
  Json rows = Json::array();
  for (int truth = 0; truth < num_classes_; ++truth) {
    const auto begin = counts_.begin() + static_cast<ptrdiff_t>(truth) * (num_classes_ + 1);
    rows.push_back(std::vector<int64_t>(begin, begin + num_classes_ + 1));
  }
  return rows;
}

ConfusionMatrix ConfusionMatrix::FromJson(const Json& rows) {
  ConfusionMatrix matrix(static_cast<int>(rows.size()));
  size_t next = 0;
  for (const Json& row : rows) {
    if (!row.is_array() || row.size() != rows.size() + 1)
      throw InputError("confusion: expected {} rows of {} counts", rows.size(), rows.size() + 1);
    for (const Json& count : row) {
      if (!count.is_number_unsigned() && !(count.is_number_integer() && count.get<int64_t>() >= 0))
        throw InputError("confusion: expected counts from 0 up");
      matrix.counts_[next++] = count.get<int64_t>();
    }
  }
  return matrix;
}

Json ScoresJson(const ConfusionMatrix& matrix) {
  return {{"miou", matrix.MeanIou()},
          {"total_accuracy", matrix.TotalAccuracy()},
          {"average_accuracy", matrix.AverageAccuracy()}};
}

}  // namespace semfield
