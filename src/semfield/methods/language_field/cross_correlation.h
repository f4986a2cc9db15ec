#pragma once

#include <vector>

namespace semfield {

// Features at some places of one map: values[channel * num_places + place].
struct PlacedFeatures {
  int num_places = 0;
  std::vector<float> values;  // [channels, num_places]
};

// Below this length of ours at a place a cosine fades to 0: half the teacher's length there, and no less than
// a tenth of its mean over all places. A field as first drawn is next to zero everywhere, where a cosine's
// derivative has no bound.
std::vector<float> ShortestLengths(int channels, const PlacedFeatures& theirs);  // [num_places]

// SAN Eq. 11 at the places that are given: sum over i < j of the mean of (S'_ij - S_ij)^2 over all pairs of a
// place of map i and one of map j, where S_ij is the cosine of the teacher's features there and S'_ij of
// ours; ours that are shorter than ShortestLengths are divided by that, not by their own length. `ours` and
// `theirs` hold the same places of the same maps. d_ours: derivatives by ours, laid out alike.
double CrossCorrelation(int channels, const std::vector<PlacedFeatures>& ours,
                        const std::vector<PlacedFeatures>& theirs, std::vector<PlacedFeatures>* d_ours);

}  // namespace semfield
