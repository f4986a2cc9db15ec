#include "semfield/evaluation/object_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <tuple>

#include "semfield/base/error.h"
#include "semfield/base/stopwatch.h"
#include "semfield/capture/readers/object_sheets.h"

namespace semfield {
namespace {

constexpr size_t kMaxKeptBytes = size_t{1} << 30;
constexpr size_t kMaxKeptPictures = 256;
constexpr char kAllCategories[] = "all";

// Features of the pictures of one category by one row, the last ones kept.
class FeatureSource {
 public:
  FeatureSource(const LoadedObjects& objects, const ObjectFeatures& features, bool surface,
                const StopToken* stop)
      : objects_(objects), features_(features), surface_(surface), stop_(stop) {}

  PairFeatures Of(const ObjectPair& pair) {
    const bool renders = pair.source == pair.target && features_.sees_other_cameras();
    const int target = renders ? pair.source : pair.target;
    const int target_from = renders ? pair.source_view : pair.target_view;
    PairFeatures found;
    found.source = Pixels(pair.source, pair.source_view, pair.source_view);
    found.target = Pixels(target, target_from, pair.target_view);
    if (surface_ && pair.source != pair.target && !objects_.points[pair.source].positions.empty() &&
        !objects_.points[pair.target].positions.empty()) {
      found.source_surface = Surface(pair.source, pair.source_view);
      found.target_surface = Surface(pair.target, pair.target_view);
    }
    found.seen_source = &See(pair.source, pair.source_view);
    return found;
  }

 private:
  using Key = std::tuple<int, int, int>;  // object, view of the picture, view that is rendered

  const SeenObject& See(int object, int view) {
    const auto found = seen_.find({object, view});
    if (found != seen_.end()) return *found->second;
    const ObjectViews& views = *objects_.category.objects[object];
    if (seen_.size() >= kMaxKeptPictures) {
      seen_.erase(seen_order_.front());
      seen_order_.pop_front();
    }
    seen_order_.emplace_back(object, view);
    return *(seen_[{object, view}] = features_.See({.rgba = objects_.pictures[object][view],
                                                    .camera = views.camera,
                                                    .world_from_camera = views.world_from_camera[view],
                                                    .name = fmt::format("{}/{}", views.id, view)},
                                                   stop_));
  }

  const FeatureRows& Pixels(int object, int view, int shown) {
    const Key key{object, view, shown};
    const auto found = rows_.find(key);
    if (found != rows_.end()) return found->second;
    const ObjectViews& views = *objects_.category.objects[object];
    FeatureRows rows = RowsOf(See(object, view)
                                  .Render(views.camera, views.world_from_camera[shown], views.camera.width,
                                          views.camera.height, stop_));
    kept_bytes_ += rows.bytes();
    while (kept_bytes_ > kMaxKeptBytes && !rows_order_.empty()) {
      kept_bytes_ -= rows_.at(rows_order_.front()).bytes();
      rows_.erase(rows_order_.front());
      rows_order_.pop_front();
    }
    rows_order_.push_back(key);
    return rows_[key] = std::move(rows);
  }

  FeatureRows Surface(int object, int view) {
    std::vector<Vec3> places = objects_.points[object].positions;
    for (const ObjectKeypoint& keypoint : objects_.category.objects[object]->keypoints)
      places.push_back(keypoint.position.value_or(Vec3::Zero()));
    std::vector<float> values(places.size() * features_.channels());
    See(object, view).At(places, values, stop_);
    return RowsOf(values, features_.channels());
  }

  const LoadedObjects& objects_;
  const ObjectFeatures& features_;
  const bool surface_;
  const StopToken* stop_;
  std::map<std::pair<int, int>, std::unique_ptr<SeenObject>> seen_;
  std::deque<std::pair<int, int>> seen_order_;
  std::map<Key, FeatureRows> rows_;
  std::deque<Key> rows_order_;
  size_t kept_bytes_ = 0;
};

struct Mean {
  double sum = 0, squares = 0;
  int count = 0;
  void Add(double value) {
    sum += value;
    squares += value * value;
    ++count;
  }
  double value() const { return sum / count; }
  // Of the mean.
  double error() const {
    if (count < 2) return 0;
    const double variance = std::max(0.0, squares / count - value() * value()) * count / (count - 1);
    return std::sqrt(variance / count);
  }
};
// [row][metric]
using RowMeans = std::map<std::string, std::map<std::string, Mean>>;

class Walk {
 public:
  Walk(const std::string& protocol, const std::vector<PairMetric>& metrics, const PairScorer& scorer,
       const ObjectProtocolInputs& inputs, const JobControl& control)
      : metrics_(metrics), scorer_(scorer), inputs_(inputs), control_(control) {
    result_.protocol = protocol;
  }

