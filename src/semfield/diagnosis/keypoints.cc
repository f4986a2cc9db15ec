#include "semfield/diagnosis/keypoints.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "semfield/base/check.h"
#include "semfield/image/pixels.h"

namespace semfield::diagnosis {
namespace {

constexpr int kScalesPerOctave = 3;
constexpr int kLevels = kScalesPerOctave + 3;
constexpr double kFirstSigma = 1.6, kSigmaOfImage = 0.5;
constexpr float kMinContrast = 0.012f;  // of a difference of Gaussians
constexpr float kMaxEdgeRatio = 10;     // of the principal curvatures
constexpr int kBorder = 5;
constexpr int kOrientationBins = 36;
constexpr int kCells = 4, kBins = 8;
constexpr float kTwoPi = 2 * std::numbers::pi_v<float>;

std::vector<float> GaussianTaps(double sigma) {
  const int radius = std::max(1, static_cast<int>(std::ceil(3 * sigma)));
  std::vector<float> taps(2 * radius + 1);
  float sum = 0;
  for (int i = -radius; i <= radius; ++i) {
    taps[i + radius] = static_cast<float>(std::exp(-0.5 * i * i / (sigma * sigma)));
    sum += taps[i + radius];
  }
  for (float& tap : taps) tap /= sum;
  return taps;
}

// Rows of the border are repeated outward.
ImageF Blur(const ImageF& image, double sigma) {
  const std::vector<float> taps = GaussianTaps(sigma);
  const int radius = static_cast<int>(taps.size()) / 2, width = image.width, height = image.height;
  ImageF across(width, height, 1), result(width, height, 1);
  std::vector<float> padded(width + 2 * radius);
  for (int y = 0; y < height; ++y) {
    const float* row = &image.data[static_cast<size_t>(y) * width];
    std::fill_n(padded.begin(), radius, row[0]);
    std::copy_n(row, width, padded.begin() + radius);
    std::fill_n(padded.begin() + radius + width, radius, row[width - 1]);
    float* out = &across.data[static_cast<size_t>(y) * width];
    for (size_t t = 0; t < taps.size(); ++t) {
      for (int x = 0; x < width; ++x) out[x] += taps[t] * padded[x + t];
    }
  }
  for (int y = 0; y < height; ++y) {
    float* out = &result.data[static_cast<size_t>(y) * width];
    for (int t = -radius; t <= radius; ++t) {
      const float* row = &across.data[static_cast<size_t>(std::clamp(y + t, 0, height - 1)) * width];
      const float tap = taps[t + radius];
      for (int x = 0; x < width; ++x) out[x] += tap * row[x];
    }
  }
  return result;
}

ImageF Difference(const ImageF& a, const ImageF& b) {
  ImageF result(a.width, a.height, 1);
  for (size_t i = 0; i < a.data.size(); ++i) result.data[i] = a.data[i] - b.data[i];
  return result;
}

ImageF EverySecond(const ImageF& image) {
  ImageF half(image.width / 2, image.height / 2, 1);
  for (int y = 0; y < half.height; ++y) {
    for (int x = 0; x < half.width; ++x) half.At(x, y) = image.At(2 * x, 2 * y);
  }
  return half;
}

struct Gradients {
  ImageF magnitude, angle;
};

// atan2 to 1e-4 radians (a minimax polynomial of atan on [0, 1]), without branches: loops over it are
// vectorised, and it is half the time of looking at a photo otherwise.
inline float QuickAngle(float dy, float dx) {
  const float ax = std::abs(dx), ay = std::abs(dy);
  const float t = std::min(ax, ay) / (std::max(ax, ay) + 1e-30f), square = t * t;
  float angle =
      t * (0.99997726f +
           square * (-0.33262347f + square * (0.19354346f + square * (-0.11643287f + square * 0.05265332f -
                                                                      square * square * 0.01172120f))));
  angle = ay > ax ? 0.5f * std::numbers::pi_v<float> - angle : angle;
  angle = dx < 0 ? std::numbers::pi_v<float> - angle : angle;
  return dy < 0 ? -angle : angle;
}

Gradients GradientsOf(const ImageF& image) {
  Gradients result{ImageF(image.width, image.height, 1), ImageF(image.width, image.height, 1)};
  for (int y = 1; y + 1 < image.height; ++y) {
    for (int x = 1; x + 1 < image.width; ++x) {
      const float dx = image.At(x + 1, y) - image.At(x - 1, y), dy = image.At(x, y + 1) - image.At(x, y - 1);
      result.magnitude.At(x, y) = std::sqrt(dx * dx + dy * dy);
      result.angle.At(x, y) = QuickAngle(dy, dx);
    }
  }
  return result;
}

struct Octave {
  std::array<ImageF, kLevels> levels;
  std::array<ImageF, kLevels - 1> differences;
  std::array<Gradients, kLevels> gradients;  // of the levels that hold keypoints
};

Octave MakeOctave(ImageF first) {
  Octave octave;
  octave.levels[0] = std::move(first);
  for (int i = 1; i < kLevels; ++i) {
    const double before = kFirstSigma * std::exp2((i - 1.0) / kScalesPerOctave);
    const double after = kFirstSigma * std::exp2(static_cast<double>(i) / kScalesPerOctave);
    octave.levels[i] = Blur(octave.levels[i - 1], std::sqrt(after * after - before * before));
    octave.differences[i - 1] = Difference(octave.levels[i], octave.levels[i - 1]);
  }
  for (int i = 1; i <= kScalesPerOctave; ++i) octave.gradients[i] = GradientsOf(octave.levels[i]);
  return octave;
}

bool IsExtremum(const Octave& octave, int level, int x, int y) {
  const float value = octave.differences[level].At(x, y);
  if (std::abs(value) < 0.7f * kMinContrast) return false;
  const float sign = value > 0 ? 1.f : -1.f;
  for (int k = level - 1; k <= level + 1; ++k) {
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) {
        if ((k != level || dx != 0 || dy != 0) &&
            sign * octave.differences[k].At(x + dx, y + dy) >= sign * value)
          return false;
      }
    }
  }
  return true;
}

