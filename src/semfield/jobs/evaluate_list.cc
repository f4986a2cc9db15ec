#include "semfield/jobs/evaluate_list.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>

#include "semfield/evaluation/class_scores.h"

namespace semfield {
namespace {

constexpr char kConfusion[] = "confusion", kPooled[] = "pooled", kMean[] = "mean";

Json Statistics(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / n;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {{kMean, mean},
          {"standard_error", values.size() < 2 ? Json(nullptr) : Json(std::sqrt(squares / (n - 1) / n))},
          {"scenes", values.size()}};
}

// Nothing: matrices of different classes.
std::optional<ConfusionMatrix> Sum(const std::vector<Json>& matrices) {
  ConfusionMatrix sum = ConfusionMatrix::FromJson(matrices.front());
  for (size_t i = 1; i < matrices.size(); ++i) {
    const ConfusionMatrix one = ConfusionMatrix::FromJson(matrices[i]);
    if (one.num_classes() != sum.num_classes()) return std::nullopt;
    sum.Merge(one);
  }
  return sum;
}

}  // namespace

Json OverScenes(const std::vector<Json>& metrics) {
  Json summary = Json::object();
  for (const Json& one : metrics) {
    for (const auto& [key, unused] : one.items()) {
      if (summary.contains(key) || (key == kConfusion && summary.contains(kPooled))) continue;
      std::vector<Json> objects, matrices;
      std::vector<double> numbers;
      for (const Json& other : metrics) {
        if (!other.contains(key)) continue;
        const Json& value = other[key];
        if (value.is_object()) objects.push_back(value);
        if (value.is_number()) numbers.push_back(value.get<double>());
        if (value.is_array() && key == kConfusion) matrices.push_back(value);
      }
      if (!objects.empty()) summary[key] = OverScenes(objects);
      if (!numbers.empty()) summary[key] = Statistics(numbers);
      if (matrices.empty()) continue;
      if (const std::optional<ConfusionMatrix> sum = Sum(matrices)) summary[kPooled] = ScoresJson(*sum);
    }
  }
  return summary;
}

std::vector<std::string> OverScenesText(const Json& summary, const std::string& prefix) {
  std::vector<std::string> text;
  for (const auto& [key, value] : summary.items()) {
    const std::string name = prefix.empty() ? key : prefix + "." + key;
    if (key == kPooled) {
      std::string line = name + ":";
      for (const auto& [score, number] : value.items())
        line += fmt::format(" {} {:.4g}", score, number.get<double>());
      text.push_back(line + " (of one confusion matrix)");
    } else if (value.contains(kMean)) {
      std::string line = fmt::format("{}: {:.4g}", name, value[kMean].get<double>());
      if (value["standard_error"].is_number())
        line += fmt::format(", standard error {:.2g}", value["standard_error"].get<double>());
      text.push_back(fmt::format("{}, {} scenes", line, value["scenes"].get<int>()));
    } else if (value.is_object() && key != "iou") {
      for (std::string& line : OverScenesText(value, name)) text.push_back(std::move(line));
    }
  }
  return text;
}

}  // namespace semfield