  ProtocolResult Run() {
    for (const std::filesystem::path& folder : inputs_.categories) WalkCategory(folder);
    for (const std::string& list : inputs_.lists) {
      if (inputs_.categories.size() > 1) Tell(kAllCategories, list, over_categories_[list], /*pairs=*/0);
    }
    for (const PairMetric& metric : metrics_) result_.definitions[metric.key] = metric.definition;
    return std::move(result_);
  }

 private:
  void WalkCategory(const std::filesystem::path& folder) {
    const LoadedObjects objects(ReadObjectCategory(folder));
    const std::string& category = objects.category.name;
    const auto all_features = inputs_.features(category);
    std::vector<std::unique_ptr<FeatureSource>> sources;
    rows_ = {"same place"};
    for (const auto& features : all_features) {
      sources.push_back(std::make_unique<FeatureSource>(objects, *features, inputs_.surface, control_.stop));
      rows_.push_back(features->name());
    }
    for (const std::string& list : inputs_.lists) {
      const std::vector<ObjectPair> pairs = PairsOf(objects, list, inputs_.max_pairs);
      RowMeans means;
      const Stopwatch watch;
      for (size_t i = 0; i < pairs.size(); ++i) {
        control_.ThrowIfStopped();
        ScorePair({.objects = objects, .list = list, .pair = pairs[i]}, &sources, &means);
        const double done = static_cast<double>(i + 1), total = static_cast<double>(pairs.size());
        control_.Report({.stage = "evaluate",
                         .done = done,
                         .total = total,
                         .seconds_left = watch.Seconds() * (total - done) / done,
                         .detail = fmt::format("{}, {}", category, list)});
      }
      for (auto& [row, of_metric] : means) {
        for (auto& [metric, mean] : of_metric) over_categories_[list][row][metric].Add(mean.value());
      }
      Tell(category, list, means, static_cast<int>(pairs.size()));
    }
  }

  void ScorePair(PairToScore pair, std::vector<std::unique_ptr<FeatureSource>>* sources, RowMeans* means) {
    Json scores = Json::object();
    for (size_t row = 0; row < rows_.size(); ++row) {
      PairFeatures features;
      if (row > 0) {
        features = (*sources)[row - 1]->Of(pair.pair);
        pair.features = &features;
      }
      for (const auto& [metric, value] : scorer_(pair)) {
        (*means)[rows_[row]][metric].Add(value);
        scores[rows_[row]][metric] = FiniteOrNull(value);
      }
    }
    result_.per_view.push_back(
        {{"category", pair.objects.category.name},
         {"list", pair.list},
         {"pair", {pair.pair.source, pair.pair.source_view, pair.pair.target, pair.pair.target_view}},
         {"scores", scores}});
  }

  // pairs: 0 for the means over categories.
  void Tell(const std::string& category, const std::string& list, const RowMeans& means, int pairs) {
    Json& metrics = result_.metrics[category][list];
    metrics = Json::object();
    if (pairs > 0) metrics["pairs"] = pairs;
    std::string head = fmt::format("{:<16}", "");
    for (const PairMetric& metric : metrics_) head += fmt::format(" {:>13}", metric.title);
    result_.text.push_back(pairs > 0
                               ? fmt::format("{}, {}, {} pairs", category, list, pairs)
                               : fmt::format("mean over {} categories, {}", inputs_.categories.size(), list));
    result_.text.push_back("  " + head);
    for (const std::string& row : rows_) {
      const auto of_row = means.find(row);
      if (of_row == means.end()) continue;
      std::string line = fmt::format("{:<16}", row);
      for (const PairMetric& metric : metrics_) {
        const auto found = of_row->second.find(metric.key);
        if (found == of_row->second.end()) {
          line += fmt::format(" {:>13}", "-");
          continue;
        }
        const Mean& mean = found->second;
        line += metric.is_ratio ? fmt::format("  {:.3f} ±{:.3f}", mean.value(), mean.error())
                                : fmt::format("  {:5.2f} ±{:.2f}", mean.value(), mean.error());
        metrics[row][metric.key] = mean.value();
        metrics[row][metric.key + "_error"] = mean.error();
      }
      result_.text.push_back("  " + line);
    }
  }

  const std::vector<PairMetric>& metrics_;
  const PairScorer& scorer_;
  const ObjectProtocolInputs& inputs_;
  const JobControl& control_;
  std::vector<std::string> rows_;
  std::map<std::string, RowMeans> over_categories_;  // by list
  ProtocolResult result_;
};

}  // namespace

ProtocolResult WalkPairs(const std::string& protocol, const std::vector<PairMetric>& metrics,
                         const PairScorer& scorer, const ObjectProtocolInputs& inputs,
                         const JobControl& control) {
  return Walk(protocol, metrics, scorer, inputs, control).Run();
}

}  // namespace semfield
