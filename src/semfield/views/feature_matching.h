#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "semfield/geometry/types.h"
#include "semfield/image/image.h"
#include "semfield/perception/feature_map.h"

namespace semfield {

// Features of places (pixels of a picture, or points of a surface), those that have any, at unit length, so
// that inner products are cosines.
struct FeatureRows {
  int channels = 0;
  std::vector<int32_t> places;        // [rows] which place a row is of, increasing
  std::vector<float> values;          // [rows, channels]
  std::vector<int32_t> row_of_place;  // [places], -1: it has none
  size_t size() const { return places.size(); }
  size_t bytes() const { return values.size() * sizeof(float) + row_of_place.size() * sizeof(int32_t); }
};
FeatureRows RowsOf(const FeatureMap& map);                          // places are pixels, row-major
FeatureRows RowsOf(std::span<const float> features, int channels);  // [places, channels]

// No answer at a place.
inline constexpr uint8_t kNoPart = 255;

// The part of every target place that the nearest source place has.
struct CarriedParts {
  // By the paper's rule (FeatureNeRF section 4.2): candidates are source places with a part. kNoPart where
  // the target has no feature.
  std::vector<uint8_t> by_truth;
  // Without a mask: candidates are all source places with a feature, those of no part (0) too; 0 where the
  // target has no feature.
  std::vector<uint8_t> mask_free;
};
// source_parts: [source places]. Both answers are of all target places.
CarriedParts CarryParts(const FeatureRows& source, std::span<const uint8_t> source_parts,
                        const FeatureRows& target);

// The target place that is nearest to a source place, by its features, among places with a feature for which
// `allowed` is not 0 (empty: all); -1: there is none, or the source place has no feature. queries:
// [num] places of the source.
std::vector<int32_t> CarryPlaces(const FeatureRows& source, std::span<const int32_t> queries,
                                 const FeatureRows& target, std::span<const uint8_t> allowed);

// The pixel with a feature that is nearest to a position in pixels of a picture `width` wide; -1: none has
// one.
int32_t NearestPixelWithFeature(const FeatureRows& rows, const Vec2& pixel, int width);

}  // namespace semfield
