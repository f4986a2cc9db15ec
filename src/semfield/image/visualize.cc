#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "semfield/base/parallel.h"
#include "semfield/image/pixels.h"

namespace semfield {
namespace {

using Rgb = std::array<uint8_t, 3>;

// Evenly spaced stops, dark at both ends so that the extremes stand out, brightest a little past the middle.
constexpr std::array<Rgb, 9> kColorStops = {{{40, 20, 80},
                                             {60, 70, 190},
                                             {60, 130, 250},
                                             {30, 190, 225},
                                             {70, 230, 140},
                                             {175, 245, 60},
                                             {245, 200, 45},
                                             {245, 110, 30},
                                             {140, 15, 10}}};

uint8_t Mix(uint8_t a, uint8_t b, float t) {
  return static_cast<uint8_t>(a + t * (static_cast<float>(b) - static_cast<float>(a)) + 0.5f);
}

// How features become colours: a direction a colour channel, and the range that fills it.
struct PcaBasis {
  Eigen::RowVectorXf mean;
  Eigen::MatrixXf directions;  // [channels, 3]
  std::array<float, 3> low{}, high{};
};

constexpr size_t kMaxSamples = 16384;

// Finite pixels on a regular stride, one a row.
Eigen::MatrixXf SamplePixels(const ImageF& features) {
  const size_t stride = std::max<size_t>(1, features.num_pixels() / kMaxSamples);
  Eigen::MatrixXf samples(static_cast<Eigen::Index>(features.num_pixels() / stride + 1), features.channels);
  Eigen::Index count = 0;
  for (size_t i = 0; i < features.num_pixels(); i += stride) {
    const Eigen::Map<const Eigen::RowVectorXf> pixel(features.data.data() + i * features.channels,
                                                     features.channels);
    if (pixel.allFinite()) samples.row(count++) = pixel;
  }
  samples.conservativeResize(count, Eigen::NoChange);
  return samples;
}

float Percentile(std::vector<float>& values, double fraction) {
  const auto at = values.begin() + static_cast<ptrdiff_t>(std::lround(fraction * (values.size() - 1)));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

PcaBasis FitPca(const ImageF& features) {
  const Eigen::Index channels = features.channels;
  PcaBasis basis{Eigen::RowVectorXf::Zero(channels), Eigen::MatrixXf::Zero(channels, 3), {}, {}};
  Eigen::MatrixXf samples = SamplePixels(features);
  if (samples.rows() == 0) return basis;
  basis.mean = samples.colwise().mean();
  samples.rowwise() -= basis.mean;
  Eigen::MatrixXf covariance = Eigen::MatrixXf::Zero(channels, channels);
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(samples.transpose(), 1.0f / samples.rows());
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solver(covariance);
  const Eigen::Index kept = std::min<Eigen::Index>(3, channels);
  for (Eigen::Index i = 0; i < kept; ++i) {
    Eigen::VectorXf direction = solver.eigenvectors().col(channels - 1 - i);
    // The sign of an eigenvector is arbitrary: its largest component is made positive, so that colours do not
    // flip.
    Eigen::Index largest = 0;
    direction.cwiseAbs().maxCoeff(&largest);
    if (direction[largest] < 0) direction = -direction;
    basis.directions.col(i) = direction;
    const Eigen::VectorXf projected = samples * direction;
    std::vector<float> values(projected.data(), projected.data() + projected.size());
    basis.low[i] = Percentile(values, 0.01);
    basis.high[i] = Percentile(values, 0.99);
  }
  return basis;
}

void CheckSameSize(const ImageU8& a, const ImageU8& b) {
  SF_CHECK_EQ(a.width, b.width);
  SF_CHECK_EQ(a.height, b.height);
}

}  // namespace

ImageU8 Colorize(const ImageF& scalar, float low, float high) {
  SF_CHECK_EQ(scalar.channels, 1);
  ImageU8 out(scalar.width, scalar.height, 3);
  constexpr int kSpans = static_cast<int>(kColorStops.size()) - 1;
  const float scale = high > low ? kSpans / (high - low) : 0.0f;
  for (size_t i = 0; i < scalar.num_pixels(); ++i) {
    const float value = scalar.data[i];
    if (std::isnan(value)) continue;
    const float position = value <= low ? 0.0f : (value >= high ? kSpans : (value - low) * scale);
    const int span = std::min(static_cast<int>(position), kSpans - 1);
    for (int c = 0; c < 3; ++c) {
      out.data[3 * i + c] = Mix(kColorStops[span][c], kColorStops[span + 1][c], position - span);
    }
  }
  return out;
}

ImageU8 PcaToRgb(const ImageF& features, const ImageF* basis_of) {
  SF_CHECK_GT(features.channels, 0);
  if (basis_of != nullptr) SF_CHECK_EQ(basis_of->channels, features.channels);
  const PcaBasis basis = FitPca(basis_of != nullptr ? *basis_of : features);
  ImageU8 out(features.width, features.height, 3);
  ParallelChunks(static_cast<int64_t>(features.num_pixels()), 4096, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const Eigen::Map<const Eigen::RowVectorXf> pixel(features.data.data() + i * features.channels,
                                                       features.channels);
      if (!pixel.allFinite()) continue;
      const Eigen::RowVector3f projected = (pixel - basis.mean) * basis.directions;
      for (int c = 0; c < 3; ++c) {
        const float range = basis.high[c] - basis.low[c];
        const float unit = range > 0 ? (projected[c] - basis.low[c]) / range : 0.5f;
        // Overflow may have made it NaN, which compares false.
        out.data[3 * i + c] = unit > 0 ? static_cast<uint8_t>(std::min(unit, 1.0f) * 255.0f + 0.5f) : 0;
      }
    }
  });
  return out;
}

