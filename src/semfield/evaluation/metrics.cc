#include "semfield/evaluation/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "semfield/base/check.h"
#include "semfield/base/parallel.h"
#include "semfield/base/random.h"

namespace semfield {
namespace {

constexpr int kWindow = 11;
constexpr double kSigma = 1.5;
constexpr double kC1 = 0.01 * 0.01;
constexpr double kC2 = 0.03 * 0.03;

std::array<double, kWindow> GaussianWindow() {
  std::array<double, kWindow> window;
  double sum = 0;
  for (int i = 0; i < kWindow; ++i) {
    const double d = i - kWindow / 2;
    window[i] = std::exp(-d * d / (2 * kSigma * kSigma));
    sum += window[i];
  }
  for (double& w : window) w /= sum;
  return window;
}

template <class T>
void CheckSameShape(const Image<T>& a, const Image<T>& b) {
  SF_CHECK_EQ(a.width, b.width);
  SF_CHECK_EQ(a.height, b.height);
  SF_CHECK_EQ(a.channels, b.channels);
}

template <class T>
void CheckValid(const Image<T>& image, const ImageU8* valid) {
  if (valid == nullptr) return;
  SF_CHECK_EQ(valid->width, image.width);
  SF_CHECK_EQ(valid->height, image.height);
  SF_CHECK_EQ(valid->channels, 1);
}

// What SSIM needs of one row of windows: Gaussian means of a, b, a^2, b^2 and a b.
using Moments = std::array<double, 5>;

// Sums along x of the windows that start at each column of one row.
void FilterRow(const ImageF& a, const ImageF& b, int channel, int y,
               const std::array<double, kWindow>& window, Moments* out) {
  const int columns = a.width - kWindow + 1;
  for (int x = 0; x < columns; ++x) {
    Moments sum{};
    for (int i = 0; i < kWindow; ++i) {
      const double va = a.At(x + i, y, channel), vb = b.At(x + i, y, channel), w = window[i];
      sum[0] += w * va;
      sum[1] += w * vb;
      sum[2] += w * va * va;
      sum[3] += w * vb * vb;
      sum[4] += w * va * vb;
    }
    out[x] = sum;
  }
}

double SsimOfMoments(const Moments& m) {
  const double variance_a = m[2] - m[0] * m[0], variance_b = m[3] - m[1] * m[1],
               covariance = m[4] - m[0] * m[1];
  return (2 * m[0] * m[1] + kC1) * (2 * covariance + kC2) /
         ((m[0] * m[0] + m[1] * m[1] + kC1) * (variance_a + variance_b + kC2));
}

// Number of unscored pixels in each window, row-major over windows.
std::vector<int> UnscoredInWindows(const ImageU8& valid) {
  const int columns = valid.width - kWindow + 1, rows = valid.height - kWindow + 1;
  std::vector<int> along_x(static_cast<size_t>(columns) * valid.height),
      counts(static_cast<size_t>(columns) * rows);
  for (int y = 0; y < valid.height; ++y) {
    for (int x = 0; x < columns; ++x) {
      for (int i = 0; i < kWindow; ++i)
        along_x[static_cast<size_t>(y) * columns + x] += valid.At(x + i, y) == 0;
    }
  }
  for (int y = 0; y < rows; ++y) {
    for (int i = 0; i < kWindow; ++i) {
      for (int x = 0; x < columns; ++x) {
        counts[static_cast<size_t>(y) * columns + x] += along_x[static_cast<size_t>(y + i) * columns + x];
      }
    }
  }
  return counts;
}

}  // namespace

const char kSsimVariant[] =
    "Gaussian window 11 x 11, sigma 1.5, K1 0.01, K2 0.03, for R, G and B on their own and averaged, over "
    "windows that "
    "lie wholly inside the picture and hold no masked pixel";

SquaredError PictureError(const ImageF& a, const ImageF& b, const ImageU8* valid) {
  CheckSameShape(a, b);
  CheckValid(a, valid);
  SquaredError error;
  for (size_t i = 0; i < a.num_pixels(); ++i) {
    if (valid != nullptr && valid->data[i] == 0) continue;
    for (int c = 0; c < a.channels; ++c) {
      const double d = static_cast<double>(a.data[i * a.channels + c]) - b.data[i * a.channels + c];
      error.sum += d * d;
    }
    error.count += a.channels;
  }
  return error;
}

double PsnrOfMse(double mse) {
  return -10 * std::log10(std::max(mse, 1e-12));
}

std::optional<double> Ssim(const ImageF& a, const ImageF& b, const ImageU8* valid) {
  CheckSameShape(a, b);
  CheckValid(a, valid);
  if (a.width < kWindow || a.height < kWindow) return std::nullopt;
  const int columns = a.width - kWindow + 1, rows = a.height - kWindow + 1;
  const std::array<double, kWindow> window = GaussianWindow();
  std::vector<int> unscored;
  if (valid != nullptr) unscored = UnscoredInWindows(*valid);
  std::vector<double> row_sums(static_cast<size_t>(rows) * a.channels);
  ParallelFor(a.channels, [&](int64_t channel, int) {
    std::vector<Moments> filtered(static_cast<size_t>(kWindow) *
                                  columns);  // the last kWindow rows, in a ring
    for (int y = 0; y < a.height; ++y) {
      FilterRow(a, b, static_cast<int>(channel), y, window,
                &filtered[static_cast<size_t>(y % kWindow) * columns]);
      const int row = y - kWindow + 1;
      if (row < 0) continue;
      double sum = 0;
      for (int x = 0; x < columns; ++x) {
        if (!unscored.empty() && unscored[static_cast<size_t>(row) * columns + x] > 0) continue;
        Moments moments{};
        for (int i = 0; i < kWindow; ++i) {
          const Moments& m = filtered[static_cast<size_t>((row + i) % kWindow) * columns + x];
          for (size_t k = 0; k < m.size(); ++k) moments[k] += window[i] * m[k];
        }
        sum += SsimOfMoments(moments);
      }
      row_sums[static_cast<size_t>(channel) * rows + row] = sum;
    }
  });
  const auto windows = unscored.empty()
                           ? static_cast<int64_t>(columns) * rows
                           : static_cast<int64_t>(std::count(unscored.begin(), unscored.end(), 0));
  if (windows == 0) return std::nullopt;
  double sum = 0;
  for (double value : row_sums) sum += value;
  return sum / static_cast<double>(windows * a.channels);
}

double MaskIou(const ImageU8& a, const ImageU8& b, const ImageU8* valid) {
  CheckSameShape(a, b);
  SF_CHECK_EQ(a.channels, 1);
  CheckValid(a, valid);
  int64_t both = 0, either = 0;
  for (size_t i = 0; i < a.data.size(); ++i) {
    if (valid != nullptr && valid->data[i] == 0) continue;
    const bool in_a = a.data[i] != 0, in_b = b.data[i] != 0;
    both += in_a && in_b;
    either += in_a || in_b;
  }
  return either == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(either);
}

double MaskArea(const ImageU8& mask) {
  if (mask.empty()) return 0;
  const auto inside = mask.data.size() - std::count(mask.data.begin(), mask.data.end(), 0);
  return static_cast<double>(inside) / static_cast<double>(mask.data.size());
}

void FeatureErrors::Add(const FeatureMap& ours, const FeatureMap& teacher, const std::vector<bool>& tokens) {
  SF_CHECK_EQ(ours.channels, teacher.channels);
  SF_CHECK_EQ(ours.height, teacher.height);
  SF_CHECK_EQ(ours.width, teacher.width);
  const size_t num_tokens = static_cast<size_t>(teacher.height) * teacher.width;
  SF_CHECK(tokens.empty() || tokens.size() == num_tokens);
  SF_CHECK_EQ(ours.data.size(), num_tokens * teacher.channels);
  SF_CHECK_EQ(teacher.data.size(), num_tokens * teacher.channels);
  if (channel_sum_.empty()) {
    channel_sum_.assign(teacher.channels, 0);
    channel_squares_.assign(teacher.channels, 0);
  }
  SF_CHECK_EQ(channel_sum_.size(), static_cast<size_t>(teacher.channels));
  std::vector<double> dot(num_tokens), ours_squared(num_tokens), teacher_squared(num_tokens);
  for (int c = 0; c < teacher.channels; ++c) {
    const float* a = ours.data.data() + c * num_tokens;
    const float* b = teacher.data.data() + c * num_tokens;
    for (size_t t = 0; t < num_tokens; ++t) {
      if (!tokens.empty() && !tokens[t]) continue;
      const double x = a[t], y = b[t];
      squared_ += (x - y) * (x - y);
      dot[t] += x * y;
      ours_squared[t] += x * x;
      teacher_squared[t] += y * y;
      channel_sum_[c] += y;
      channel_squares_[c] += y * y;
    }
  }
  for (size_t t = 0; t < num_tokens; ++t) {
    if (!tokens.empty() && !tokens[t]) continue;
    ++tokens_;
    const double lengths = std::sqrt(ours_squared[t] * teacher_squared[t]);
    if (lengths > 0) cosine_ += dot[t] / lengths;
  }
}

void FeatureErrors::Merge(const FeatureErrors& other) {
  if (other.channel_sum_.empty()) return;
  if (channel_sum_.empty()) {
    *this = other;
    return;
  }
  SF_CHECK_EQ(channel_sum_.size(), other.channel_sum_.size());
  tokens_ += other.tokens_;
  squared_ += other.squared_;
  cosine_ += other.cosine_;
  for (size_t c = 0; c < channel_sum_.size(); ++c) {
    channel_sum_[c] += other.channel_sum_[c];
    channel_squares_[c] += other.channel_squares_[c];
  }
}

double FeatureErrors::MeanSquared() const {
  if (tokens_ == 0) return 0;
  return squared_ / (static_cast<double>(tokens_) * static_cast<double>(channel_sum_.size()));
}

double FeatureErrors::MeanCosine() const {
  return tokens_ == 0 ? 0 : cosine_ / static_cast<double>(tokens_);
}

double FeatureErrors::TeacherVariance() const {
  if (tokens_ == 0) return 0;
  double sum = 0;
  const double count = static_cast<double>(tokens_);
  for (size_t c = 0; c < channel_sum_.size(); ++c) {
    const double mean = channel_sum_[c] / count;
    sum += std::max(0.0, channel_squares_[c] / count - mean * mean);
  }
  return sum / static_cast<double>(channel_sum_.size());
}

double Mean(std::span<const double> values) {
  double sum = 0;
  for (double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double ShareAbove(std::span<const double> values, double threshold) {
  if (values.empty()) return 0;
  const auto above = std::count_if(values.begin(), values.end(), [&](double v) { return v > threshold; });
  return static_cast<double>(above) / static_cast<double>(values.size());
}

std::optional<Interval> BootstrapInterval(const std::vector<std::vector<double>>& groups) {
  constexpr int kDraws = 2000;
  constexpr uint64_t kSeed = 1;
  std::vector<std::pair<double, double>> sums;  // of each group: sum and count
  for (const std::vector<double>& group : groups) {
    if (group.empty()) continue;
    sums.emplace_back(std::accumulate(group.begin(), group.end(), 0.0), static_cast<double>(group.size()));
  }
  if (sums.size() < 2) return std::nullopt;
  std::vector<double> means(kDraws);
  Random random(kSeed);
  for (double& mean : means) {
    double sum = 0, count = 0;
    for (size_t i = 0; i < sums.size(); ++i) {
      const auto& [group_sum, group_count] = sums[random.Below(static_cast<uint32_t>(sums.size()))];
      sum += group_sum;
      count += group_count;
    }
    mean = sum / count;
  }
  std::sort(means.begin(), means.end());
  return Interval{.low = means[kDraws * 25 / 1000], .high = means[kDraws * 975 / 1000 - 1]};
}

}  // namespace semfield
