#include "semfield/methods/language_field/cross_correlation.h"

#include <algorithm>
#include <cmath>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

constexpr float kNoLength = 1e-6f;

// Unit vectors, one place a row and one a column: every product below runs along memory.
struct UnitFeatures {
  int channels, places;
  std::vector<float> by_place;    // [places, channels]
  std::vector<float> by_channel;  // [channels, places]
  std::vector<float> inverse;     // 1 / length, or 1 / shortest [places]
  std::vector<bool> is_short;     // [places]

  UnitFeatures(int num_channels, const PlacedFeatures& from, const std::vector<float>& shortest)
      : channels(num_channels),
        places(from.num_places),
        by_place(from.values.size()),
        by_channel(from.values),
        inverse(places),
        is_short(places) {
    SF_CHECK_EQ(from.values.size(), static_cast<size_t>(channels) * places);
    for (int c = 0; c < channels; ++c) {
      for (int p = 0; p < places; ++p) inverse[p] += Square(by_channel[Of(c, p)]);
    }
    for (int p = 0; p < places; ++p) {
      const float length = std::sqrt(inverse[p]);
      is_short[p] = length < shortest[p];
      inverse[p] = 1 / std::max(length, shortest[p]);
    }
    for (int c = 0; c < channels; ++c) {
      for (int p = 0; p < places; ++p) {
        by_channel[Of(c, p)] *= inverse[p];
        by_place[static_cast<size_t>(p) * channels + c] = by_channel[Of(c, p)];
      }
    }
  }
  static float Square(float v) { return v * v; }
  size_t Of(int channel, int place) const { return static_cast<size_t>(channel) * places + place; }
};

// row[b] = cosine of place `a` and every place b of the other map.
void Cosines(const UnitFeatures& one, int a, const UnitFeatures& other, float* row) {
  std::fill_n(row, other.places, 0.0f);
  for (int c = 0; c < one.channels; ++c) {
    const float value = one.by_place[static_cast<size_t>(a) * one.channels + c];
    const float* others = other.by_channel.data() + other.Of(c, 0);
    for (int b = 0; b < other.places; ++b) row[b] += value * others[b];
  }
}

// What one map's unit vectors get of one pair: the loss, and its derivatives added to d_unit [places,
// channels]. Counted from both sides of a pair, each place's sums are of one thread, in a fixed order.
double AddSide(const UnitFeatures& ours, const UnitFeatures& our_other, const UnitFeatures& theirs,
               const UnitFeatures& their_other, std::vector<float>* d_unit) {
  const int channels = ours.channels, others = our_other.places;
  const float scale = 2.0f / (static_cast<float>(ours.places) * static_cast<float>(others));
  std::vector<double> errors(ours.places);
  ParallelFor(ours.places, [&](int64_t task, int) {
    const int a = static_cast<int>(task);
    thread_local std::vector<float> row, target;
    row.resize(others);
    target.resize(others);
    Cosines(ours, a, our_other, row.data());
    Cosines(theirs, a, their_other, target.data());
    float* d = d_unit->data() + static_cast<size_t>(a) * channels;
    double error = 0;
    for (int b = 0; b < others; ++b) {
      const float difference = row[b] - target[b];
      error += static_cast<double>(difference) * difference;
      const float* other = our_other.by_place.data() + static_cast<size_t>(b) * channels;
      for (int c = 0; c < channels; ++c) d[c] += scale * difference * other[c];
    }
    errors[a] = error;
  });
  double sum = 0;
  for (const double error : errors) sum += error;
  return sum / (static_cast<double>(ours.places) * others);
}

// Through the normalisation u = f / |f|: df = (du - u (u . du)) / |f|; u = f / shortest: df = du / shortest.
PlacedFeatures ThroughLength(const UnitFeatures& unit, const std::vector<float>& d_unit) {
  PlacedFeatures d{unit.places, std::vector<float>(d_unit.size())};
  for (int p = 0; p < unit.places; ++p) {
    const float* u = unit.by_place.data() + static_cast<size_t>(p) * unit.channels;
    const float* du = d_unit.data() + static_cast<size_t>(p) * unit.channels;
    float along = 0;
    for (int c = 0; c < unit.channels && !unit.is_short[p]; ++c) along += u[c] * du[c];
    for (int c = 0; c < unit.channels; ++c)
      d.values[unit.Of(c, p)] = (du[c] - u[c] * along) * unit.inverse[p];
  }
  return d;
}

}  // namespace

std::vector<float> ShortestLengths(int channels, const PlacedFeatures& theirs) {
  std::vector<float> lengths(theirs.num_places);
  for (int c = 0; c < channels; ++c) {
    for (int p = 0; p < theirs.num_places; ++p) {
      const float value = theirs.values[static_cast<size_t>(c) * theirs.num_places + p];
      lengths[p] += value * value;
    }
  }
  float sum = 0;
  for (float& length : lengths) sum += length = std::sqrt(length);
  const float least = std::max(kNoLength, 0.1f * sum / static_cast<float>(std::max(1, theirs.num_places)));
  for (float& length : lengths) length = std::max(0.5f * length, least);
  return lengths;
}

double CrossCorrelation(int channels, const std::vector<PlacedFeatures>& ours,
                        const std::vector<PlacedFeatures>& theirs, std::vector<PlacedFeatures>* d_ours) {
  SF_CHECK_EQ(ours.size(), theirs.size());
  std::vector<UnitFeatures> mine, target;
  std::vector<std::vector<float>> d_unit;
  for (size_t i = 0; i < ours.size(); ++i) {
    SF_CHECK_EQ(ours[i].num_places, theirs[i].num_places);
    target.emplace_back(channels, theirs[i], std::vector<float>(theirs[i].num_places, kNoLength));
    mine.emplace_back(channels, ours[i], ShortestLengths(channels, theirs[i]));
    d_unit.emplace_back(ours[i].values.size(), 0.0f);
  }
  double loss = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    for (size_t j = 0; j < ours.size(); ++j) {
      if (i == j) continue;
      const double pair = AddSide(mine[i], mine[j], target[i], target[j], &d_unit[i]);
      if (i < j) loss += pair;
    }
  }
  d_ours->clear();
  for (size_t i = 0; i < ours.size(); ++i) d_ours->push_back(ThroughLength(mine[i], d_unit[i]));
  return loss;
}

}  // namespace semfield
