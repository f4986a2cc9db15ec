#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "semfield/evaluation/object_pairs.h"
#include "semfield/evaluation/object_protocol.h"
#include "semfield/views/feature_matching.h"

namespace semfield {

// The features of one pair's two pictures. In 3D both have a place for every point of the object's surface,
// and behind these one for every keypoint of the category.
struct PairFeatures {
  FeatureRows source, target;                  // places are pixels
  FeatureRows source_surface, target_surface;  // empty without points
  // The source picture's object, for pairs that show the same one from another camera.
  const SeenObject* seen_source = nullptr;
};

// What a scorer is given of a pair.
struct PairToScore {
  const LoadedObjects& objects;
  const std::string& list;
  ObjectPair pair;
  const PairFeatures* features = nullptr;  // nullptr: the nearest place in the picture is taken for the same,
                                           // which is the trivial answer

  const ObjectViews& source() const { return *objects.category.objects[pair.source]; }
  const ObjectViews& target() const { return *objects.category.objects[pair.target]; }
  const ImageU8& source_parts() const { return objects.parts[pair.source][pair.source_view]; }
  const ImageU8& target_parts() const { return objects.parts[pair.target][pair.target_view]; }
};

// One number of a protocol.
struct PairMetric {
  std::string key, title, definition;
  bool is_ratio = true;  // of 1, else decibels
};
// By PairMetric::key; what does not apply to a pair is left out, and does not count in the mean.
using PairScores = std::map<std::string, double>;
using PairScorer = std::function<PairScores(const PairToScore&)>;

// Where the nearest one of `points` lies; they are not empty.
template <class Point>
int NearestPoint(const std::vector<Point>& points, const Point& place) {
  int nearest = 0;
  for (int i = 1; i < static_cast<int>(points.size()); ++i) {
    if ((points[i] - place).squaredNorm() < (points[nearest] - place).squaredNorm()) nearest = i;
  }
  return nearest;
}

// Scores every pair by every row, and says the means over pairs, and over categories.
ProtocolResult WalkPairs(const std::string& protocol, const std::vector<PairMetric>& metrics,
                         const PairScorer& scorer, const ObjectProtocolInputs& inputs,
                         const JobControl& control);

}  // namespace semfield
