#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "semfield/image/image.h"
#include "semfield/perception/feature_map.h"

namespace semfield {

// `valid` in all of these: one channel of the picture's size, 0 = not scored; nullptr: everything counts.

struct SquaredError {
  double sum = 0;
  int64_t count = 0;  // values, i.e. pixels times channels
  double mean() const { return count > 0 ? sum / static_cast<double>(count) : 0; }
};
// Of two pictures of equal shape.
SquaredError PictureError(const ImageF& a, const ImageF& b, const ImageU8* valid);

// -10 log10(mse) in dB for colours in [0, 1]. An error below 1e-12 counts as 1e-12, so the answer is at most
// 120.
double PsnrOfMse(double mse);

// Structural similarity (Wang, Bovik, Sheikh, Simoncelli 2004): Gaussian window of 11 x 11 pixels with
// sigma 1.5, K1 = 0.01, K2 = 0.03, colours in [0, 1], variances without Bessel's correction; computed for
// each channel on its own, mean over the channels and over all windows that lie inside the picture and hold
// no unscored pixel. Nothing when there is no such window.
std::optional<double> Ssim(const ImageF& a, const ImageF& b, const ImageU8* valid);
extern const char kSsimVariant[];  // the same in a sentence

// Intersection over union of what is nonzero; 1 when both are empty, 0 when one of them is.
double MaskIou(const ImageU8& a, const ImageU8& b, const ImageU8* valid = nullptr);

// Share of nonzero pixels.
double MaskArea(const ImageU8& mask);

// How near imitated features come to the teacher's. Views are added one by one; merging in a fixed order
// gives the same bits whichever thread added what.
class FeatureErrors {
 public:
  // Both [channels, height, width] alike. tokens: which of them count, row-major; empty: all.
  void Add(const FeatureMap& ours, const FeatureMap& teacher, const std::vector<bool>& tokens = {});
  void Merge(const FeatureErrors& other);

  int64_t tokens() const { return tokens_; }
  double MeanSquared() const;  // over all elements: SAN Eq. 8
  double MeanCosine() const;   // over tokens; a zero vector's cosine is 0
  // Of the teacher's elements around the mean of their channel, mean over the channels.
  double TeacherVariance() const;

 private:
  int64_t tokens_ = 0;
  double squared_ = 0;
  double cosine_ = 0;
  std::vector<double> channel_sum_, channel_squares_;
};

// Plain summaries; 0 for no values.
double Mean(std::span<const double> values);
double ShareAbove(std::span<const double> values, double threshold);

// Where the mean over all values lies with 95 % confidence when views, not values, are what was drawn: groups
// (the values of each view) are drawn with replacement 2,000 times from a fixed seed, and the means'
// quantiles 0.025 and 0.975 are taken. Nothing for fewer than two groups with values.
struct Interval {
  double low = 0, high = 0;
};
std::optional<Interval> BootstrapInterval(const std::vector<std::vector<double>>& groups);

}  // namespace semfield
