#include "semfield/evaluation/instance_ap.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "semfield/base/assignment.h"
#include "semfield/base/check.h"

namespace semfield {
namespace {

struct Overlaps {
  std::map<int, int> predicted, truth;   // number to row or column
  std::vector<std::vector<double>> iou;  // [predicted][truth]
  std::vector<double> confidence;        // [predicted]
};

double Median(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Overlaps OverlapsOf(const InstancePicture& predicted, const std::vector<int>& truth) {
  Overlaps of;
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0) continue;
    of.truth.emplace(truth[i], 0);
    if (predicted.ids[i] >= 0) of.predicted.emplace(predicted.ids[i], 0);
  }
  int next = 0;
  for (auto& [id, row] : of.predicted) row = next++;
  next = 0;
  for (auto& [id, column] : of.truth) column = next++;
  std::vector<std::vector<double>> both(of.predicted.size(), std::vector<double>(of.truth.size()));
  std::vector<double> rows(of.predicted.size()), columns(of.truth.size());
  std::vector<std::vector<float>> confidence(of.predicted.size());
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] < 0) continue;
    const int column = of.truth.at(truth[i]);
    ++columns[column];
    if (predicted.ids[i] < 0) continue;
    const int row = of.predicted.at(predicted.ids[i]);
    ++rows[row];
    ++both[row][column];
    confidence[row].push_back(predicted.confidence.empty() ? 1.0f : predicted.confidence[i]);
  }
  of.iou = both;
  for (size_t r = 0; r < rows.size(); ++r) {
    of.confidence.push_back(Median(confidence[r]));
    for (size_t c = 0; c < columns.size(); ++c)
      of.iou[r][c] = both[r][c] / (rows[r] + columns[c] - both[r][c]);
  }
  return of;
}

// right: of masks by falling confidence.
double AreaUnder(const std::vector<bool>& right, size_t things) {
  std::vector<double> precision, recall;
  double found = 0;
  for (size_t i = 0; i < right.size(); ++i) {
    found += right[i];
    precision.push_back(found / static_cast<double>(i + 1));
    recall.push_back(found / static_cast<double>(things));
  }
  for (size_t i = precision.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
  double area = 0, before = 0;
  for (size_t i = 0; i < precision.size(); ++i) {
    area += (recall[i] - before) * precision[i];
    before = recall[i];
  }
  return area;
}

}  // namespace

std::vector<double> AveragePrecisions(const InstancePicture& predicted, const std::vector<int>& truth,
                                      const std::vector<double>& thresholds) {
  SF_CHECK(predicted.ids.size() == truth.size());
  const Overlaps of = OverlapsOf(predicted, truth);
  if (of.truth.empty()) return {};
  std::vector<std::vector<double>> costs = of.iou;
  for (std::vector<double>& row : costs) {
    for (double& cost : row) cost = 1 - cost;
  }
  const std::vector<int> thing_of = LeastCostAssignment(costs);
  std::vector<size_t> order(of.iou.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return of.confidence[a] > of.confidence[b]; });
  std::vector<double> areas;
  for (const double threshold : thresholds) {
    std::vector<bool> right;
    for (const size_t mask : order)
      right.push_back(thing_of[mask] >= 0 && of.iou[mask][thing_of[mask]] > threshold);
    areas.push_back(AreaUnder(right, of.truth.size()));
  }
  return areas;
}

}  // namespace semfield
