#include "semfield/views/class_vote.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"

namespace semfield {
namespace {

constexpr float kLeastProbability = 1e-6f;  // whose logarithm still counts
constexpr int64_t kChunk = 1024;            // places a task

// Softmax of `values`, in place.
void MakeProbabilities(std::span<float> values) {
  const float most = *std::max_element(values.begin(), values.end());
  float sum = 0;
  for (float& value : values) sum += value = std::exp(value - most);
  for (float& value : values) value /= sum;
}

}  // namespace

int VotedClasses::ClassOf(int64_t place) const {
  const auto first = probability.begin() + place * num_classes;
  const auto best = std::max_element(first, first + num_classes);
  return *best > 0 ? static_cast<int>(best - first) : -1;
}

ClassVote::ClassVote(std::vector<Vec3> places, int num_classes, const VoteRule& rule)
    : places_(std::move(places)), num_classes_(num_classes), rule_(rule), seen_by_(places_.size(), 0) {
  for (Sums* sums : {&seen_, &shown_}) {
    sums->values.resize(places_.size() * num_classes_);
    sums->weight.resize(places_.size());
  }
}

void ClassVote::AddTo(Sums* sums, int64_t place, std::span<const float> values, float weight) {
  sums->weight[place] += weight;
  float* into = sums->values.data() + place * num_classes_;
  for (int c = 0; c < num_classes_; ++c) into[c] += weight * values[c];
}

void ClassVote::Add(const ClassSource& source, std::span<const float> weights) {
  const DepthView& depth = *source.depth;
  const ImageF& classes = *source.classes;
  SF_CHECK_EQ(classes.channels, num_classes_);
  SF_CHECK(weights.empty() || weights.size() == places_.size());
  const double scale_x = static_cast<double>(classes.width) / depth.depth.width;
  const double scale_y = static_cast<double>(classes.height) / depth.depth.height;
  ParallelChunks(static_cast<int64_t>(places_.size()), kChunk, [&](int64_t begin, int64_t end, int) {
    std::vector<float> values(num_classes_);
    for (int64_t p = begin; p < end; ++p) {
      const float weight = weights.empty() ? 1.0f : weights[p];
      const std::optional<DepthView::Projection> at = depth.Project(places_[p]);
      if (!at || !(weight > 0)) continue;
      SampleAllChannels(classes, scale_x * at->pixel.x(), scale_y * at->pixel.y(), values);
      if (rule_.on == VoteRule::On::kLogits) {
        for (float& value : values) value = std::log(std::max(value, kLeastProbability));
      }
      const bool votes = !rule_.visibility || depth.Sees(places_[p], rule_.cell_size);
      seen_by_[p] += votes;
      AddTo(votes ? &seen_ : &shown_, p, values, weight);
    }
  });
}

VotedClasses ClassVote::Result() const {
  VotedClasses voted{.num_classes = num_classes_, .probability = {}, .seen_by = seen_by_};
  voted.probability.resize(places_.size() * num_classes_);
  ParallelChunks(static_cast<int64_t>(places_.size()), kChunk, [&](int64_t begin, int64_t end, int) {
    for (int64_t p = begin; p < end; ++p) {
      const Sums& sums = seen_.weight[p] > 0 ? seen_ : shown_;
      if (!(sums.weight[p] > 0)) continue;
      const std::span<float> mix(voted.probability.data() + p * num_classes_, num_classes_);
      for (int c = 0; c < num_classes_; ++c) mix[c] = sums.values[p * num_classes_ + c] / sums.weight[p];
      if (rule_.on == VoteRule::On::kLogits) MakeProbabilities(mix);
    }
  });
  return voted;
}

ImageU8 LikeliestClasses(const ImageF& classes, int width, int height) {
  ImageU8 ids(width, height, 1);
  ParallelFor(height, [&](int64_t y, int) {
    std::vector<float> values(classes.channels);
    for (int x = 0; x < width; ++x) {
      SampleAllChannels(classes, (x + 0.5) * classes.width / width, (y + 0.5) * classes.height / height,
                        values);
      const auto best = std::max_element(values.begin(), values.end());
      ids.At(x, static_cast<int>(y)) = static_cast<uint8_t>(best - values.begin());
    }
  });
  return ids;
}

void SampleAllChannels(const ImageF& image, double x, double y, std::span<float> values) {
  const double u = std::clamp(x - 0.5, 0.0, image.width - 1.0);
  const double v = std::clamp(y - 0.5, 0.0, image.height - 1.0);
  const int x0 = static_cast<int>(u), y0 = static_cast<int>(v);
  const int x1 = std::min(x0 + 1, image.width - 1), y1 = std::min(y0 + 1, image.height - 1);
  const auto a = static_cast<float>(u - x0), b = static_cast<float>(v - y0);
  const float* corners[] = {&image.At(x0, y0), &image.At(x1, y0), &image.At(x0, y1), &image.At(x1, y1)};
  const float shares[] = {(1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b};
  for (int c = 0; c < image.channels; ++c) {
    values[c] = shares[0] * corners[0][c] + shares[1] * corners[1][c] + shares[2] * corners[2][c] +
                shares[3] * corners[3][c];
  }
}

}  // namespace semfield