// Where the parabola through an extremum's neighbours has its top, along each axis on its own.
struct Refined {
  float dx = 0, dy = 0, dlevel = 0, value = 0;
  bool good = false;
};

Refined Refine(const Octave& octave, int level, int x, int y) {
  const ImageF& here = octave.differences[level];
  const ImageF &below = octave.differences[level - 1], &above = octave.differences[level + 1];
  const float v = here.At(x, y);
  const float gx = 0.5f * (here.At(x + 1, y) - here.At(x - 1, y));
  const float gy = 0.5f * (here.At(x, y + 1) - here.At(x, y - 1));
  const float gs = 0.5f * (above.At(x, y) - below.At(x, y));
  const float xx = here.At(x + 1, y) + here.At(x - 1, y) - 2 * v;
  const float yy = here.At(x, y + 1) + here.At(x, y - 1) - 2 * v;
  const float ss = above.At(x, y) + below.At(x, y) - 2 * v;
  const float xy =
      0.25f * (here.At(x + 1, y + 1) - here.At(x - 1, y + 1) - here.At(x + 1, y - 1) + here.At(x - 1, y - 1));
  const float det = xx * yy - xy * xy, trace = xx + yy;
  Refined result;
  constexpr float kRatio = (kMaxEdgeRatio + 1) * (kMaxEdgeRatio + 1) / kMaxEdgeRatio;
  if (det <= 0 || trace * trace > kRatio * det) return result;
  result.dx = std::clamp(-(yy * gx - xy * gy) / det, -0.6f, 0.6f);
  result.dy = std::clamp(-(xx * gy - xy * gx) / det, -0.6f, 0.6f);
  result.dlevel = ss != 0 ? std::clamp(-gs / ss, -0.5f, 0.5f) : 0.f;
  result.value = v + 0.5f * (gx * result.dx + gy * result.dy + gs * result.dlevel);
  result.good = std::abs(result.value) >= kMinContrast;
  return result;
}

// Peaks of the histogram of gradient directions around a keypoint, the strongest and those near it.
std::vector<float> Orientations(const Gradients& gradients, float x, float y, float sigma) {
  std::array<float, kOrientationBins> bins{};
  const float spread = 1.5f * sigma;
  const int radius = static_cast<int>(std::lround(3 * spread));
  const int cx = static_cast<int>(std::lround(x)), cy = static_cast<int>(std::lround(y));
  for (int v = std::max(cy - radius, 1); v <= std::min(cy + radius, gradients.angle.height - 2); ++v) {
    for (int u = std::max(cx - radius, 1); u <= std::min(cx + radius, gradients.angle.width - 2); ++u) {
      const float dx = u - x, dy = v - y;
      const float weight = std::exp(-0.5f * (dx * dx + dy * dy) / (spread * spread));
      const float turn = gradients.angle.At(u, v) / kTwoPi + 1;
      bins[static_cast<int>(turn * kOrientationBins) % kOrientationBins] +=
          weight * gradients.magnitude.At(u, v);
    }
  }
  for (int pass = 0; pass < 2; ++pass) {
    const auto old = bins;
    for (int i = 0; i < kOrientationBins; ++i) {
      bins[i] =
          (old[(i + kOrientationBins - 1) % kOrientationBins] + old[i] + old[(i + 1) % kOrientationBins]) / 3;
    }
  }
  const float highest = *std::max_element(bins.begin(), bins.end());
  std::vector<float> angles;
  for (int i = 0; i < kOrientationBins; ++i) {
    const float left = bins[(i + kOrientationBins - 1) % kOrientationBins], here = bins[i],
                right = bins[(i + 1) % kOrientationBins];
    if (here < 0.85f * highest || here <= left || here < right) continue;
    const float offset = 0.5f * (left - right) / (left - 2 * here + right);
    angles.push_back(kTwoPi * (i + 0.5f + offset) / kOrientationBins);
    if (angles.size() == 2) break;
  }
  return angles;
}

