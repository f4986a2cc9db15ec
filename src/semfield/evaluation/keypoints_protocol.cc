#include <fmt/format.h>

#include <cmath>

#include "semfield/evaluation/object_walk.h"

namespace semfield {
namespace {

constexpr double kThresholds[] = {0.025, 0.05, 0.1};
constexpr const char* kRules[] = {"", "_mask_free", "_3d"};

std::string Key(double threshold, const std::string& rule) {
  return fmt::format("pck_{}{}", threshold, rule);
}

// The shares of errors within each threshold; nothing without an error. An error may be infinite.
void KeepShares(const std::vector<double>& errors, const std::string& rule, PairScores* scores) {
  if (errors.empty()) return;
  for (const double threshold : kThresholds) {
    int within = 0;
    for (const double error : errors) within += error <= threshold;
    (*scores)[Key(threshold, rule)] = static_cast<double>(within) / static_cast<double>(errors.size());
  }
}

// Where a view sees a keypoint, in pixels; nothing where it does not.
std::optional<Vec2> SeenAt(const ObjectViews& object, size_t keypoint, int view) {
  const ObjectKeypoint& one = object.keypoints[keypoint];
  if (!one.position || one.visible[view] == 0) return std::nullopt;
  return object.camera.Project(object.world_from_camera[view].Inverse() * *one.position);
}

// Middles of the pixels that have a part.
std::vector<Vec2> PlacesWithParts(const ImageU8& parts) {
  std::vector<Vec2> places;
  for (int i = 0; i < static_cast<int>(parts.data.size()); ++i) {
    if (parts.data[i] != 0) places.emplace_back(i % parts.width + 0.5, i / parts.width + 0.5);
  }
  return places;
}

void ScorePictures(const PairToScore& pair, PairScores* scores) {
  const ObjectViews& source = pair.source();
  const ObjectViews& target = pair.target();
  const int width = target.camera.width;
  std::vector<Vec2> from, to;
  for (size_t k = 0; k < source.keypoints.size() && k < target.keypoints.size(); ++k) {
    const std::optional<Vec2> a = SeenAt(source, k, pair.pair.source_view);
    const std::optional<Vec2> b = SeenAt(target, k, pair.pair.target_view);
    if (!a || !b) continue;
    from.push_back(*a);
    to.push_back(*b);
  }
  std::vector<double> errors(from.size());
  if (pair.features == nullptr) {
    const std::vector<Vec2> candidates = PlacesWithParts(pair.target_parts());
    for (size_t i = 0; i < from.size(); ++i) errors[i] = (from[i] - to[i]).norm() / width;
    KeepShares(errors, kRules[1], scores);
    for (size_t i = 0; i < from.size() && !candidates.empty(); ++i)
      errors[i] = (candidates[NearestPoint(candidates, from[i])] - to[i]).norm() / width;
    KeepShares(errors, kRules[0], scores);
    return;
  }
  std::vector<int32_t> queries;
  for (const Vec2& pixel : from)
    queries.push_back(NearestPixelWithFeature(pair.features->source, pixel, source.camera.width));
  for (const bool by_truth : {true, false}) {
    const std::vector<int32_t> found = CarryPlaces(
        pair.features->source, queries, pair.features->target,
        by_truth ? std::span<const uint8_t>(pair.target_parts().data) : std::span<const uint8_t>());
    for (size_t i = 0; i < found.size(); ++i) {
      const Vec2 middle(found[i] % width + 0.5, found[i] / width + 0.5);
      errors[i] = found[i] < 0 ? INFINITY : (middle - to[i]).norm() / width;
    }
    KeepShares(errors, kRules[by_truth ? 0 : 1], scores);
  }
}

void ScoreSurface(const PairToScore& pair, PairScores* scores) {
  const std::vector<Vec3>& points = pair.objects.points[pair.pair.target].positions;
  const ObjectViews& source = pair.source();
  const ObjectViews& target = pair.target();
  if (pair.list == kNovelView || points.empty()) return;
  if (pair.features != nullptr && pair.features->source_surface.row_of_place.empty()) return;
  const auto num_source_points = static_cast<int32_t>(pair.objects.points[pair.pair.source].positions.size());
  std::vector<int32_t> queries;
  std::vector<Vec3> from, to;
  for (size_t k = 0; k < source.keypoints.size() && k < target.keypoints.size(); ++k) {
    if (!source.keypoints[k].position || !target.keypoints[k].position) continue;
    from.push_back(*source.keypoints[k].position);
    to.push_back(*target.keypoints[k].position);
    queries.push_back(num_source_points + static_cast<int32_t>(k));
  }
  std::vector<int32_t> found;
  if (pair.features == nullptr) {
    for (const Vec3& place : from) found.push_back(NearestPoint(points, place));
  } else {
    std::vector<uint8_t> allowed(points.size(), 1);
    allowed.resize(pair.features->target_surface.row_of_place.size(), 0);
    found = CarryPlaces(pair.features->source_surface, queries, pair.features->target_surface, allowed);
  }
  std::vector<double> errors;
  for (size_t i = 0; i < found.size(); ++i)
    errors.push_back(found[i] < 0 ? INFINITY : (points[found[i]] - to[i]).norm());
  KeepShares(errors, kRules[2], scores);
}

PairScores ScoreKeypoints(const PairToScore& pair) {
  PairScores scores;
  ScorePictures(pair, &scores);
  ScoreSurface(pair, &scores);
  return scores;
}

class KeypointsProtocol : public ObjectProtocol {
 public:
  std::string name() const override { return "keypoints"; }
  std::string sentence() const override {
    return "named places of one picture found in another by features, with the true places of objects";
  }
  ProtocolResult Run(const ObjectProtocolInputs& inputs, const JobControl& control) const override {
    std::vector<PairMetric> metrics;
    for (const std::string rule : kRules) {
      for (const double threshold : kThresholds) {
        std::string definition = fmt::format(
            "Share of the keypoints that both pictures see whose nearest target pixel lies within {} of the "
            "picture's width, in a pair, then over pairs; candidates are pixels with a true part.",
            threshold);
        if (rule == kRules[1]) definition = "The same with all pixels that have a feature as candidates.";
        if (rule == kRules[2])
          definition = fmt::format(
              "The same over all keypoints that both objects have, with points of the target's surface as "
              "candidates, within {} of the diagonal of the object's box.",
              threshold);
        const char* suffix = rule == kRules[0] ? "" : rule == kRules[1] ? " free" : " 3D";
        metrics.push_back(
            {Key(threshold, rule), fmt::format("{}{}", threshold, suffix), std::move(definition)});
      }
    }
    return WalkPairs(name(), metrics, &ScoreKeypoints, inputs, control);
  }
};

}  // namespace

std::shared_ptr<const ObjectProtocol> MakeKeypointsProtocol() {
  return std::make_shared<KeypointsProtocol>();
}

}  // namespace semfield
