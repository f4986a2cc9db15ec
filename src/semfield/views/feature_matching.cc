#include "semfield/views/feature_matching.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/ops/nearest_rows.h"

namespace semfield {
namespace {

// Appends a row at unit length, or nothing where it is 0.
void AddRow(std::span<const float> feature, int32_t place, FeatureRows* rows) {
  double square = 0;
  for (const float value : feature) square += static_cast<double>(value) * value;
  if (!(square > 0) || !std::isfinite(square)) return;
  const auto scale = static_cast<float>(1 / std::sqrt(square));
  rows->row_of_place[place] = static_cast<int32_t>(rows->places.size());
  rows->places.push_back(place);
  for (const float value : feature) rows->values.push_back(value * scale);
}

// Rows of those places that `keep` names.
template <class Keep>
FeatureRows Subset(const FeatureRows& rows, Keep keep) {
  FeatureRows some{.channels = rows.channels};
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!keep(rows.places[i])) continue;
    some.places.push_back(rows.places[i]);
    const float* row = rows.values.data() + i * rows.channels;
    some.values.insert(some.values.end(), row, row + rows.channels);
  }
  return some;
}

struct Nearest {
  std::vector<int32_t> place;  // -1: there are no rows
  std::vector<float> score;
};

Nearest FindNearest(std::span<const float> queries, size_t num_queries, const FeatureRows& rows) {
  Nearest nearest{.place = std::vector<int32_t>(num_queries, -1),
                  .score = std::vector<float>(num_queries, -INFINITY)};
  if (rows.size() == 0 || num_queries == 0) return nearest;
  ops::NearestRows(queries, rows.values, rows.channels, nearest.place, nearest.score);
  for (int32_t& row : nearest.place) row = rows.places[row];
  return nearest;
}

}  // namespace

FeatureRows RowsOf(const FeatureMap& map) {
  const size_t plane = static_cast<size_t>(map.width) * map.height;
  FeatureRows rows{.channels = map.channels, .row_of_place = std::vector<int32_t>(plane, -1)};
  std::vector<float> feature(map.channels);
  for (size_t i = 0; i < plane; ++i) {
    for (int c = 0; c < map.channels; ++c) feature[c] = map.data[c * plane + i];
    AddRow(feature, static_cast<int32_t>(i), &rows);
  }
  return rows;
}

FeatureRows RowsOf(std::span<const float> features, int channels) {
  const size_t count = features.size() / channels;
  FeatureRows rows{.channels = channels, .row_of_place = std::vector<int32_t>(count, -1)};
  for (size_t i = 0; i < count; ++i)
    AddRow(features.subspan(i * channels, channels), static_cast<int32_t>(i), &rows);
  return rows;
}

CarriedParts CarryParts(const FeatureRows& source, std::span<const uint8_t> source_parts,
                        const FeatureRows& target) {
  SF_CHECK_EQ(source.channels, target.channels);
  SF_CHECK_EQ(source_parts.size(), source.row_of_place.size());
  const FeatureRows parts = Subset(source, [&](int32_t place) { return source_parts[place] > 0; });
  const FeatureRows rest = Subset(source, [&](int32_t place) { return source_parts[place] == 0; });
  const Nearest of_parts = FindNearest(target.values, target.size(), parts);
  const Nearest of_rest = FindNearest(target.values, target.size(), rest);
  const size_t count = target.row_of_place.size();
  CarriedParts carried{.by_truth = std::vector<uint8_t>(count, kNoPart),
                       .mask_free = std::vector<uint8_t>(count, 0)};
  for (size_t row = 0; row < target.size(); ++row) {
    if (of_parts.place[row] < 0) continue;
    const uint8_t part = source_parts[of_parts.place[row]];
    carried.by_truth[target.places[row]] = part;
    carried.mask_free[target.places[row]] = of_rest.score[row] > of_parts.score[row] ? 0 : part;
  }
  return carried;
}

std::vector<int32_t> CarryPlaces(const FeatureRows& source, std::span<const int32_t> queries,
                                 const FeatureRows& target, std::span<const uint8_t> allowed) {
  SF_CHECK_EQ(source.channels, target.channels);
  const FeatureRows candidates =
      Subset(target, [&](int32_t place) { return allowed.empty() || allowed[place] > 0; });
  std::vector<int32_t> found(queries.size(), -1);
  std::vector<float> values;
  std::vector<size_t> asked;
  for (size_t i = 0; i < queries.size(); ++i) {
    const int32_t row = queries[i] < 0 ? -1 : source.row_of_place[queries[i]];
    if (row < 0) continue;
    const float* value = source.values.data() + static_cast<size_t>(row) * source.channels;
    values.insert(values.end(), value, value + source.channels);
    asked.push_back(i);
  }
  const Nearest nearest = FindNearest(values, asked.size(), candidates);
  for (size_t i = 0; i < asked.size(); ++i) found[asked[i]] = nearest.place[i];
  return found;
}

int32_t NearestPixelWithFeature(const FeatureRows& rows, const Vec2& pixel, int width) {
  int32_t nearest = -1;
  double least = INFINITY;
  for (const int32_t place : rows.places) {
    const double dx = place % width + 0.5 - pixel.x(), dy = place / width + 0.5 - pixel.y();
    if (dx * dx + dy * dy >= least) continue;
    least = dx * dx + dy * dy;
    nearest = place;
  }
  return nearest;
}

}  // namespace semfield