// One sample's share of the 4 x 4 x 8 histogram, spread over the eight nearest bins.
void AddSample(float row, float column, float turn, float weight, float* histogram) {
  const float bin = turn * kBins;
  const int r0 = static_cast<int>(std::floor(row)), c0 = static_cast<int>(std::floor(column)),
            b0 = static_cast<int>(std::floor(bin));
  const float fr = row - r0, fc = column - c0, fb = bin - b0;
  for (int i = 0; i < 2; ++i) {
    if (r0 + i < 0 || r0 + i >= kCells) continue;
    const float wr = weight * (i ? fr : 1 - fr);
    for (int j = 0; j < 2; ++j) {
      if (c0 + j < 0 || c0 + j >= kCells) continue;
      const float wc = wr * (j ? fc : 1 - fc);
      float* cell = histogram + ((r0 + i) * kCells + c0 + j) * kBins;
      cell[b0 & (kBins - 1)] += wc * (1 - fb);
      cell[(b0 + 1) & (kBins - 1)] += wc * fb;
    }
  }
}

void Describe(const Gradients& gradients, float x, float y, float sigma, float angle, uint8_t* out) {
  std::array<float, kDescriptorSize> histogram{};
  const float cell = 3 * sigma, cosine = std::cos(angle) / cell, sine = std::sin(angle) / cell;
  const int radius = static_cast<int>(std::lround(cell * 0.70711f * (kCells + 1)));
  const int cx = static_cast<int>(std::lround(x)), cy = static_cast<int>(std::lround(y));
  for (int v = std::max(cy - radius, 1); v <= std::min(cy + radius, gradients.angle.height - 2); ++v) {
    for (int u = std::max(cx - radius, 1); u <= std::min(cx + radius, gradients.angle.width - 2); ++u) {
      const float dx = u - x, dy = v - y;
      const float along = cosine * dx + sine * dy, across = cosine * dy - sine * dx;
      const float column = along + 0.5f * kCells - 0.5f, row = across + 0.5f * kCells - 0.5f;
      if (!(column > -1 && column < kCells && row > -1 && row < kCells)) continue;
      const float weight = std::exp(-(along * along + across * across) / (0.5f * kCells * kCells));
      const float turn = (gradients.angle.At(u, v) - angle) / kTwoPi + 2;
      AddSample(row, column, turn, weight * gradients.magnitude.At(u, v), histogram.data());
    }
  }
  float square = 1e-12f, sum = 1e-12f;
  for (const float value : histogram) square += value * value;
  const float limit = 0.2f * std::sqrt(square);
  for (float& value : histogram) sum += value = std::min(value, limit);
  for (int i = 0; i < kDescriptorSize; ++i) {
    out[i] = static_cast<uint8_t>(std::min(255.f, 512 * std::sqrt(histogram[i] / sum) + 0.5f));
  }
}

// Sums of magnitudes over rectangles (summed-area table).
class MagnitudeSums {
 public:
  explicit MagnitudeSums(const ImageF& image)
      : width_(image.width), height_(image.height), sums_((width_ + 1) * (height_ + 1), 0.0) {
    for (size_t y = 0; y < height_; ++y) {
      double row = 0;
      for (size_t x = 0; x < width_; ++x) {
        row += std::abs(image.data[y * width_ + x]);
        sums_[(y + 1) * (width_ + 1) + x + 1] = sums_[y * (width_ + 1) + x + 1] + row;
      }
    }
  }
  // Within `radius` pixels of a pixel, cut at the image's border.
  double Around(int x, int y, int radius) const {
    const int width = static_cast<int>(width_), height = static_cast<int>(height_);
    const size_t x0 = std::clamp(x - radius, 0, width), x1 = std::clamp(x + radius + 1, 0, width);
    const size_t y0 = std::clamp(y - radius, 0, height), y1 = std::clamp(y + radius + 1, 0, height);
    return At(x1, y1) - At(x0, y1) - At(x1, y0) + At(x0, y0);
  }