ImageU8 OverlayMask(const ImageU8& rgb, const ImageU8& mask, const Rgb& color) {
  SF_CHECK_EQ(rgb.channels, 3);
  SF_CHECK_EQ(mask.channels, 1);
  CheckSameSize(rgb, mask);
  ImageU8 out = rgb;
  const auto inside = [&](int x, int y) {
    return x < 0 || y < 0 || x >= mask.width || y >= mask.height || mask.At(x, y) > 127;
  };
  for (int y = 0; y < rgb.height; ++y) {
    for (int x = 0; x < rgb.width; ++x) {
      if (!inside(x, y)) continue;
      const bool interior = inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1);
      for (int c = 0; c < 3; ++c) {
        uint8_t& value = out.At(x, y, c);
        value = interior ? static_cast<uint8_t>((value + color[c] + 1) / 2) : color[c];
      }
    }
  }
  return out;
}

void DrawDot(ImageU8& rgb, double x, double y, double radius, const Rgb& color) {
  SF_CHECK_EQ(rgb.channels, 3);
  if (!std::isfinite(x) || !std::isfinite(y) || !(radius > 0)) return;
  constexpr Rgb kRim = {20, 20, 20};
  const double outer = radius + std::max(1.0, 0.25 * radius);
  const int x0 = static_cast<int>(std::clamp(std::floor(x - outer), 0.0, double(rgb.width)));
  const int x1 = static_cast<int>(std::clamp(std::ceil(x + outer), 0.0, double(rgb.width)));
  const int y0 = static_cast<int>(std::clamp(std::floor(y - outer), 0.0, double(rgb.height)));
  const int y1 = static_cast<int>(std::clamp(std::ceil(y + outer), 0.0, double(rgb.height)));
  for (int row = y0; row < y1; ++row) {
    for (int column = x0; column < x1; ++column) {
      const double distance = std::hypot(column + 0.5 - x, row + 0.5 - y);
      if (distance > outer) continue;
      const Rgb& paint = distance <= radius ? color : kRim;
      std::copy(paint.begin(), paint.end(), &rgb.At(column, row));
    }
  }
}

}  // namespace semfield
