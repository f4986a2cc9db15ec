#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "semfield/image/image.h"
#include "semfield/surface/surface_map.h"

namespace semfield {

// In 8-bit maps of class ids: none.
inline constexpr uint8_t kNoClass = 255;

// A posed photo that says what class every place of it is.
struct ClassSource {
  const DepthView* depth = nullptr;  // what it sees of the surface; must outlive the vote
  const ImageF* classes = nullptr;   // [height, width, classes] over the whole picture, 1 in sum; likewise
};

struct VoteRule {
  // What is averaged: probabilities, or their logarithms, whose mean is made probabilities again (softmax).
  enum class On { kProbabilities, kLogits };
  On on = On::kProbabilities;
  bool visibility = true;  // only sources that see a place vote on it; else all in whose picture it lies
  double cell_size = 0;    // world units by which a surface may be off, beside what DepthView::Sees allows
};

// What the sources say of places together.
struct VotedClasses {
  int num_classes = 0;
  std::vector<float> probability;  // [places, num_classes], 1 in sum; all 0 where no source has a say
  std::vector<int32_t> seen_by;    // [places] sources that voted; 0: nobody sees it

  // The likeliest class of a place, the first of equal ones; -1: no source has a say.
  int ClassOf(int64_t place) const;
};

// Soft voting (GNeSF, Eq. 4): s(x) = sum_i w_i(x) S_i(x) / sum_i w_i(x), a convex mix of what the sources
// say, which knows nothing of the ray that asks. Where visibility counts and no source sees a place, those in
// whose picture it lies have their say instead.
class ClassVote {
 public:
  ClassVote(std::vector<Vec3> places, int num_classes, const VoteRule& rule);
  // weights: [places], >= 0, the source's w_i, as exp(v_i) of a learned vote; empty: 1. The same sources in
  // the same order give the same bits with any number of threads.
  void Add(const ClassSource& source, std::span<const float> weights = {});
  VotedClasses Result() const;

 private:
  // Sums of one kind of voters.
  struct Sums {
    std::vector<float> values;  // [places, num_classes]
    std::vector<float> weight;  // [places]
  };
  void AddTo(Sums* sums, int64_t place, std::span<const float> values, float weight);

  const std::vector<Vec3> places_;
  const int num_classes_;
  const VoteRule rule_;
  Sums seen_, shown_;  // shown_: of sources that have a place in their picture and do not see it
  std::vector<int32_t> seen_by_;
};

// The likeliest class of every pixel of a picture of that size, from a map of probabilities over all of it.
ImageU8 LikeliestClasses(const ImageF& classes, int width, int height);

// All channels of a picture at a position in pixels (centers at +0.5) between the four nearest; the border
// goes on outside of it. values: [channels].
void SampleAllChannels(const ImageF& image, double x, double y, std::span<float> values);

}  // namespace semfield