 private:
  double At(size_t x, size_t y) const { return sums_[y * (width_ + 1) + x]; }
  size_t width_, height_;
  std::vector<double> sums_;
};

// Finest against coarser detail around a keypoint: what blur takes away first. Negative: too flat to say.
float Sharpness(const MagnitudeSums& fine, const MagnitudeSums& coarse, float x, float y, float radius_in) {
  const int radius = std::max(4, static_cast<int>(radius_in));
  const int cx = static_cast<int>(x), cy = static_cast<int>(y);
  const double high = fine.Around(cx, cy, radius), low = coarse.Around(cx, cy, radius);
  return low > 1e-6 ? static_cast<float>(high / low) : -1.f;
}

struct Candidate {
  Keypoint point;
  float x = 0, y = 0, sigma = 0;  // in the octave
  int octave = 0, level = 0;
};

// Pixel i of the octave has its centre at step i + offset.
void FindInOctave(const Octave& octave, int index, double step, double offset, const ImageU8& use,
                  std::vector<Candidate>* found) {
  const int width = octave.levels[0].width, height = octave.levels[0].height;
  for (int level = 1; level <= kScalesPerOctave; ++level) {
    for (int y = kBorder; y < height - kBorder; ++y) {
      for (int x = kBorder; x < width - kBorder; ++x) {
        if (!IsExtremum(octave, level, x, y)) continue;
        const Refined refined = Refine(octave, level, x, y);
        if (!refined.good) continue;
        Candidate c;
        c.octave = index;
        c.level = level;
        c.x = x + refined.dx;
        c.y = y + refined.dy;
        c.sigma = static_cast<float>(kFirstSigma * std::exp2((level + refined.dlevel) / kScalesPerOctave));
        c.point.x = static_cast<float>(c.x * step + offset);
        c.point.y = static_cast<float>(c.y * step + offset);
        c.point.scale = static_cast<float>(c.sigma * step);
        c.point.strength = std::abs(refined.value);
        const int u = static_cast<int>(c.point.x), v = static_cast<int>(c.point.y);
        if (!use.empty() && use.At(std::clamp(u, 0, use.width - 1), std::clamp(v, 0, use.height - 1)) == 0)
          continue;
        found->push_back(c);
      }
    }
  }
}

}  // namespace

Keypoints FindKeypoints(const ImageF& gray, const ImageU8& use, const KeypointOptions& options) {
  SF_CHECK_EQ(gray.channels, 1);
  ImageF first = gray;
  double step = 1, sigma = kSigmaOfImage;
  if (options.enlarge) {
    first = Resize(gray, 2 * gray.width, 2 * gray.height);
    step = 0.5;
    sigma *= 2;
  }
  const ImageF unblurred = first;
  first = Blur(first, std::sqrt(kFirstSigma * kFirstSigma - sigma * sigma));
  const MagnitudeSums fine(Difference(unblurred, first));
  std::vector<Octave> octaves;
  std::vector<Candidate> found;
  const double first_step = step;
  while (std::min(first.width, first.height) >= 24) {
    octaves.push_back(MakeOctave(std::move(first)));
    FindInOctave(octaves.back(), static_cast<int>(octaves.size()) - 1, step, 0.5 * first_step, use, &found);
    first = EverySecond(octaves.back().levels[kScalesPerOctave]);
    step *= 2;
  }
  std::stable_sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return a.point.strength > b.point.strength;
  });
  Keypoints result;
  if (octaves.empty()) return result;
  const MagnitudeSums coarse(octaves[0].differences[kScalesPerOctave]);
  for (const Candidate& c : found) {
    const Gradients& gradients = octaves[c.octave].gradients[c.level];
    Keypoint point = c.point;
    point.sharpness =
        Sharpness(fine, coarse, static_cast<float>(point.x / first_step),
                  static_cast<float>(point.y / first_step), static_cast<float>(3 * point.scale / first_step));
    for (const float angle : Orientations(gradients, c.x, c.y, c.sigma)) {
      if (static_cast<int>(result.points.size()) >= options.max_keypoints) return result;
      point.angle = angle;
      result.points.push_back(point);
      result.descriptors.resize(result.descriptors.size() + kDescriptorSize);
      Describe(gradients, c.x, c.y, c.sigma, angle,
               result.descriptors.data() + result.descriptors.size() - kDescriptorSize);
    }
  }
  return result;
}

}  // namespace semfield::diagnosis
